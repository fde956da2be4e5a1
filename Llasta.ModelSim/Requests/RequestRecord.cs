using System.Text.Json;

namespace Llasta.ModelSim.Requests;

/// <summary>What became of a request.</summary>
internal enum RequestState
{
    Running,
    Finished,

    /// <summary>The client left before the end.</summary>
    Aborted,

    /// <summary>It was refused, or ended by a fault.</summary>
    Faulted,
}

/// <summary>A request as <c>/sim/requests</c> shows it.</summary>
internal sealed class RequestRecord(string id, TimeProvider time)
{
    // Bodies above this size are left out of the log, so that the log stays bounded.
    private const int MostBodyCharacters = 1_000_000;

    private readonly Lock _lock = new();
    private readonly long _startedAt = time.GetUtcNow().ToUnixTimeMilliseconds();
    private FaultPhase _phase = FaultPhase.BeforeHeaders;
    private RequestState _state;
    private bool _closed;
    private int _tokensSent;
    private long? _abortedAt;
    private string? _body;

    public string Id { get; } = id;

    public string? Traceparent { get; init; }

    public void Keep(JsonElement body) => _body = body.GetRawText() is { Length: <= MostBodyCharacters } text ? text : null;

    public void Enter(FaultPhase phase)
    {
        lock (_lock)
            _phase = phase;
    }

    public void Sent(int tokens) => Interlocked.Add(ref _tokensSent, tokens);

    public void Fail()
    {
        lock (_lock)
            _state = RequestState.Faulted;
    }

    public void Finish()
    {
        lock (_lock)
        {
            _closed = true;
            if (_state == RequestState.Running)
                _state = RequestState.Finished;
        }
    }

    /// <summary>The client has left. The time is kept; the state of a request that had failed stays.</summary>
    public void Abort()
    {
        lock (_lock)
        {
            if (_closed)
                return;
            _abortedAt ??= time.GetUtcNow().ToUnixTimeMilliseconds();
            if (_state == RequestState.Running)
                _state = RequestState.Aborted;
        }
    }

    public string ToJson()
    {
        lock (_lock)
            return $"{{\"id\":{Quoted(Id)},\"phase\":\"{Name(_phase)}\",\"state\":\"{Name(_state)}\",\"tokensSent\":{_tokensSent},\"startedAt\":{_startedAt}"
                + $",\"abortedAt\":{_abortedAt?.ToString() ?? "null"},\"traceparent\":{Quoted(Traceparent)},\"body\":{_body ?? "null"}}}";
    }

    private static string Name(Enum value) => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    // The text comes from a client: escaped by the strict encoder.
    private static string Quoted(string? text) => text is null ? "null" : $"\"{JsonEncodedText.Encode(text)}\"";
}
