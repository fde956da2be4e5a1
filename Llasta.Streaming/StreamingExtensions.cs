using Llasta.Streaming.Http;
using Llasta.Streaming.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Llasta.Streaming;

/// <summary>Adds streaming to a host.</summary>
public static class StreamingExtensions
{
    /// <summary>
    /// The setting that replaces this library's HTTP client and its readers' connections with the framework's own:
    /// <c>Streaming:UseFramework=true</c>.
    /// </summary>
    internal const string UseFrameworkSetting = "Streaming:UseFramework";

    /// <summary>The most bytes of a connection that the server reads before they are asked for. A request's head may have half as many.</summary>
    private const int MaxReadAheadBytes = 64 << 10;

    /// <summary>
    /// Registers the readers' connections, the bodies of requests, the drain with its health check, and the sweep. The host configures
    /// <see cref="StreamingOptions"/>.
    /// </summary>
    /// <param name="builder">The host.</param>
    public static void AddStreaming(this IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<RequestBodies>();
        builder.Services.AddSingleton<ClientLimit>();
        builder.Services.AddSingleton<StreamSweep>();
        builder.Services.AddHostedService(services => services.GetRequiredService<StreamSweep>());
        builder.Services.AddDrain();
        builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.AddServerHeader = false);
        // Kestrel reads ahead of RequestBody, a megabyte for each connection by default, and the budget of bodies doesn't count it.
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.MaxReadBufferSize = MaxReadAheadBytes);
        EndBrokenStreamsWithFin();
        if (UsesFramework(builder.Configuration))
            builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxConcurrentConnections = ConnectionLimit.MaxForProcess());
        else
            builder.Services.AddRelayServer();
    }

    /// <summary>
    /// Kestrel ends an aborted response with RST. On its way through <c>kubectl port-forward</c> a reset ends the tunnel, and with it
    /// everybody's connections; a FIN within a chunked response tells the reader just as well that the response is not complete.
    /// </summary>
    private static void EndBrokenStreamsWithFin()
    {
        const string FinOnError = "Microsoft.AspNetCore.Server.Kestrel.FinOnError";
        if (!AppContext.TryGetSwitch(FinOnError, out _))
            AppContext.SetSwitch(FinOnError, true);
    }

    /// <summary>Creates the client's handler for one upstream.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="scheme">The upstream's scheme. TLS is always the framework's.</param>
    /// <param name="connectTimeout">The time limit for name resolution and connecting together.</param>
    /// <returns>A <see cref="StreamingHttpHandler"/> for plain HTTP, unless the framework's own was chosen.</returns>
    public static HttpMessageHandler CreateUpstreamHandler(this IServiceProvider services, string scheme, TimeSpan connectTimeout) =>
        scheme == Uri.UriSchemeHttp && !UsesFramework(services.GetRequiredService<IConfiguration>())
            ? new StreamingHttpHandler(connectTimeout, services.GetRequiredService<TimeProvider>())
            : new SocketsHttpHandler
            {
                ConnectTimeout = connectTimeout,
                // The same limits as for the library's own connections, for the same reasons.
                PooledConnectionLifetime = ConnectionPool.Lifetime,
                PooledConnectionIdleTimeout = ConnectionPool.Lifetime,
                // A response that is abandoned was stopped: close the connection at once instead of draining it for up to 2 s.
                MaxResponseDrainSize = 0,
                ActivityHeadersPropagator = TraceContext.Propagator,
                AllowAutoRedirect = false,
                UseCookies = false,
                // As the library: only a secure connection goes through HTTPS_PROXY.
                UseProxy = scheme != Uri.UriSchemeHttp,
            };

    private static bool UsesFramework(IConfiguration configuration) => configuration.GetValue(UseFrameworkSetting, defaultValue: false);
}
