using System.Collections.Concurrent;
using System.Net;

namespace Llasta.ChatApi.Streaming;

/// <summary>
/// Where hosts are, remembered for a moment: a connection per request would otherwise be a name lookup per request, and .NET makes those of
/// one name one after the other.
/// </summary>
/// <param name="time">Tells how old an answer is.</param>
/// <param name="lookUp">Asks the resolver.</param>
internal sealed class HostAddresses(TimeProvider time, Func<string, Task<IPAddress[]>> lookUp)
{
    /// <summary>Short, like that of a connection (<see cref="IdleConnections"/>): together less than the 5 s that a leaving pod has.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Lookup> _lookups = new(StringComparer.OrdinalIgnoreCase);

    private sealed record Lookup(Task<IPAddress[]> Addresses, long At);

    /// <returns>At least one address.</returns>
    /// <exception cref="System.Net.Sockets.SocketException">The name isn't known, or can't be looked up.</exception>
    public async ValueTask<IPAddress[]> FindAsync(string host, CancellationToken cancellation)
    {
        if (IPAddress.TryParse(host, out var address))
            return [address];
        if (!_lookups.TryGetValue(host, out var known) || known.Addresses.IsFaulted || time.GetElapsedTime(known.At) > Lifetime)
        {
            // Not this caller's token: others will use the answer.
            known = new Lookup(lookUp(host), time.GetTimestamp());
            _lookups[host] = known;
        }

        return await known.Addresses.WaitAsync(cancellation);
    }

    /// <summary>Nothing answers there: the name is looked up again next time.</summary>
    public void Forget(string host) => _lookups.TryRemove(host, out _);
}
