using Llasta.Streaming;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>When the sweep ends a stream.</summary>
public sealed class StreamLeaseTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task What_was_waited_under_a_longer_limit_does_not_count_under_a_shorter_one()
    {
        var time = new FakeTimeProvider();
        using var lease = new StreamLease(new ResponseWriter(new DefaultHttpContext().Response), time, time.GetTimestamp(), CancellationToken.None)
        {
            UpstreamTimeout = 2 * Limit,
        };

        lease.BeginWait(flushed: true);
        time.Advance(1.5 * Limit);
        await lease.SweepAsync(Limit, Limit);
        Assert.False(lease.TimedOut);

        await lease.EndWaitAsync();
        lease.UpstreamTimeout = null;
        await lease.SweepAsync(Limit, Limit);
        Assert.False(lease.TimedOut);

        time.Advance(1.1 * Limit);
        await lease.SweepAsync(Limit, Limit);
        Assert.True(lease.TimedOut);
    }

    [Fact]
    public async Task Streams_that_run_or_begin_when_the_process_ends_its_streams_are_cancelled()
    {
        var options = Options.Create(new StreamingOptions { DrainTimeout = TimeSpan.Zero });
        using var drain = new Drain(options, TimeProvider.System);
        using var sweep = new StreamSweep(options, drain, TimeProvider.System, NullLogger<StreamSweep>.Instance);
        await sweep.StartAsync(TestContext.Current.CancellationToken);
        StreamLease[] running = [.. Enumerable.Range(0, 16).Select(_ => NewLease())];
        using var faulty = NewLease();
        await using var fault = faulty.Cancellation.Register(() => throw new InvalidOperationException("Planted."));
        var ended = NewLease();
        sweep.Add(faulty);
        Array.ForEach(running, sweep.Add);
        sweep.Add(ended);
        ended.Dispose();

        await drain.StoppingAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => Task.FromResult(running.All(lease => lease.Cancellation.IsCancellationRequested)), () => "A stream was not ended.");
        using var late = NewLease();
        sweep.Add(late);
        Assert.True(late.Cancellation.IsCancellationRequested);
        await sweep.StopAsync(TestContext.Current.CancellationToken);
        Array.ForEach(running, lease => lease.Dispose());

        static StreamLease NewLease() => new(new ResponseWriter(new DefaultHttpContext().Response), TimeProvider.System, 0, CancellationToken.None);
    }
}
