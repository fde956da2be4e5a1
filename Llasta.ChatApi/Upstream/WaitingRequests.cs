using System.Globalization;
using System.Text;

namespace Llasta.ChatApi.Upstream;

/// <summary>
/// Tells how many requests wait in the model server's queue, from vLLM's <c>/metrics</c>. Read at most once a second for all readers, and
/// only when one of them asks.
/// </summary>
internal sealed class WaitingRequests(ModelServer server, ServerDialect dialect, TimeProvider time) : IDisposable
{
    private const string Metric = "vllm:num_requests_waiting{";

    /// <summary>vLLM's metrics have about 100 KB.</summary>
    private const int MaxBytes = 1 << 20;

    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _asking = new(1, 1);
    private Reading? _last;

    private sealed record Reading(int? Count, long At);

    /// <summary>Reads the number.</summary>
    /// <returns>Null if the server doesn't tell.</returns>
    public async Task<int?> CountAsync(CancellationToken cancellation)
    {
        if (dialect.Kind != ServerKind.Vllm)
            return null;
        await _asking.WaitAsync(cancellation);
        try
        {
            if (_last is { } last && time.GetElapsedTime(last.At) < Lifetime)
                return last.Count;
            var count = await ReadAsync();
            _last = new Reading(count, time.GetTimestamp());
            return count;
        }
        finally
        {
            _asking.Release();
        }
    }

    private async Task<int?> ReadAsync()
    {
        using var timeout = new CancellationTokenSource(AnswerTimeout);
        try
        {
            using var response = await server.SendAsync(HttpMethod.Get, "metrics", null, timeout.Token);
            if (!response.IsSuccessStatusCode)
                return null;
            var body = await UpstreamErrors.ReadBodyAsync(await response.Content.ReadAsStreamAsync(timeout.Token), MaxBytes, timeout.Token);
            return Sum(Encoding.UTF8.GetString(body.Span));
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return null;
        }
    }

    /// <summary>Adds up the engines' numbers.</summary>
    private static int? Sum(string metrics)
    {
        double? sum = null;
        foreach (var line in metrics.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(Metric, StringComparison.Ordinal)
                && double.TryParse(line[(line.LastIndexOf(' ') + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var count) && count is >= 0 and <= int.MaxValue)
                sum = (sum ?? 0) + count;
        }

        return sum is { } total ? (int)Math.Min(total, int.MaxValue) : null;
    }

    public void Dispose() => _asking.Dispose();
}
