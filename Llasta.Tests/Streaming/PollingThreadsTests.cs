using Llasta.Streaming.Server;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>How many threads poll the sockets.</summary>
public sealed class PollingThreadsTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 3)]
    [InlineData(8, 9)]
    [InlineData(64, 65)]
    public void There_is_one_for_each_core_and_an_odd_number(int cores, int threads) => Assert.Equal(threads, RelayServer.PollingThreads(cores));

    /// <summary>.NET gives sockets to the threads in turn; a stream opens the reader's and then upstream's.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    [InlineData(15)]
    public void Streams_that_open_their_two_sockets_in_turn_use_all_threads_alike(int cores)
    {
        var threads = RelayServer.PollingThreads(cores);
        var upstreams = Enumerable.Range(0, 2 * threads).Where(socket => socket % 2 == 1).CountBy(socket => socket % threads);
        Assert.Equal(threads, upstreams.Count());
        Assert.All(upstreams, thread => Assert.Equal(1, thread.Value));
    }
}
