using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Llasta.ModelSim;
using Llasta.ModelSim.Settings;
using Xunit;

namespace Llasta.Tests.ModelSim;

public sealed class SettingsTests
{
    public static TheoryData<string, string, string> WrongValues => new()
    {
        { "Model", "", "a name" },
        { "ContextWindow", "-1", "a whole number from 16" },
        { "TokensPerSecond", "fast", "a number of tokens per second from 0" },
        { "FirstTokenDelay", "00:00:01", "whole milliseconds" },
        { "QueueDelay", "-5", "whole milliseconds" },
        { "ThinkingTokens", "many", "a whole number" },
        { "ReasoningField", "thoughts", "one of reasoning, reasoning_content, both, tags" },
        { "TokensPerChunk", "0", "a whole number from 1" },
        { "Fault", "explode", "one of none, refuse, unauthorized" },
        { "FaultPhase", "later", "one of before-headers, queued, thinking, answering, after-finish" },
        { "FaultAfterTokens", "-1", "a whole number" },
    };

    [Theory]
    [MemberData(nameof(WrongValues))]
    public async Task A_wrong_value_is_refused_by_name_wherever_it_comes_from(string name, string value, string wanted)
    {
        var atStart = Assert.Throws<InvalidSettingException>(() => ModelSimApplication.Create(["--urls", "http://127.0.0.1:0", $"--Sim:{name}={value}"]));
        Assert.StartsWith($"Sim:{name} must be {wanted}", atStart.Message, StringComparison.Ordinal);

        await using var sim = await SimServer.StartAsync();
        var (status, error) = await sim.GetErrorAsync(SimServer.Ask("Hi"), ($"X-Sim-{name}", value));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.StartsWith($"X-Sim-{name} must be {wanted}", (string?)error["error"]!["message"], StringComparison.Ordinal);

        var (changed, complaint) = await PutAsync(sim, $$"""{"{{name}}":"{{value}}"}""");
        Assert.Equal(HttpStatusCode.BadRequest, changed);
        Assert.Contains($"Sim:{name} must be {wanted}", complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_value_set_in_code_is_refused_too()
    {
        var e = Assert.Throws<InvalidSettingException>(() => ModelSimApplication.Create([], options => options.TokensPerChunk = 0));
        Assert.StartsWith("Sim:TokensPerChunk must be a whole number from 1", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_setting_is_refused() =>
        Assert.StartsWith("Sim:Speed is not a setting", Assert.Throws<InvalidSettingException>(() => ModelSimApplication.Create(["--Sim:Speed=1"])).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("ApiKey")]
    [InlineData("StartupDelay")]
    [InlineData("FaultTimes")]
    public async Task What_belongs_to_the_server_is_no_header(string name)
    {
        await using var sim = await SimServer.StartAsync();
        var (status, error) = await sim.GetErrorAsync(SimServer.Ask("Hi"), ($"X-Sim-{name}", "1"));
        Assert.Equal((HttpStatusCode.BadRequest, $"X-Sim-{name} can't be set for one request."), (status, (string?)error["error"]!["message"]));
    }

    [Fact]
    public async Task A_header_counts_for_its_request_and_a_change_for_all_after_it()
    {
        await using var sim = await SimServer.StartAsync();
        Assert.Equal(404, (int)(await sim.GetErrorAsync(SimServer.Ask("Hi"), ("X-Sim-Model", "other"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await PutAsync(sim, """{"Model":"other","TokensPerSecond":1000000,"ContextWindow":4096}""")).Status);
        var model = (await sim.GetAsync("/v1/models")).GetProperty("data")[0];
        Assert.Equal(("other", 4096, "llasta-modelsim"), (model.GetProperty("id").GetString(), model.GetProperty("max_model_len").GetInt32(), model.GetProperty("owned_by").GetString()));
        Assert.Equal("stop", (await sim.StreamAsync(SimServer.Ask("Hi", body => body["model"] = "other"))).FinishReason);
    }

    [Fact]
    public async Task Settings_that_were_read_can_be_written_back()
    {
        await using var sim = await SimServer.StartAsync(options => options.Fault = Fault.ErrorInStream);
        var before = await sim.Client.GetStringAsync("/sim/settings", SimServer.Stop);
        Assert.Equal((HttpStatusCode.OK, before), await PutAsync(sim, before));
    }

    [Fact]
    public async Task Nothing_listens_until_the_start_up_delay_has_passed()
    {
        int port;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }
        await using var app = ModelSimApplication.Create(["--urls", $"http://127.0.0.1:{port}"], options => options.StartupDelay = TimeSpan.FromHours(1));
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(SimServer.Stop);
        var starting = app.StartAsync(giveUp.Token);
        using (var client = new TcpClient())
            await Assert.ThrowsAsync<SocketException>(async () => await client.ConnectAsync(IPAddress.Loopback, port, SimServer.Stop));
        Assert.False(starting.IsCompleted);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting);
    }

    [Theory]
    [InlineData("--Sim:TokensPerSecond=fast", "Sim:TokensPerSecond must be a number of tokens per second from 0 (as fast as possible) to 1000000, not 'fast'.\n")]
    [InlineData("--urls=nowhere", "Invalid url: 'nowhere'\n")]
    public async Task A_wrong_start_ends_the_process_with_one_line(string argument, string line)
    {
        using var process = Start(argument);
        var error = await process.StandardError.ReadToEndAsync(SimServer.Stop);
        await process.WaitForExitAsync(SimServer.Stop);
        Assert.Equal((1, line), (process.ExitCode, error));
    }

    [Fact]
    public async Task The_arguments_URL_wins_over_the_environments()
    {
        using var process = Start("--urls=http://127.0.0.1:0");
        try
        {
            var line = await process.StandardOutput.ReadLineAsync(SimServer.Stop);
            Assert.Matches("Simulating Qwen/Qwen3-8B at http://127.0.0.1:[0-9]+: no real model is connected", line);
        }
        finally
        {
            process.Kill();
        }
    }

    private static Process Start(string argument)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "Llasta.ModelSim.dll"), argument])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            Environment = { ["ASPNETCORE_URLS"] = "http://127.0.0.1:1" },
        };
        return Process.Start(start)!;
    }

    private static async Task<(HttpStatusCode Status, string Body)> PutAsync(SimServer sim, string settings)
    {
        using var content = new StringContent(settings, Encoding.UTF8, "application/json");
        using var response = await sim.Client.PutAsync("/sim/settings", content, SimServer.Stop);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(SimServer.Stop));
    }
}
