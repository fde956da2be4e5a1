using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Llasta.Streaming;

/// <summary>
/// Limits the concurrent streams of one client (<see cref="StreamingOptions.MaxStreamsPerClient"/>). A client is an IPv4 address, or an IPv6
/// network of 64 bits, which is what one machine or household gets. Behind a proxy it is the proxy, unless the host trusts the proxy's
/// <c>X-Forwarded-For</c>.
/// </summary>
public sealed class ClientLimit(IOptions<StreamingOptions> options)
{
    private const int NetworkBytes = 8;

    private readonly int _limit = options.Value.MaxStreamsPerClient;
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, int> _running = [];

    /// <summary>Counts a stream that begins.</summary>
    /// <param name="http">The client's request.</param>
    /// <returns>False if the client has as many as it may; otherwise call <see cref="Leave"/> when the stream ends.</returns>
    public bool TryEnter(HttpContext http)
    {
        if (_limit == 0)
            return true;
        var client = Of(http);
        lock (_lock)
        {
            var running = _running.GetValueOrDefault(client);
            if (running >= _limit)
                return false;
            _running[client] = running + 1;
            return true;
        }
    }

    /// <summary>Counts a stream that has ended.</summary>
    /// <param name="http">The client's request.</param>
    public void Leave(HttpContext http)
    {
        if (_limit == 0)
            return;
        var client = Of(http);
        lock (_lock)
        {
            if (_running[client] == 1)
                _running.Remove(client);
            else
                _running[client]--;
        }
    }

    private static IPAddress Of(HttpContext http) => http.Connection.RemoteIpAddress is { } address ? Network(address) : IPAddress.None;

    internal static IPAddress Network(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address;
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(NetworkBytes).Clear();
        return new IPAddress(bytes);
    }
}
