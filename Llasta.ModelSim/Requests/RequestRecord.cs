using System.Text.Json;

namespace Llasta.ModelSim.Requests;

/// <summary>What became of a request.</summary>
internal enum RequestState
{
    Running,
    Finished,

    /// <summary>The client left before the end.</summary>
    Aborted,

    /// <summary>It was refused, or a fault took it.</summary>
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

    public void Keep(JsonElement body)
    {
        var text = body.GetRawText();
        if (text.Length <= MostBodyCharacters)
            _body = text;
    }

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

    /// <summary>The client's connection is gone. A fault stays a fault; when the client left is kept for both.</summary>
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

    public void WriteTo(Utf8JsonWriter json)
    {
        lock (_lock)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, Id);
            json.WriteString("phase"u8, JsonNamingPolicy.KebabCaseLower.ConvertName(_phase.ToString()));
            json.WriteString("state"u8, JsonNamingPolicy.KebabCaseLower.ConvertName(_state.ToString()));
            json.WriteNumber("tokensSent"u8, Volatile.Read(ref _tokensSent));
            json.WriteNumber("startedAt"u8, _startedAt);
            json.WritePropertyName("abortedAt"u8);
            if (_abortedAt is { } at)
                json.WriteNumberValue(at);
            else
                json.WriteNullValue();
            json.WriteString("traceparent"u8, Traceparent);
            json.WritePropertyName("body"u8);
            if (_body is null)
                json.WriteNullValue();
            else
                json.WriteRawValue(_body);
            json.WriteEndObject();
        }
    }
}
