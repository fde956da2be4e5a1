using System.Text.Json.Serialization;

namespace Llasta.ModelSim;

/// <summary>
/// The simulator's settings. In configuration each property is <c>Sim:&lt;name&gt;</c> (environment <c>Sim__TokensPerSecond</c>,
/// argument <c>--Sim:TokensPerSecond</c>), in <c>/sim/settings</c> a JSON member of that name, and on a request the header
/// <c>X-Sim-&lt;name&gt;</c>. Names and choices may be written with hyphens (<c>X-Sim-Tokens-Per-Second</c>, <c>error-in-stream</c>);
/// durations are written as <c>00:00:00.150</c>.
/// </summary>
public sealed record ModelSimOptions
{
    /// <summary>The only model that is served; any other name is answered with 404.</summary>
    public string Model { get; set; } = "Qwen/Qwen3-8B";

    /// <summary>vLLM's <c>--api-key</c>: the bearer token that <c>/v1</c> requires. Not a header.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ApiKey { get; set; }

    /// <summary>vLLM's <c>--max-model-len</c>: the tokens of prompt and answer together, 16 or more.</summary>
    public int ContextWindow { get; set; } = 16_384;

    /// <summary>The rate of each stream in tokens per second; 0 sends as fast as the client reads.</summary>
    public double TokensPerSecond { get; set; } = 60;

    /// <summary>The time from the end of queueing to the first token (prefill).</summary>
    public TimeSpan FirstTokenDelay { get; set; } = TimeSpan.FromMilliseconds(150);

    /// <summary>The time in the queue: the response headers are sent and no chunk follows.</summary>
    public TimeSpan QueueDelay { get; set; }

    /// <summary>The time that loading takes: the port refuses connections until it has passed. Not a header.</summary>
    public TimeSpan StartupDelay { get; set; }

    /// <summary>The length of the thinking in tokens; null lets the question decide (short, longer for "think hard").</summary>
    public int? ThinkingTokens { get; set; }

    /// <summary>The field that carries the thinking, which depends on vLLM's version and parser.</summary>
    public ReasoningField ReasoningField { get; set; }

    /// <summary>Whether thinking has a field of its own.</summary>
    internal bool HasReasoningParser => ReasoningField != ReasoningField.Tags;

    /// <summary>Which of vLLM's two front ends is spoken.</summary>
    public FrontEnd FrontEnd { get; set; }

    /// <summary>vLLM's <c>--sse-keep-alive-interval</c>: after how much silence in a stream a comment is sent; zero sends none.</summary>
    public TimeSpan KeepAliveInterval { get; set; }

    /// <summary>vLLM's <c>--max-num-queued-reqs</c>: the requests, waiting and running, above which new ones get 503; 0 is no limit. Not a header.</summary>
    public int MaxQueuedRequests { get; set; }

    /// <summary>vLLM's <c>--enable-prompt-tokens-details</c>: usage tells how much of the prompt was cached.</summary>
    public bool PromptTokensDetails { get; set; }

    /// <summary>vLLM's <c>--enable-per-request-metrics</c>: the last chunk has the request's times.</summary>
    public bool RequestMetrics { get; set; }

    /// <summary>Tokens per streamed chunk, 1 or more; the rate in tokens per second stays the same.</summary>
    public int TokensPerChunk { get; set; } = 1;

    /// <summary>
    /// vLLM's <c>--shutdown-timeout</c>: how long running streams continue after SIGTERM, while new requests are refused. Zero: they end
    /// at once, with an error event (Python) or a reset (Rust). Not a header.
    /// </summary>
    public TimeSpan ShutdownTimeout { get; set; }

    /// <summary>
    /// How long the process stays after <see cref="ShutdownTimeout"/> has passed with streams still running: the port is closed and
    /// the open connections are silent. vLLM stays until it is killed. Not a header.
    /// </summary>
    public TimeSpan ShutdownSilence { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>What goes wrong.</summary>
    public Fault Fault { get; set; }

    /// <summary>When it goes wrong; faults that replace the response ignore it.</summary>
    public FaultPhase FaultPhase { get; set; } = FaultPhase.Answering;

    /// <summary>How many tokens of that phase (thinking, answering) are sent before the fault; a shorter phase fails at its end.</summary>
    public int FaultAfterTokens { get; set; }

    /// <summary>How many requests fail before the fault is switched off; 0 means all. Not a header.</summary>
    public int FaultTimes { get; set; }
}

/// <summary>The field of the thinking (vllm#33402).</summary>
public enum ReasoningField
{
    /// <summary><c>delta.reasoning</c>: 0.16 and later.</summary>
    Reasoning,

    /// <summary><c>delta.reasoning_content</c>: before 0.12.</summary>
    ReasoningContent,

    /// <summary>Both names with the same text: 0.12 to 0.15.</summary>
    Both,

    /// <summary><c>&lt;think&gt;…&lt;/think&gt;</c> inside <c>content</c>: no <c>--reasoning-parser</c>.</summary>
    Tags,
}

/// <summary>vLLM's HTTP servers, which differ in their JSON, their errors and how they stop.</summary>
public enum FrontEnd
{
    /// <summary>The default.</summary>
    Python,

    /// <summary><c>VLLM_USE_RUST_FRONTEND=1</c>.</summary>
    Rust,
}

/// <summary>The phases of a request, in order.</summary>
public enum FaultPhase
{
    /// <summary>Nothing has been answered.</summary>
    BeforeHeaders,

    /// <summary>The headers have been sent, no chunk has.</summary>
    Queued,

    /// <summary>Thinking tokens are sent; skipped when thinking is off.</summary>
    Thinking,

    /// <summary>Answer tokens are sent.</summary>
    Answering,

    /// <summary>The finish chunk has been sent, usage and <c>[DONE]</c> have not.</summary>
    AfterFinish,
}

/// <summary>The ways to fail.</summary>
public enum Fault
{
    /// <summary>Nothing fails.</summary>
    None,

    /// <summary>The connection is reset without a response.</summary>
    Refuse,

    /// <summary>401.</summary>
    Unauthorized,

    /// <summary>404, the model does not exist.</summary>
    NotFound,

    /// <summary>500, the engine is dead.</summary>
    Error,

    /// <summary>400, the prompt exceeds the context window.</summary>
    Overflow,

    /// <summary>503, the admission limit is reached.</summary>
    Busy,

    /// <summary>500, as a vLLM that is shutting down answers while <c>/health</c> still says 200.</summary>
    Stopping,

    /// <summary>500 with plain text, as the vLLM project's router answers when its worker is down.</summary>
    RouterError,

    /// <summary>A page of HTML with status 200, as a captive portal sends.</summary>
    Html,

    /// <summary>Silence until the client leaves.</summary>
    Stall,

    /// <summary>The connection is reset.</summary>
    Cut,

    /// <summary>The stream ends with neither a finish reason nor <c>[DONE]</c>.</summary>
    End,

    /// <summary>One chunk is not JSON; the stream continues after it.</summary>
    Malformed,

    /// <summary>The stream ends in the middle of a chunk's JSON.</summary>
    TruncatedJson,

    /// <summary>
    /// The engine dies: an error event and <c>[DONE]</c> (a reset with the Rust front end); in the phase <c>queued</c> that is the first
    /// event, and before the headers it is a 500.
    /// </summary>
    EngineDeath,

    /// <summary>An error event of this request, then <c>[DONE]</c>.</summary>
    ErrorInStream,

    /// <summary><c>finish_reason: "abort"</c>.</summary>
    Abort,

    /// <summary>A line that never ends.</summary>
    EndlessLine,

    /// <summary>Valid chunks that never end.</summary>
    Endless,
}
