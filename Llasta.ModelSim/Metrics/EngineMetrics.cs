using System.Text;

namespace Llasta.ModelSim.Metrics;

/// <summary>The engine's figures under vLLM's names and buckets (<c>vllm/v1/metrics/loggers.py</c>), in Prometheus's text format.</summary>
internal sealed class EngineMetrics
{
    // The simulated cache holds this many full context windows.
    private const int CacheWindows = 64;

    private static readonly string[] FinishReasons = ["stop", "length", "abort", "error", "repetition"];

    private readonly long[] _finished = new long[FinishReasons.Length];
    private long _running;
    private long _waiting;
    private long _cachedTokens;
    private long _promptTokens;
    private long _generationTokens;
    private long _prefixHits;

    public Histogram FirstToken { get; } = new("vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.",
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560);

    public Histogram InterToken { get; } = new("vllm:inter_token_latency_seconds", "Histogram of inter-token latency in seconds.",
        0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80);

    public Histogram Latency { get; } = new("vllm:e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", RequestBounds);

    public Histogram QueueTime { get; } = new("vllm:request_queue_time_seconds", "Histogram of time spent in WAITING phase for request.", RequestBounds);

    private static double[] RequestBounds => [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680];

    /// <summary>A request enters the queue.</summary>
    public void Enqueue() => Interlocked.Increment(ref _waiting);

    /// <summary>A request leaves the queue.</summary>
    public void Start(int promptTokens, int cachedTokens)
    {
        Interlocked.Decrement(ref _waiting);
        Interlocked.Increment(ref _running);
        Interlocked.Add(ref _cachedTokens, promptTokens);
        Interlocked.Add(ref _promptTokens, promptTokens);
        Interlocked.Add(ref _prefixHits, cachedTokens);
    }

    /// <summary>A running request ends.</summary>
    public void Finish(string reason, int promptTokens, int generatedTokens)
    {
        Interlocked.Decrement(ref _running);
        Interlocked.Add(ref _cachedTokens, -promptTokens);
        Interlocked.Add(ref _generationTokens, generatedTokens);
        Interlocked.Increment(ref _finished[Array.IndexOf(FinishReasons, reason)]);
    }

    public string ToText(string modelName, int contextWindow)
    {
        var model = modelName.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        var text = new StringBuilder(8192);
        var usage = Math.Min(1, Interlocked.Read(ref _cachedTokens) / ((double)contextWindow * CacheWindows));
        One("vllm:num_requests_running", "gauge", "Number of requests in model execution batches.", Interlocked.Read(ref _running));
        One("vllm:num_requests_waiting", "gauge", "Number of requests waiting to be processed.", Interlocked.Read(ref _waiting));
        One("vllm:kv_cache_usage_perc", "gauge", "KV-cache usage. 1 means 100 percent usage.", usage);
        One("vllm:prefix_cache_queries_total", "counter", "Prefix cache queries, in terms of number of queried tokens.", Interlocked.Read(ref _promptTokens));
        One("vllm:prefix_cache_hits_total", "counter", "Prefix cache hits, in terms of number of cached tokens.", Interlocked.Read(ref _prefixHits));
        One("vllm:prompt_tokens_total", "counter", "Number of prefill tokens processed.", Interlocked.Read(ref _promptTokens));
        One("vllm:generation_tokens_total", "counter", "Number of generation tokens processed.", Interlocked.Read(ref _generationTokens));
        text.Append("# HELP vllm:request_success_total Count of successfully processed requests.\n# TYPE vllm:request_success_total counter\n");
        for (var i = 0; i < FinishReasons.Length; i++)
            text.Append($"vllm:request_success_total{{engine=\"0\",finished_reason=\"{FinishReasons[i]}\",model_name=\"{model}\"}} {Interlocked.Read(ref _finished[i])}.0\n");
        foreach (var histogram in (Histogram[])[FirstToken, InterToken, Latency, QueueTime])
            histogram.WriteTo(text, model);
        return text.ToString();

        void One(string name, string type, string help, double value) =>
            text.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n{name}{{engine=\"0\",model_name=\"{model}\"}} {value:0.0#####}\n");
    }
}
