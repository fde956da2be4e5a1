using System.Text.Json;
using System.Text.RegularExpressions;
using Llasta.ServiceDefaults;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>Services as the processes that they are.</summary>
public partial class StartUpTests
{
    [Theory]
    [InlineData("Llasta.ChatApi", "OPENAI_API_BASE_URL is not set")]
    [InlineData("Llasta.ChatApi", "OPENAI_API_BASE_URL", "OPENAI_API_BASE_URL=http://vllm:8000")]
    [InlineData("Llasta.ChatApi", "OPENAI_API_BASE_URL", "OPENAI_API_BASE_URL=vllm:8000/v1")]
    [InlineData("Llasta.ChatApi", "OPENAI_API_KEY", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "OPENAI_API_KEY=sesame\n")]
    [InlineData("Llasta.ChatApi", "OPENAI_API_KEY_FILE", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "OPENAI_API_KEY_FILE=/no/such/file")]
    [InlineData("Llasta.ChatApi", "OPENAI_API_BASE_URL", "OPENAI_API_BASE_URL=http://vllm:8000/v1?api-version=1")]
    [InlineData("Llasta.ChatApi", "OPENAI_API_BASE_URL", "OPENAI_API_BASE_URL=http://user:secret@vllm:8000/v1")]
    [InlineData("Llasta.ChatApi", "Chat:Server", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Chat:Server=mine")]
    [InlineData("Llasta.ChatApi", "Chat:Sampling:TopP", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Chat:Sampling:TopP=2")]
    [InlineData("Llasta.ChatApi", "Chat:MaxConcurrentTurns", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Chat:MaxConcurrentTurns=0")]
    [InlineData("Llasta.ChatApi", "Chat:MaxConcurrentTurns", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Chat:MaxConcurrentTurns=many")]
    [InlineData("Llasta.ChatApi", "Chat:MaxTurnsPerClient", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Chat:MaxTurnsPerClient=-1")]
    [InlineData("Llasta.ChatApi", "Chat:IdleTimeout", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Chat:IdleTimeout=-1")]
    [InlineData("Llasta.ChatApi", "Chat:DrainTimeout", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Chat:DrainTimeout=-00:00:01")]
    [InlineData("Llasta.ChatApi", "Chat:DrainTimeout", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Chat:DrainTimeout=60")]
    [InlineData("Llasta.ChatApi", "MaxTurns", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Chat:MaxTurns=3")]
    [InlineData("Llasta.ChatApi", "Chat:Server", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Chat:Server=7")]
    [InlineData("Llasta.ChatApi", "Chat:AllowedHosts", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Chat:AllowedHosts=chat.example.com,https://chat.example.com")]
    [InlineData("Llasta.ChatApi", "Chat:AllowedHosts", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Chat:AllowedHosts=*")]
    [InlineData("Llasta.ChatApi", "--urls", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "urls=somewhere")]
    [InlineData("Llasta.ChatApi", "--urls", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "urls=http://127.0.0.1:0;http://127.0.0.1:65536")]
    [InlineData("Llasta.ChatApi", "--urls", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "urls=https://127.0.0.1:0")]
    [InlineData("Llasta.ChatApi", "--urls", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "urls=http://127.0.0.1:0/chat")]
    // The framework would listen on all addresses.
    [InlineData("Llasta.ChatApi", "--urls", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "urls=http://127.0.0.1:80x")]
    [InlineData("Llasta.ChatApi", "--urls", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "urls=http://chat.example.com:8080")]
    [InlineData("Llasta.ChatApi", "--urls", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "urls=http://unix:api.sock")]
    [InlineData("Llasta.ChatApi", "--urls", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "urls=http://localhost:0")]
    [InlineData("Llasta.ChatApi", "ASPNETCORE_HTTP_PORTS", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "HTTP_PORTS=http")]
    [InlineData("Llasta.ChatApi", "ASPNETCORE_HTTP_PORTS", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "HTTP_PORTS=8080;99999")]
    [InlineData("Llasta.Web", "Kestrel:Endpoints:A:Url", "services:chatapi:http:0=http://chatapi:8080", "Kestrel:Endpoints:A:Url=http://127.0.0.1:80x")]
    [InlineData("Llasta.Web", "Kestrel:Endpoints:A:Url", "services:chatapi:http:0=http://chatapi:8080", "Kestrel:Endpoints:A:Port=8080")]
    [InlineData("Llasta.Web", "Kestrel:Endpoints:A:Url", "services:chatapi:http:0=http://chatapi:8080", "Kestrel:Endpoints:A:Url=https://127.0.0.1:0")]
    // An address of no machine.
    [InlineData("Llasta.ChatApi", "--urls", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "urls=http://192.0.2.1:0")]
    [InlineData("Llasta.ChatApi", "HTTPS_PORTS", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "HTTPS_PORTS=8443")]
    [InlineData("Llasta.ChatApi", "Streaming:UseFramework", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Streaming:UseFramework=maybe")]
    [InlineData("Llasta.ChatApi", "Logging:LogLevel:Default", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Logging:LogLevel:Default=Verbose")]
    [InlineData("Llasta.ChatApi", "Logging:Console:FormatterName", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "Logging:Console:FormatterName=jsn")]
    [InlineData("Llasta.ChatApi", "OTEL_EXPORTER_OTLP_ENDPOINT", "OPENAI_API_BASE_URL=http://vllm:8000/v1", "OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317")]
    [InlineData("Llasta.Web", "services:chatapi:http:0", "services:chatapi:http:0=http://chatapi:80800")]
    [InlineData("Llasta.Web", "services:chatapi:http:1", "services:chatapi:http:0=http://chatapi:8080", "services:chatapi:http:1=https://chatapi:8080")]
    [InlineData("Llasta.Web", "services:chatapi:http:0", "services:chatapi:https:0=https://chatapi:8080")]
    [InlineData("Llasta.Web", "OPENAI_API_BASE_URL is not set")]
    [InlineData("Llasta.Web", "Chat:MaxMessages", "services:chatapi:http:0=http://chatapi:8080", "Chat:MaxMessages=0")]
    public async Task A_wrong_setting_stops_the_start_with_one_line_that_names_it(string project, string names, params string[] settings)
    {
        var (exitCode, _, error) = await ServiceProcess.RunAsync(project, ["--environment=Production", "--urls=http://127.0.0.1:0", .. settings.Select(s => $"--{s}")]);

        Assert.Equal(1, exitCode);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Contains(names, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Llasta.ChatApi", "--OPENAI_API_BASE_URL=http://user:secret@vllm:8000")]
    [InlineData("Llasta.ChatApi", "--OPENAI_API_BASE_URL=http://vllm:8000/v1", "--OTEL_EXPORTER_OTLP_ENDPOINT=http://user:secret@collector:99999")]
    [InlineData("Llasta.Web", "--services:chatapi:http:0=user:secret@chatapi:99999")]
    public async Task A_wrong_address_is_told_without_its_password(string project, params string[] settings)
    {
        var (exitCode, _, error) = await ServiceProcess.RunAsync(project, ["--environment=Production", "--urls=http://127.0.0.1:0", .. settings]);

        Assert.Equal(1, exitCode);
        Assert.Contains("…@", error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "secret", "Headers provided")]
    [InlineData("OTEL_EXPORTER_OTLP_CERTIFICATE", "/none", "/none")]
    public async Task A_setting_that_telemetry_refuses_stops_the_start_with_one_line_that_names_it(string name, string value, string reason)
    {
        // The SDK takes it from the environment only.
        var (exitCode, _, error) = await ServiceProcess.RunAsync("Llasta.Web", ["--environment=Production", "--urls=http://127.0.0.1:0", "--services:chatapi:http:0=http://chatapi:8080"], ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"), (name, value));

        Assert.Equal(1, exitCode);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Contains(name, error, StringComparison.Ordinal);
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Llasta.ChatApi", "--OPENAI_API_BASE_URL=http://127.0.0.1:1/v1")]
    [InlineData("Llasta.Web", "--services:chatapi:http:0=http://127.0.0.1:1")]
    [InlineData("Llasta.ModelSim")]
    public async Task A_service_watches_no_files(string project, params string[] settings)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The process's descriptors are read from /proc.");
        using var service = ServiceProcess.Start(project, ["--environment=Production", "--urls=http://127.0.0.1:0", .. settings]);
        await service.WaitForAsync(Address());

        var open = Directory.GetFiles($"/proc/{service.Id}/fd").Select(descriptor => File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.FullName ?? "").ToList();

        Assert.Contains(open, target => target.Contains("socket:", StringComparison.Ordinal));
        Assert.DoesNotContain(open, target => target.Contains("inotify", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Llasta.ChatApi", "--OPENAI_API_BASE_URL=http://127.0.0.1:1/v1")]
    [InlineData("Llasta.Web", "--services:chatapi:http:0=http://127.0.0.1:1")]
    public async Task An_event_of_the_log_is_one_line(string project, params string[] settings)
    {
        using var service = ServiceProcess.Start(project, ["--environment=Production", "--urls=http://127.0.0.1:0", .. settings]);

        await service.WaitForAsync(LevelAndText());
    }

    [GeneratedRegex("^info: .*Now listening on: ")]
    private static partial Regex LevelAndText();

    [Theory]
    [InlineData("Llasta.ChatApi", "--OPENAI_API_BASE_URL=http://127.0.0.1:1/v1")]
    [InlineData("Llasta.Web", "--services:chatapi:http:0=http://127.0.0.1:1")]
    public async Task The_log_can_be_JSON(string project, params string[] settings)
    {
        using var service = ServiceProcess.Start(project, ["--environment=Production", "--urls=http://127.0.0.1:0", "--Logging:Console:FormatterName=json", .. settings]);

        var line = await service.WaitForAsync(JsonLine());

        using var entry = JsonDocument.Parse(line.Value);
        Assert.Equal("Information", entry.RootElement.GetProperty("LogLevel").GetString());
    }

    [GeneratedRegex("^{.*Now listening on: .*}$")]
    private static partial Regex JsonLine();

    [Fact]
    public async Task A_log_that_nobody_reads_stops_no_request()
    {
        using var service = ServiceProcess.Start("Llasta.ChatApi", ["--environment=Production", "--urls=http://127.0.0.1:0", "--OPENAI_API_BASE_URL=http://127.0.0.1:1/v1", "--Logging:LogLevel:Default=Trace", "--Logging:LogLevel:Microsoft.AspNetCore=Trace", "--Logging:Console:MaxQueueLength=1"]);
        var address = await service.WaitForAsync(WholeAddress());
        using var client = new HttpClient();

        // Each writes several kilobytes, and a pipe holds 64.
        for (var i = 0; i < 100; i++)
            Assert.Equal("Healthy", await client.GetStringAsync(new Uri($"{address.Value}/health"), Chatbot.Cancelled));
    }

    [Theory]
    [InlineData("--services:chatapi:http:0=http://127.0.0.1:1", "--urls=HTTP://127.0.0.1:0")]
    [InlineData("--services:chatapi:http=http://127.0.0.1:1", "--urls=http://127.0.0.1:0;")]
    [InlineData("--services:chatapi:http=http://127.0.0.1:1", "--Kestrel:Endpoints:Page:Url=http://127.0.0.1:0")]
    public async Task Addresses_may_be_written_in_other_ways(params string[] settings)
    {
        using var service = ServiceProcess.Start("Llasta.Web", ["--environment=Production", .. settings]);

        await service.WaitForAsync(Address());
    }

    [GeneratedRegex("http://127.0.0.1:[1-9]")]
    private static partial Regex Address();

    [GeneratedRegex("http://127.0.0.1:[0-9]+")]
    private static partial Regex WholeAddress();

    [Fact]
    public async Task A_file_that_a_killed_program_has_left_at_a_sockets_path_is_told_in_one_line()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A path of Unix.");
        var path = Path.GetTempFileName();
        try
        {
            var (exitCode, _, error) = await ServiceProcess.RunAsync("Llasta.ChatApi", [$"--urls=http://unix:{path}", "--OPENAI_API_BASE_URL=http://127.0.0.1:1/v1"]);

            Assert.Equal(1, exitCode);
            Assert.Single(error.TrimEnd().Split('\n'));
            Assert.Contains("delete the file", error, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task An_address_that_is_taken_is_told_in_one_line()
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone);

        var (exitCode, output, error) = await ServiceProcess.RunAsync("Llasta.ChatApi", [$"--urls={chatbot.Client.BaseAddress}", "--OPENAI_API_BASE_URL=http://127.0.0.1:1/v1"]);

        Assert.Equal(1, exitCode);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Contains("--urls", error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://localhost:8080", true)]
    [InlineData("http://chat.dev.localhost:8080", true)]
    [InlineData("http://127.0.0.1:0", true)]
    [InlineData("http://[::1]:8080", true)]
    [InlineData("http://*:8080", true)]
    [InlineData("http://+:8080/", true)]
    [InlineData("HTTP://0.0.0.0:8080", true)]
    [InlineData("http://unix:/run/llasta.sock", true)]
    [InlineData("http://notlocalhost:8080", false)]
    [InlineData("http://127.0.0.1:80x", false)]
    [InlineData("http://localhost:8080/chat", false)]
    [InlineData("https://localhost:8080", false)]
    [InlineData(null, false)]
    public void An_address_is_one_that_the_service_listens_at_and_at_no_other(string? address, bool isOne) =>
        Assert.Equal(isOne, StartUp.IsAddress(address));
}
