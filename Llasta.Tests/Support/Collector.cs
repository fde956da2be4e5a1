using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Llasta.Tests.Support;

/// <summary>An OTLP collector over HTTP that keeps what it gets. In protobuf, texts are plain UTF-8.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, string> _received = [];

    private Collector(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    public static async Task<Collector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var collector = new Collector(app);
        app.MapPost("/v1/{signal}", (RequestDelegate)(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            var text = Encoding.UTF8.GetString(body.ToArray());
            collector._received.AddOrUpdate((string)http.Request.RouteValues["signal"]!, text, (_, before) => before + text);
        }));
        await app.StartAsync(Chatbot.Cancelled);
        return collector;
    }

    /// <summary>All that has come of a signal.</summary>
    /// <param name="signal">"logs", "traces" or "metrics".</param>
    public string Received(string signal) => _received.GetValueOrDefault(signal, "");

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
