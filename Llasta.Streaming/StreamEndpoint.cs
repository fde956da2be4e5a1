using Microsoft.AspNetCore.Http;

namespace Llasta.Streaming;

/// <summary>Why a request is refused before it is sent upstream.</summary>
public enum StreamRefusal
{
    /// <summary>The process is stopping.</summary>
    Draining,

    /// <summary>The process serves as many streams as it may.</summary>
    Full,

    /// <summary>The process serves as many streams of this client as it may (<see cref="ClientLimit"/>).</summary>
    ClientFull,
}

/// <summary>
/// A request whose response streams from upstream to the reader: the steps that every such endpoint has in common. The numbers are those of
/// README.md.
/// </summary>
/// <typeparam name="TRequest">The request once it has been read.</typeparam>
/// <typeparam name="TUpstream">The upstream response once its head has been accepted.</typeparam>
/// <param name="bodies">Reads the requests' bodies within the budget.</param>
/// <param name="drain">Counts the running streams.</param>
/// <param name="sweep">Watches the running streams, and ends them when the process must.</param>
/// <param name="time">Measures idle times.</param>
public abstract class StreamEndpoint<TRequest, TUpstream>(RequestBodies bodies, Drain drain, StreamSweep sweep, TimeProvider time)
    where TRequest : class
    where TUpstream : class
{
    /// <summary>Serves a request. Never throws because the reader left.</summary>
    /// <param name="http">The request.</param>
    public async Task HandleAsync(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        var arrivedAt = time.GetTimestamp();

        RequestBody? body = bodies.Of(http);
        var counted = drain.TryEnter();
        try
        {
            if (!counted && !AnswersWhileDraining(http))
            {
                // The other end of the connection may be a load balancer, which would send the next request here too.
                http.Response.Headers.Connection = "close";
                await RefuseAsync(http, StreamRefusal.Draining);
                return;
            }

            // Step 1: read the request. It is a local that is not used after the next await, so it is not kept in memory while the
            // response streams; a parameter or a field would be.
            if (await ReadAsync(http, body) is not { } request)
                return;

            // Step 2: admit it, now that it is here: an upload takes no stream's place.
            if (Admit(http) is { } refusal)
            {
                await RefuseAsync(http, refusal);
                return;
            }

            try
            {
                var response = new ResponseWriter(http.Response);
                using var lease = new StreamLease(response, time, arrivedAt, http.RequestAborted);
                sweep.Add(lease);
                try
                {
                    // Step 3: send it upstream, and read the head of the response.
                    if (await OpenAsync(http, request, response, lease) is { } upstream)
                    {
                        // Nothing of the request is kept in memory while the response streams.
                        body.Dispose();
                        body = null;
                        // Steps 4 to 7: StreamPump reads and flushes, the endpoint does the work between.
                        await StreamAsync(http, response, lease, upstream);
                    }
                }
                finally
                {
                    sweep.Remove(lease);
                }
            }
            finally
            {
                Release(http);
            }
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The reader left. The upstream connection has been closed on the way here.
        }
        finally
        {
            body?.Dispose();
            if (counted)
                drain.Leave();
        }
    }

    /// <summary>A request that a stopping process still answers, because readers whose streams still run need it.</summary>
    protected virtual bool AnswersWhileDraining(HttpContext http) => false;

    /// <summary>Takes a place among the running streams, where their number is limited.</summary>
    /// <returns>Null, and <see cref="Release"/> is called at the end; or why there is no place.</returns>
    protected virtual StreamRefusal? Admit(HttpContext http) => null;

    /// <summary>Gives the place back.</summary>
    protected virtual void Release(HttpContext http)
    {
    }

    /// <summary>Answers a request that is refused.</summary>
    protected abstract Task RefuseAsync(HttpContext http, StreamRefusal refusal);

    /// <summary>Reads the request.</summary>
    /// <param name="http">The request.</param>
    /// <param name="body">Its body, which has not been read yet.</param>
    /// <returns>Null if the request was answered already, because it is wrong.</returns>
    protected abstract ValueTask<TRequest?> ReadAsync(HttpContext http, RequestBody body);

    /// <summary>Sends the request upstream and waits for the head of the response.</summary>
    /// <returns>Null if the request was answered already, or the reader left.</returns>
    protected abstract Task<TUpstream?> OpenAsync(HttpContext http, TRequest request, ResponseWriter response, StreamLease lease);

    /// <summary>Streams the response to the reader, and disposes <paramref name="upstream"/>.</summary>
    protected abstract Task StreamAsync(HttpContext http, ResponseWriter response, StreamLease lease, TUpstream upstream);

    /// <summary>
    /// Step 7: sends what was written last and the end of the response, in one packet (<see cref="WaitForReaderAsync"/>).
    /// </summary>
    /// <exception cref="OperationCanceledException">The reader left.</exception>
    protected Task EndAsync(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        var response = http.Response;
        // A body with a length has no end to send, and Kestrel's CompleteAsync doesn't send its last bytes either.
        return WaitForReaderAsync(http, response.ContentLength is null ? response.CompleteAsync() : response.BodyWriter.FlushAsync().AsTask());
    }

    /// <summary>Waits until the reader has taken what is sent. The connection of a reader that doesn't take it within the idle timeout is closed.</summary>
    /// <param name="http">The request.</param>
    /// <param name="sending">Completes when everything has been sent.</param>
    /// <exception cref="OperationCanceledException">The reader left.</exception>
    protected async Task WaitForReaderAsync(HttpContext http, Task sending)
    {
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(sending);
        try
        {
            await sending.WaitAsync(sweep.IdleTimeout, time, http.RequestAborted);
        }
        catch (TimeoutException)
        {
            http.Abort();
        }
    }
}
