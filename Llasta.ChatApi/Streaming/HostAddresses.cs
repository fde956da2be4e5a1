using System.Collections.Concurrent;
using System.Net;

namespace Llasta.ChatApi.Streaming;

/// <summary>
/// Where hosts are, remembered for a moment: a connection per request would otherwise be a name lookup per request, and .NET makes those of
/// one name one after the other.
/// </summary>
internal sealed class HostAddresses(TimeProvider time)
{
    /// <summary>A pod that is to go has left its Service, and a headless Service's name, 5 s before it is told to stop.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(2);

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
            known = new Lookup(Dns.GetHostAddressesAsync(host, CancellationToken.None), time.GetTimestamp());
            _lookups[host] = known;
        }

        return await known.Addresses.WaitAsync(cancellation);
    }

    /// <summary>Nothing answers there: the name is looked up again next time.</summary>
    public void Forget(string host) => _lookups.TryRemove(host, out _);
}
