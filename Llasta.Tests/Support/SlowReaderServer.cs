using System.Net;
using System.Net.Sockets;
using Llasta.Streaming.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Llasta.Tests.Support;

/// <summary>A relay's server that hands every request, or every connection, to a test; its readers' sockets and its own hold little.</summary>
internal sealed class SlowReaderServer : IAsyncDisposable
{
    /// <summary>Of each socket, which the system may double.</summary>
    public const int SocketBytes = 64 << 10;

    private readonly TaskCompletionSource _handled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WebApplication _app = null!;

    /// <summary>The first request or connection is done with, or its handler has failed.</summary>
    public Task Handled => _handled.Task;

    /// <summary>How many were made.</summary>
    public int Connections { get; private set; }

    public static async Task<SlowReaderServer> StartAsync(Func<HttpContext, Task>? request = null, Func<ConnectionContext, Task>? connection = null)
    {
        var server = new SlowReaderServer();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddRelayServer();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint =>
        {
            endpoint.Use((context, next) =>
            {
                context.Features.Get<IConnectionSocketFeature>()!.Socket.SendBufferSize = SocketBytes;
                return next();
            });
            if (connection is not null)
                endpoint.Run(context => server.HandleAsync(connection(context)));
        }));
        server._app = builder.Build();
        server._app.Run(http => server.HandleAsync(request!(http)));
        await server._app.StartAsync(Chatbot.Cancelled);
        return server;
    }

    /// <summary>Waits for what a handler does; if it fails before, so does this.</summary>
    public async Task UntilAsync(Task condition) => await await Task.WhenAny(condition, Handled);

    public HttpClient CreateClient() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, _) => new NetworkStream(await ConnectAsync(), ownsSocket: true),
    })
    {
        BaseAddress = new Uri(_app.Urls.Single()),
    };

    public async Task<Socket> ConnectAsync()
    {
        Connections++;
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = SocketBytes };
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(_app.Urls.Single()).Port, Chatbot.Cancelled);
        return socket;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task HandleAsync(Task handling)
    {
        try
        {
            await handling;
            _handled.TrySetResult();
        }
        catch (Exception e)
        {
            _handled.TrySetException(e);
            throw;
        }
    }
}
