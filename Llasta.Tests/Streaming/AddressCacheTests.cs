using System.Net;
using System.Net.Sockets;
using Llasta.Streaming.Http;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>When a name is looked up, and when its last addresses will do.</summary>
public sealed class AddressCacheTests
{
    private static readonly IPAddress Address = IPAddress.Parse("10.0.0.1");

    private readonly FakeTimeProvider _time = new();
    private readonly AddressCache _addresses;
    private readonly List<string> _asked = [];
    private Func<Task<IPAddress[]>> _answer = () => Task.FromResult<IPAddress[]>([Address]);

    public AddressCacheTests() => _addresses = new AddressCache(_time, host =>
    {
        _asked.Add(host);
        return _answer();
    });

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task An_address_needs_no_lookup(string address)
    {
        Assert.Equal(IPAddress.Parse(address), Assert.Single(await FindAsync(address)));
        Assert.Empty(_asked);
    }

    [Fact]
    public async Task A_name_is_looked_up_once_in_a_second()
    {
        await FindAsync("vllm");
        _time.Advance(TimeSpan.FromSeconds(1));
        await FindAsync("VLLM");
        Assert.Equal(["vllm"], _asked);

        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(Address, Assert.Single(await FindAsync("vllm")));
        Assert.Equal(["vllm", "vllm"], _asked);
    }

    [Fact]
    public async Task Each_name_has_its_own_addresses()
    {
        await FindAsync("chatapi");
        await FindAsync("vllm");
        Assert.Equal(["chatapi", "vllm"], _asked);
    }

    [Fact]
    public async Task A_lookup_that_runs_is_waited_for_and_one_caller_s_leaving_does_not_end_it()
    {
        var answer = new TaskCompletionSource<IPAddress[]>();
        _answer = () => answer.Task;
        using var cancellation = new CancellationTokenSource();
        var first = _addresses.FindAsync("vllm", cancellation.Token).AsTask();
        var second = FindAsync("vllm");
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        answer.SetResult([Address]);
        Assert.Equal(Address, Assert.Single(await second));
        Assert.Equal(["vllm"], _asked);
    }

    [Fact]
    public async Task A_name_has_one_lookup_at_a_time_however_long_it_takes()
    {
        var answer = new TaskCompletionSource<IPAddress[]>();
        _answer = () => answer.Task;
        var first = FindAsync("vllm");
        _time.Advance(TimeSpan.FromSeconds(10));
        var second = FindAsync("vllm");
        // Somebody has waited for as long as a connection may take.
        _addresses.Forget("vllm");
        var third = FindAsync("vllm");

        answer.SetResult([Address]);
        Assert.All(await Task.WhenAll(first, second, third), found => Assert.Equal(Address, Assert.Single(found)));
        Assert.Equal(["vllm"], _asked);
        await FindAsync("vllm");
        Assert.Equal(["vllm", "vllm"], _asked);
    }

    [Fact]
    public async Task A_failed_lookup_is_not_remembered()
    {
        _answer = () => Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound));
        await Assert.ThrowsAsync<SocketException>(() => FindAsync("vllm"));
        _answer = () => Task.FromResult<IPAddress[]>([Address]);
        Assert.Equal(Address, Assert.Single(await FindAsync("vllm")));
    }

    [Fact]
    public async Task A_name_that_is_forgotten_is_looked_up_again()
    {
        await FindAsync("vllm");
        _addresses.Forget("vllm");
        await FindAsync("vllm");
        Assert.Equal(["vllm", "vllm"], _asked);
    }

    [Fact]
    public async Task An_address_that_does_not_answer_is_the_last_of_its_host_until_it_answers()
    {
        var (silent, second, third) = (Address, IPAddress.Parse("10.0.0.2"), IPAddress.Parse("fd00::3"));
        _answer = () => Task.FromResult<IPAddress[]>([silent, second, third]);
        Assert.Equal([silent, second, third], await FindAsync("vllm"));

        _addresses.Defer(silent);
        Assert.Equal([second, third, silent], await FindAsync("vllm"));
        // Nor does a new lookup make it the first.
        _addresses.Forget("vllm");
        Assert.Equal([second, third, silent], await FindAsync("vllm"));

        _addresses.Restore(silent);
        Assert.Equal([silent, second, third], await FindAsync("vllm"));
    }

    [Fact]
    public async Task One_request_a_minute_tries_an_address_that_does_not_answer()
    {
        var (silent, second) = (Address, IPAddress.Parse("10.0.0.2"));
        _answer = () => Task.FromResult<IPAddress[]>([silent, second]);
        _addresses.Defer(silent);

        for (var minute = 0; minute < 3; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal([second, silent], await FindAsync("vllm"));
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal([silent, second], await FindAsync("vllm"));
            Assert.Equal([second, silent], await FindAsync("vllm"));
        }
    }

    private Task<IPAddress[]> FindAsync(string host) => _addresses.FindAsync(host, Chatbot.Cancelled).AsTask();
}
