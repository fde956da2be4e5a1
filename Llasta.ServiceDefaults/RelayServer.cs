using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;

namespace Llasta.ServiceDefaults;

/// <summary>
/// A server that relays streams: it runs on the threads that poll the sockets. A relay does a microsecond of work per token,
/// while handing that work from the polling thread to the pool and back costs many: most of what a plain ASP.NET Core relay
/// spends. The price is a promise: nothing on a request's path may block, and what takes more than a millisecond hops to the
/// pool by itself. docs/performance.md has the figures.
/// </summary>
public static class RelayServer
{
    /// <summary>
    /// Must run before the process opens its first socket: <c>SocketAsyncEngine</c> reads the variables once
    /// (dotnet/runtime, <c>SocketAsyncEngine.Unix.cs</c>). Values set by the operator win.
    /// </summary>
    public static void PreferInlineSockets()
    {
        SetDefault("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        SetDefault("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", "1");
    }

    /// <summary>The same for Kestrel's side of a connection.</summary>
    public static void UseRelayServer(this IWebHostBuilder builder) => builder.ConfigureServices(services => services
        .Configure<SocketTransportOptions>(sockets =>
        {
            sockets.UnsafePreferInlineScheduling = true;
            // Of what a socket doesn't take at once, a flush waits for the last byte: SocketOutput relies on it, and what a slow reader
            // makes wait is bounded by one upstream read.
            sockets.MaxWriteBufferSize = 1;
        })
        .Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(SocketOutput.Use));
            kestrel.AddServerHeader = false;
        }));

    private static void SetDefault(string variable, string value)
    {
        if (Environment.GetEnvironmentVariable(variable) is null)
            Environment.SetEnvironmentVariable(variable, value);
    }
}
