using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Llasta.ModelSim;
using Microsoft.Extensions.Options;
using Xunit;

namespace Llasta.Tests.ModelSim;

public sealed class SettingsTests
{
    public static TheoryData<string, string, string> WrongValues => new()
    {
        { "Model", "", "a name" },
        { "ContextWindow", "-1", "16 or more" },
        { "ContextWindow", "large", "a number" },
        { "TokensPerSecond", "fast", "a number" },
        { "TokensPerSecond", "-1", "from 0 (as fast as possible) to 1000000 tokens per second" },
        { "FirstTokenDelay", "soon", "a duration such as 00:00:00.150" },
        { "QueueDelay", "600000", "a duration from 00:00:00 to a day, such as 00:00:00.150" },
        { "QueueDelay", "-00:00:05", "a duration from 00:00:00 to a day" },
        { "ThinkingTokens", "many", "a number" },
        { "ReasoningField", "thoughts", "one of reasoning, reasoning-content, both, tags" },
        { "ReasoningField", "17", "one of reasoning, reasoning-content, both, tags" },
        { "TokensPerChunk", "0", "1 or more" },
        { "Fault", "explode", "one of none, refuse, unauthorized" },
        { "FaultPhase", "later", "one of before-headers, queued, thinking, answering, after-finish" },
        { "FaultAfterTokens", "-1", "0 or more" },
    };

    [Theory]
    [MemberData(nameof(WrongValues))]
    public async Task A_wrong_value_is_refused_by_name_wherever_it_comes_from(string name, string value, string expected)
    {
        var atStart = Assert.Throws<OptionsValidationException>(() => ModelSimApplication.Create(["--urls", "http://127.0.0.1:0", $"--Sim:{name}={value}"]));
        Assert.StartsWith($"Sim:{name} must be {expected}", Assert.Single(atStart.Failures), StringComparison.Ordinal);

        await using var sim = await SimServer.StartAsync();
        var (status, error) = await sim.GetErrorAsync(SimServer.Ask("Hi"), ($"X-Sim-{name}", value));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.StartsWith($"X-Sim-{name} must be {expected}", (string?)error["error"]!["message"], StringComparison.Ordinal);

        var (changed, complaint) = await PutAsync(sim, $$"""{"{{name}}":"{{value}}"}""");
        Assert.Equal(HttpStatusCode.BadRequest, changed);
        Assert.Contains($"Sim:{name} must be {expected}", complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_value_set_in_code_is_refused_too()
    {
        var e = Assert.Throws<OptionsValidationException>(() => ModelSimApplication.Create([], options => options.TokensPerChunk = 0));
        Assert.StartsWith("Sim:TokensPerChunk must be 1 or more, not '0'.", e.Message, StringComparison.Ordinal);
    }

    /// <summary>In a pod HTTP_PORTS names the port, beside the image's own address.</summary>
    [Fact]
    public async Task The_first_line_says_where_it_listens_and_no_second_address_is_warned_of()
    {
        using var process = ServiceProcess.Start("Llasta.ModelSim", [], ("ASPNETCORE_URLS", "http://127.0.0.1:0"), ("HTTP_PORTS", "8000"));

        Assert.Contains("at http://127.0.0.1:", (await process.WaitForAsync(new(".+"))).Value, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_setting_is_refused() =>
        Assert.StartsWith("Sim:Speed is not a setting", Assert.Throws<OptionsValidationException>(() => ModelSimApplication.Create(["--Sim:Speed=1"])).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("ApiKey")]
    [InlineData("StartupDelay")]
    [InlineData("FaultTimes")]
    public async Task A_setting_of_the_whole_server_is_refused_as_a_header(string name)
    {
        await using var sim = await SimServer.StartAsync();
        var (status, error) = await sim.GetErrorAsync(SimServer.Ask("Hi"), ($"X-Sim-{name}", "1"));
        Assert.Equal((HttpStatusCode.BadRequest, $"X-Sim-{name} can't be set for one request."), (status, (string?)error["error"]!["message"]));
    }

    [Theory]
    [InlineData("X-Sim-Thinking-Tokens", "")]
    [InlineData("x-sim-queue-delay", "00:00:00.001")]
    [InlineData("X-Sim-FAULT", "none")]
    public async Task A_header_is_written_in_any_case_and_with_hyphens(string name, string value)
    {
        await using var sim = await SimServer.StartAsync();
        Assert.Equal("stop", (await sim.StreamAsync(SimServer.Ask("Hi"), (name, value))).FinishReason);
    }

    [Fact]
    public async Task Null_resets_a_setting_to_its_default()
    {
        await using var sim = await SimServer.StartAsync(options => options.ThinkingTokens = 1);
        var fixedLength = await sim.StreamAsync(SimServer.Ask("Hi", SimServer.Think));
        Assert.Equal(HttpStatusCode.OK, (await PutAsync(sim, """{"ThinkingTokens":null}""")).Status);
        Assert.True((await sim.StreamAsync(SimServer.Ask("Hi", SimServer.Think))).Thinking.Length > fixedLength.Thinking.Length);
    }

    [Fact]
    public async Task A_header_applies_to_its_request_and_a_change_to_all_later_ones()
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
    [InlineData("--Sim:TokensPerSecond=fast", "Sim:TokensPerSecond must be a number, not 'fast'.\n")]
    [InlineData("--urls=http://127.0.0.1:80x", "'http://127.0.0.1:80x' is not an address to listen on; set --urls or ASPNETCORE_URLS to one such as http://localhost:8000.\n")]
    [InlineData("--urls=nowhere", "'nowhere' is not an address to listen on; set --urls or ASPNETCORE_URLS to one such as http://localhost:8000.\n")]
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
