using System.Collections.Concurrent;
using System.Net;

namespace Llasta.Streaming.Http;

/// <summary>
/// Caches the addresses of host names for a second. Without it each connection costs a lookup, and .NET runs lookups of the same name one
/// after the other. For the same reason a name has one lookup at a time, however long it takes: if the name's server is slow, a second one
/// would only wait for the first.
/// </summary>
/// <param name="time">Measures the age of a lookup.</param>
/// <param name="lookUp">Resolves a host name.</param>
internal sealed class AddressCache(TimeProvider time, Func<string, Task<IPAddress[]>> lookUp)
{
    /// <summary>
    /// Together with the lifetime of a pooled connection (<see cref="ConnectionPool.Lifetime"/>) this is less than the 5 s between a
    /// pod's removal from its Service and its stop signal.
    /// </summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Lookup> _lookups = new(StringComparer.OrdinalIgnoreCase);

    private sealed record Lookup(Task<IPAddress[]> Addresses, long At);

    /// <summary>Finds the addresses of a host.</summary>
    /// <param name="host">A name or an IP address.</param>
    /// <param name="cancellation">Cancels the wait; the lookup continues for other callers.</param>
    /// <returns>At least one address.</returns>
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

        return await known.Addresses.WaitAsync(cancellation);
    }

    /// <summary>Removes a host whose addresses do not answer, so that the next request looks it up again. A lookup that runs continues.</summary>
    public void Forget(string host)
    {
        if (_lookups.TryGetValue(host, out var known) && known.Addresses.IsCompleted)
            _lookups.TryRemove(KeyValuePair.Create(host, known));
    }
}
