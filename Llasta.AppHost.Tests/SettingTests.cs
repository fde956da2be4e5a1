using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Llasta.AppHost.Tests;

public sealed class SettingTests
{
    [Theory]
    [InlineData("--Model:Backend=tpu", "Model:Backend is 'tpu'")]
    [InlineData("--Model:ContextWindow=16k", "'16k' at 'Model:ContextWindow'")]
    [InlineData("--Model:ContextWindow=0", "Model:ContextWindow is 0; it must be at least 1.")]
    [InlineData("--Model:Gpus=-1", "Model:Gpus is -1; it must be at least 1.")]
    [InlineData("--Model:Bakend=sim", "Model:Bakend is not a setting; those of Model are Backend,")]
    [InlineData("--Chatbot:Port=http", "Chatbot:Port is 'http'; it must be a port from 1 to 65535.")]
    [InlineData("--Chatbot:Port=65536", "Chatbot:Port is '65536'; it must be a port from 1 to 65535.")]
    public async Task A_wrong_setting_ends_the_AppHost_with_one_line_that_names_it(string argument, string expected)
    {
        var (exitCode, _, error) = await AppHostProcess.RunAsync(argument);

        Assert.Equal(1, exitCode);
        Assert.Contains(expected, Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_ends_the_AppHost_with_one_line_that_names_port_and_setting()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var (exitCode, _, error) = await AppHostProcess.RunAsync(
            "--Model:Backend=sim", $"--Chatbot:Port={port}", "--ASPNETCORE_URLS=http://localhost:0", "--ASPIRE_ALLOW_UNSECURED_TRANSPORT=true", "--ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL=http://localhost:0");

        Assert.Equal(1, exitCode);
        Assert.Equal($"Port {port} is taken, so the page can't be served there. Stop what listens on it, or choose another port with Chatbot:Port.", error.TrimEnd());
    }
}
