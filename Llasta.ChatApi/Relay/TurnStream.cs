using System.Diagnostics;
using Llasta.ChatApi.Completions;
using Llasta.Streaming;

namespace Llasta.ChatApi.Relay;

/// <summary>The model's answer while it is read: the connection, and what was read so far.</summary>
/// <param name="body">The body of the response.</param>
/// <param name="pump">Reads it.</param>
/// <param name="completion">Parses it.</param>
/// <param name="lease">The turn's lease.</param>
/// <param name="sentAt">When the request was sent (<see cref="Stopwatch.GetTimestamp"/>).</param>
/// <param name="limits">How long the first token may take from then on, and how long the time between two tokens may be.</param>
internal sealed class TurnStream(Stream body, StreamPump pump, CompletionReader completion, StreamLease lease, long sentAt, ChatOptions limits) : IAsyncDisposable
{
    /// <summary>The time for the token counts and the end of the stream, once the model has finished.</summary>
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(5);

    private long _finishedAt;
    private bool _isLimited = true;

    /// <summary>What was read.</summary>
    public CompletionReader Completion => completion;

    /// <summary>Nothing more can be read.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The stream has ended as HTTP's framing says, and was not cut.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>The stream contains something that is not part of a chat completion.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>When the read that brought the first token that can be sent completed (<see cref="Stopwatch.GetTimestamp"/>).</summary>
    public long FirstReadAt { get; private set; }

    /// <summary>When the first token was sent to the reader (<see cref="Stopwatch.GetTimestamp"/>); 0 before.</summary>
    public long FirstWrittenAt { get; private set; }

    /// <summary>Reads up to the first token that can be sent, without sending it yet.</summary>
    public Task ReadFirstAsync() => ReadAsync(ReadToFirst);

    /// <summary>Reads and sends the rest.</summary>
    public Task ReadRestAsync() => ReadAsync(ReadOn);

    private async Task ReadAsync(Func<bool> work)
    {
        if (HasEnded)
            return;
        try
        {
            if (await pump.RunAsync(work))
            {
                completion.ReadRest();
                IsWhole = HasEnded = true;
            }
        }
        catch (InvalidDataException)
        {
            IsMalformed = HasEnded = true;
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
            // The server or the network cut the stream, one side was silent for too long, or the process is stopping.
            HasEnded = true;
        }

        IsMalformed |= completion.IsMalformed;
    }

    // Not lambdas: what they use would be kept in an object of its own.
    private bool ReadToFirst()
    {
        var goesOn = Read();
        FirstReadAt = pump.ReadAt;
        return goesOn && completion.IsUndecided && !completion.StartedOver;
    }

    private bool ReadOn()
    {
        // What was read up to the first token has now been sent.
        if (FirstWrittenAt == 0)
            FirstWrittenAt = pump.FlushedAt;
        return Read();
    }

    private bool Read()
    {
        HasEnded = !completion.ReadAll();
        if (completion.IsFinished)
        {
            if (_finishedAt == 0)
                _finishedAt = pump.ReadAt;
            Limit(Remaining(EndTimeout, _finishedAt));
        }
        else if (completion.FirstTokenAt == 0)
        {
            Limit(Remaining(limits.FirstTokenTimeout, sentAt));
        }
        else if (completion.LastTokenAt != pump.ReadAt)
        {
            Limit(Remaining(limits.IdleTimeout, completion.LastTokenAt));
        }
        else if (_isLimited)
        {
            // The sweep's limit for all streams.
            Limit(null);
        }

        return !HasEnded;
    }

    private void Limit(TimeSpan? timeout)
    {
        lease.UpstreamTimeout = timeout;
        _isLimited = timeout is not null;
    }

    /// <summary>What is left of a time limit at the last read, and at least a moment: a server's comments don't extend it.</summary>
    private TimeSpan Remaining(TimeSpan limit, long since) => TimeSpan.FromTicks(Math.Max((limit - Stopwatch.GetElapsedTime(since, pump.ReadAt)).Ticks, 1));

    /// <summary>Closes the connection, which stops the model.</summary>
    public ValueTask DisposeAsync() => body.DisposeAsync();
}
