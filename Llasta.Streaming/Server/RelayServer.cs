using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Llasta.Streaming.Server;

/// <summary>
/// Runs Kestrel on the threads that poll the sockets. A relay does a microsecond of work per token; handing that work from the polling
/// thread to the thread pool and back costs many, and is most of what a plain ASP.NET Core relay spends (docs/performance.md). In return,
/// nothing on a request's path may block, and work of more than half a millisecond must move to the thread pool (<see cref="TimeSlice"/>).
/// </summary>
public static class RelayServer
{
    /// <summary>
    /// Completes socket operations on the polling threads. Must run before the process opens its first socket, because
    /// <c>SocketAsyncEngine</c> reads the variables once (dotnet/runtime, <c>SocketAsyncEngine.Unix.cs</c>). Values that are set already
    /// take precedence.
    /// </summary>
    public static void PreferInlineSockets()
    {
        SetDefault("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        SetDefault("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", $"{PollingThreads(Environment.ProcessorCount)}");
    }

    /// <summary>
    /// One polling thread per core, and always an odd number. .NET gives sockets to the threads in turn, and streams open theirs in turn: the
    /// reader's, then upstream's, whose thread does the stream's work. Of an even number of threads, every second one would have all the work.
    /// </summary>
    /// <param name="cores">The cores that the process may use; in a container, its CPU limit (<see cref="Environment.ProcessorCount"/>).</param>
    internal static int PollingThreads(int cores) => cores | 1;

    internal static void AddRelayServer(this IServiceCollection services) => services
        .AddSingleton(provider => new ConnectionLimit(ConnectionLimit.MaxForProcess(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<ConnectionLimit>>()))
        .AddSingleton<IConnectionListenerFactory, RelayListenerFactory>();

    private static void SetDefault(string variable, string value)
    {
        if (Environment.GetEnvironmentVariable(variable) is null)
            Environment.SetEnvironmentVariable(variable, value);
    }
}
