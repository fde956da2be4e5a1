using System.Text;
using Llasta.Streaming;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>A stream that is always readable lets the others run, and loses nothing by it.</summary>
public sealed class StreamPumpTests
{
    private static readonly byte[] Content = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 20_000).Select(i => $"{i},")));

    [Fact]
    public async Task A_stream_that_is_always_readable_yields_every_half_millisecond()
    {
        // Each look at the clock takes a tenth of a millisecond, and a read looks twice.
        var (read, reads, yields) = await PumpAsync(new MemoryStream(Content), new StepTime(TimeSpan.FromMilliseconds(0.1)));

        Assert.Equal(Content, read);
        Assert.InRange(yields, reads / 5, reads / 2);
    }

    [Fact]
    public async Task A_stream_that_is_read_within_its_time_does_not_yield()
    {
        var (read, reads, yields) = await PumpAsync(new MemoryStream(Content), new StepTime(TimeSpan.FromTicks(1)));

        Assert.Equal(Content, read);
        Assert.InRange(reads, 10, 1000);
        Assert.Equal(0, yields);
    }

    [Fact]
    public async Task A_stream_that_waits_does_not_yield_whatever_its_work_takes()
    {
        var (read, reads, posts) = await PumpAsync(new WaitingStream(Content), new StepTime(TimeSpan.FromMilliseconds(10)));

        Assert.Equal(Content, read);
        // The stream's own waiting puts each read off at most twice: in the stream, and in the pump that awaits it. The last finds the end.
        Assert.InRange(posts, reads + 1, 2 * (reads + 2));
    }

    private static async Task<(byte[] Read, int Reads, int Yields)> PumpAsync(Stream upstream, TimeProvider time)
    {
        var http = new DefaultHttpContext();
        http.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(Stream.Null));
        var response = new ResponseWriter(http.Response);
        using var lease = new StreamLease(response, time, 0, CancellationToken.None);
        var context = new CountingContext();
        var read = new MemoryStream();
        var reads = 0;
        var done = new TaskCompletionSource();
        context.Post(async _ =>
        {
            try
            {
                var pump = new StreamPump(upstream, response, lease, initialBytes: 512);
                await pump.RunAsync(() =>
                {
                    reads++;
                    read.Write(pump.Unread);
                    pump.Take(pump.Unread.Length);
                    return true;
                });

                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }, null);
        await done.Task;
        // The first was the start.
        return (read.ToArray(), reads, context.Posts - 1);
    }

    /// <summary>A clock that moves on whenever somebody looks at it.</summary>
    private sealed class StepTime(TimeSpan step) : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now += step.Ticks;
    }

    /// <summary>Has nothing at once, and then everything that is asked for.</summary>
    private sealed class WaitingStream(byte[] content) : MemoryStream(content)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            return Read(buffer.Span);
        }
    }

    /// <summary>Counts how often whoever runs in it was put off.</summary>
    private sealed class CountingContext : SynchronizationContext
    {
        private int _posts;

        public int Posts => _posts;

        public override void Post(SendOrPostCallback d, object? state)
        {
            Interlocked.Increment(ref _posts);
            ThreadPool.QueueUserWorkItem(_ =>
            {
                SetSynchronizationContext(this);
                d(state);
                SetSynchronizationContext(null);
            });
        }
    }
}
