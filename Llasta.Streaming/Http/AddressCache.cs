using System.Collections.Concurrent;
using System.Net;

namespace Llasta.Streaming.Http;

/// <summary>
/// Caches the addresses of host names for a second. Without it each connection costs a lookup, and .NET runs lookups of the same name one
/// after the other. For the same reason a name has one lookup at a time, however long it takes: if the name's server is slow, a second one
/// would only wait for the first. The cache also remembers which addresses of a host do not answer, because each attempt to connect to one
/// costs a request seconds.
/// </summary>
/// <param name="time">Measures the age of a lookup, and of an address's silence.</param>
/// <param name="lookUp">Resolves a host name.</param>
internal sealed class AddressCache(TimeProvider time, Func<string, Task<IPAddress[]>> lookUp)
{
    /// <summary>
    /// Together with the lifetime of a pooled connection (<see cref="ConnectionPool.Lifetime"/>) this is less than the 5 s between a
    /// pod's removal from its Service and its stop signal.
    /// </summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);

    /// <summary>How long an address that did not answer stays behind the others of its host, until one request tries whether it answers again.</summary>
    private static readonly TimeSpan Deferral = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Lookup> _lookups = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>When each of the addresses that do not answer was last tried.</summary>
    private readonly ConcurrentDictionary<IPAddress, long> _deferred = [];

    private sealed record Lookup(Task<IPAddress[]> Addresses, long At);

    /// <summary>Finds the addresses of a host.</summary>
    /// <param name="host">A name or an IP address.</param>
    /// <param name="cancellation">Cancels the wait; the lookup continues for other callers.</param>
    /// <returns>At least one address, in the resolver's order: it spreads the requests. Those that did not answer are the last.</returns>
    /// <exception cref="System.Net.Sockets.SocketException">The name does not exist, or the lookup failed.</exception>
    public async ValueTask<IPAddress[]> FindAsync(string host, CancellationToken cancellation)
    {
        if (IPAddress.TryParse(host, out var address))
            return [address];
        if (!_lookups.TryGetValue(host, out var known) || known.Addresses.IsFaulted || (known.Addresses.IsCompleted && time.GetElapsedTime(known.At) > Lifetime))
        {
            known = new Lookup(lookUp(host), time.GetTimestamp());
            _lookups[host] = known;
        }

        var found = await known.Addresses.WaitAsync(cancellation);
        return found.Length == 1 ? found : [.. found.OrderBy(StaysBehind)];
    }

    /// <summary>Removes a host whose addresses do not answer, so that the next request looks it up again. A lookup that runs continues.</summary>
    public void Forget(string host)
    {
        if (_lookups.TryGetValue(host, out var known) && known.Addresses.IsCompleted)
            _lookups.TryRemove(KeyValuePair.Create(host, known));
    }

    /// <summary>Puts an address that did not answer behind the others of its host.</summary>
    public void Defer(IPAddress address)
    {
        // Those that are no longer looked up would stay forever.
        foreach (var old in _deferred)
        {
            if (time.GetElapsedTime(old.Value) > 2 * Deferral)
                _deferred.TryRemove(old);
        }

        _deferred[address] = time.GetTimestamp();
    }

    /// <summary>Returns an address that has answered to its place.</summary>
    public void Restore(IPAddress address) => _deferred.TryRemove(address, out _);

    /// <remarks>After <see cref="Deferral"/> this is false once, so that a single request waits if the address still does not answer.</remarks>
    private bool StaysBehind(IPAddress address) =>
        _deferred.TryGetValue(address, out var at) && (time.GetElapsedTime(at) <= Deferral || !_deferred.TryUpdate(address, time.GetTimestamp(), at));
}
