using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Llasta.ModelSim;
using Xunit;

namespace Llasta.Tests.ModelSim;

/// <summary>What running streams and new requests see of a server that stops.</summary>
public sealed class ShutdownTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Theory]
    [InlineData("queued")]
    [InlineData("answering")]
    public async Task Without_a_timeout_a_stream_ends_with_the_recorded_error(string phase)
    {
        await using var sim = await StartAsync(options => options.QueueDelay = phase == "queued" ? Hour : TimeSpan.Zero);
        using var response = await RunningAsync(sim, phase);
        await sim.StopAsync();
        var text = await response.Content.ReadAsStringAsync(SimServer.Stop);
        Assert.EndsWith(string.Join("\n\n", Recording.Answer("vllm-0.32.0-stopping", "without-shutdown-timeout--running-at-term").Body.Split("\n\n")[^3..]), text, StringComparison.Ordinal);
        await RefusedAsync(sim);
    }

    [Fact]
    public async Task Without_a_timeout_the_Rust_front_end_resets_the_stream()
    {
        await using var sim = await StartAsync(options => options.FrontEnd = FrontEnd.Rust);
        using var response = await RunningAsync(sim, "answering");
        await sim.StopAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsStringAsync(SimServer.Stop));
    }

    [Fact]
    public async Task With_a_timeout_a_stream_runs_on_while_new_requests_are_refused_and_the_probes_answer()
    {
        await using var sim = await StartAsync(options => (options.TokensPerSecond, options.ShutdownTimeout) = (1000, Hour));
        using var response = await RunningAsync(sim, "answering", "everything");
        var stopping = sim.StopAsync();
        Recording? refused = null;
        await SimServer.UntilAsync(async () =>
        {
            using var refusal = await sim.SendAsync(SimServer.Ask("Hi", body => body["max_tokens"] = 1));
            refused = await Recording.ReadAsync(refusal);
            return refused.Status != 200;
        });
        Assert.Equal(Recording.Answer("vllm-0.32.0-stopping", "with-shutdown-timeout--new-while-stopping-300").Form(), refused!.Form());
        foreach (var path in (string[])["/health", "/v1/models"])
            using (var probe = await sim.Client.GetAsync(path, SimServer.Stop))
                Assert.Equal(HttpStatusCode.OK, probe.StatusCode);

        var streamed = await Streamed.ReadAsync(await response.Content.ReadAsStreamAsync(SimServer.Stop));
        Assert.Equal(("stop", true), (streamed.FinishReason, streamed.Done));
        await stopping;
        await RefusedAsync(sim);
    }

    [Fact]
    public async Task With_a_timeout_the_Rust_front_end_takes_a_new_request_and_resets_it_at_the_end()
    {
        await using var sim = await StartAsync(options => (options.FrontEnd, options.TokensPerSecond, options.ShutdownTimeout) = (FrontEnd.Rust, 1000, Hour));
        using var response = await RunningAsync(sim, "answering", "everything");
        var stopping = sim.StopAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => SimServer.UntilAsync(async () =>
        {
            (await sim.SendAsync(SimServer.Ask("Hi", body => body["max_tokens"] = 1))).Dispose();
            return false;
        }));
        var streamed = await Streamed.ReadAsync(await response.Content.ReadAsStreamAsync(SimServer.Stop));
        Assert.Equal(("stop", true), (streamed.FinishReason, streamed.Done));
        await stopping;
    }

    [Fact]
    public async Task A_stream_that_outlasts_the_timeout_is_silent_on_a_closed_port_until_the_process_ends()
    {
        await using var sim = await StartAsync(options => (options.ShutdownTimeout, options.ShutdownSilence) = (TimeSpan.FromMilliseconds(50), Hour));
        using var response = await RunningAsync(sim, "answering");
        await using var stream = await response.Content.ReadAsStreamAsync(SimServer.Stop);
        var stopping = sim.StopAsync();
        await RefusedAsync(sim);

        var received = new StringBuilder();
        var rest = ReadToEndAsync();
        Assert.False(rest.IsCompleted);
        Assert.False(stopping.IsCompleted);
        // The client leaves, which is what lets the server stop before its hour of silence is over.
        response.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => rest);
        await stopping;
        Assert.DoesNotContain("finish_reason\":\"", received.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("error", received.ToString(), StringComparison.Ordinal);

        async Task ReadToEndAsync()
        {
            using var reader = new StreamReader(stream, Encoding.UTF8);
            while (await reader.ReadLineAsync(SimServer.Stop) is { } line)
                received.AppendLine(line);
        }
    }

    [Fact]
    public async Task The_silence_ends_with_a_reset()
    {
        await using var sim = await StartAsync(options => (options.ShutdownTimeout, options.ShutdownSilence) = (TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(50)));
        using var response = await RunningAsync(sim, "answering");
        await sim.StopAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsStringAsync(SimServer.Stop));
    }

    [Fact]
    public async Task SIGTERM_stops_the_process_so()
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "Llasta.ModelSim.dll"), "--urls=http://127.0.0.1:0", "--Sim:TokensPerSecond=0.001"])
        {
            RedirectStandardOutput = true,
        })!;
        try
        {
            var line = (await process.StandardOutput.ReadLineAsync(SimServer.Stop))!;
            using var client = new HttpClient { BaseAddress = new(line[line.IndexOf("http", StringComparison.Ordinal)..line.LastIndexOf(": no real", StringComparison.Ordinal)]) };
            using var request = Recording.Request("vllm-0.32.0", "thinking");
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, SimServer.Stop);
            using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]))
                await kill.WaitForExitAsync(SimServer.Stop);
            Assert.EndsWith("data: [DONE]\n\n", await response.Content.ReadAsStringAsync(SimServer.Stop), StringComparison.Ordinal);
            await process.WaitForExitAsync(SimServer.Stop);
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    /// <summary>A server whose streams don't end by themselves.</summary>
    private static Task<SimServer> StartAsync(Action<ModelSimOptions> configure) => SimServer.StartAsync(options =>
    {
        options.TokensPerSecond = 0.001;
        configure(options);
    });

    private static async Task<HttpResponseMessage> RunningAsync(SimServer sim, string phase, string question = "Hi")
    {
        var response = await sim.SendAsync(SimServer.Ask(question));
        await sim.LastRequestAsync(request => request.GetProperty("phase").GetString() == phase);
        return response;
    }

    /// <summary>The port refuses connections.</summary>
    private static Task RefusedAsync(SimServer sim) => SimServer.UntilAsync(async () =>
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(sim.Client.BaseAddress!.Host, sim.Client.BaseAddress.Port, SimServer.Stop);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    });
}
