namespace Llasta.Streaming;

/// <summary>The limits of all streams of a process. The host must set the times that have no default.</summary>
public sealed class StreamingOptions
{
    /// <summary>After this much silence towards the reader, a comment keeps an event stream's connection alive.</summary>
    public TimeSpan HeartbeatInterval { get; set; }

    /// <summary>How long upstream may send nothing, or the reader may take nothing, before the stream is ended.</summary>
    public TimeSpan IdleTimeout { get; set; }

    /// <summary>How long running streams may continue after the stop signal.</summary>
    public TimeSpan DrainTimeout { get; set; }

    /// <summary>How long a request's body may take to arrive. 30 s by default.</summary>
    public TimeSpan BodyTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The most bytes that all request bodies may hold together, from their arrival until upstream has answered. 64 MiB by default. One
    /// body may use at most half of it. The memory of the process grows by up to three times this.
    /// </summary>
    public long MaxBodyBytesInFlight { get; set; } = 64 << 20;

    /// <summary>The most streams that one client may have at the same time (<see cref="ClientLimit"/>). 0, the default: no limit.</summary>
    public int MaxStreamsPerClient { get; set; }
}
