using Llasta.Streaming;
using Microsoft.AspNetCore.Http;
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
        using var lease = new StreamLease(new ResponseWriter(new DefaultHttpContext().Response), time, time.GetTimestamp(), CancellationToken.None, CancellationToken.None)
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
}
