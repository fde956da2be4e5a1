namespace Llasta.ModelSim;

/// <summary>
/// What shapes the simulator. In configuration each property is <c>Sim:&lt;name&gt;</c> (environment <c>Sim__TokensPerSecond</c>,
/// argument <c>--Sim:TokensPerSecond</c>), in <c>/sim/settings</c> it is a JSON member of the same name, and on a request the
/// header <c>X-Sim-&lt;name&gt;</c> (hyphens between the words are welcome: <c>X-Sim-Tokens-Per-Second</c>).
/// As text, durations are whole milliseconds.
/// </summary>
public sealed record ModelSimOptions
{
    /// <summary>The one model served; any other name is answered with 404, as vLLM does.</summary>
    public string Model { get; set; } = "Qwen/Qwen3-8B";

    /// <summary>When set, <c>/v1*</c> wants it as the bearer token; nothing else is guarded. Not a header.</summary>
    public string? ApiKey { get; set; }

    /// <summary>Tokens of prompt and answer together: vLLM's <c>--max-model-len</c>. At least 16.</summary>
    public int ContextWindow { get; set; } = 16_384;

    /// <summary>Pace of each stream in tokens per second; 0 sends as fast as the reader reads.</summary>
    public double TokensPerSecond { get; set; } = 60;

    /// <summary>From the end of queueing to the first token (prefill).</summary>
    public TimeSpan FirstTokenDelay { get; set; } = TimeSpan.FromMilliseconds(150);

    /// <summary>Time in the queue: the headers are out and nothing follows.</summary>
    public TimeSpan QueueDelay { get; set; }

    /// <summary>Loading time: until it has passed the port refuses connections. Not a header.</summary>
    public TimeSpan StartupDelay { get; set; }

    /// <summary>Length of the thinking in tokens; null lets the question decide (short, longer for "think hard").</summary>
    public int? ThinkingTokens { get; set; }

    /// <summary>Where thinking is put on the wire: which vLLM is spoken.</summary>
    public ReasoningField ReasoningField { get; set; }

    /// <summary>Tokens per streamed chunk; the pace in tokens per second stays the same.</summary>
    public int TokensPerChunk { get; set; } = 1;

    /// <summary>What goes wrong.</summary>
    public Fault Fault { get; set; }

    /// <summary>When it goes wrong; only faults inside a response look at it.</summary>
    public FaultPhase FaultPhase { get; set; } = FaultPhase.Answering;

    /// <summary>How many tokens of that phase (thinking, answering) are sent first; a shorter phase fails at its end.</summary>
    public int FaultAfterTokens { get; set; }

    /// <summary>How many requests fail before the fault disarms itself; 0 is always. Not a header.</summary>
    public int FaultTimes { get; set; }
}

/// <summary>Where thinking arrives (vllm#33402).</summary>
public enum ReasoningField
{
    /// <summary><c>delta.reasoning</c>: 0.16 and later.</summary>
    Reasoning,

    /// <summary><c>delta.reasoning_content</c>: before 0.12.</summary>
    ReasoningContent,

    /// <summary>Both names with the same text: 0.12 to 0.15.</summary>
    Both,

    /// <summary>Raw <c>&lt;think&gt;…&lt;/think&gt;</c> inside <c>content</c>: no reasoning parser.</summary>
    Tags,
}

/// <summary>A phase of a request, in order.</summary>
public enum FaultPhase
{
    /// <summary>Nothing was answered yet.</summary>
    BeforeHeaders,

    /// <summary>The headers are out, no chunk is.</summary>
    Queued,

    /// <summary>Thinking tokens; with thinking off it never comes.</summary>
    Thinking,

    /// <summary>Answer tokens.</summary>
    Answering,

    /// <summary>Behind the finish chunk, before usage and <c>[DONE]</c>.</summary>
    AfterFinish,
}

/// <summary>Ways to fail.</summary>
public enum Fault
{
    /// <summary>None.</summary>
    None,

    /// <summary>The connection is closed without a response.</summary>
    Refuse,

    /// <summary>401.</summary>
    Unauthorized,

    /// <summary>404, the model does not exist.</summary>
    NotFound,

    /// <summary>500, a dead engine.</summary>
    Error,

    /// <summary>400, the context window is exceeded.</summary>
    Overflow,

    /// <summary>A page of HTML with status 200, as a captive proxy sends.</summary>
    Html,

    /// <summary>Silence until the client leaves.</summary>
    Stall,

    /// <summary>The connection is aborted.</summary>
    Cut,

    /// <summary>The stream ends in good order, with neither finish reason nor <c>[DONE]</c>.</summary>
    End,

    /// <summary>A chunk that is not JSON; the stream goes on behind it.</summary>
    Malformed,

    /// <summary>A chunk that ends inside its JSON, and the stream with it.</summary>
    TruncatedJson,

    /// <summary><c>data: {"error":…}</c>, then <c>[DONE]</c>.</summary>
    ErrorInStream,

    /// <summary><c>finish_reason: "abort"</c>, as a stopping server sends.</summary>
    Abort,

    /// <summary>Bytes without a newline, without an end.</summary>
    EndlessLine,

    /// <summary>Valid chunks without an end.</summary>
    Endless,
}
