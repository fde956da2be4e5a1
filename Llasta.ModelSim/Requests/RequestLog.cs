using System.Collections.Concurrent;

namespace Llasta.ModelSim.Requests;

/// <summary>The most recent requests, oldest first.</summary>
internal sealed class RequestLog
{
    private const int Most = 256;

    private readonly ConcurrentQueue<RequestRecord> _records = new();

    public void Add(RequestRecord record)
    {
        _records.Enqueue(record);
        while (_records.Count > Most)
            _records.TryDequeue(out _);
    }

    public void Clear() => _records.Clear();

    public string ToJson() => $"{{\"requests\":[{string.Join(',', _records.Select(record => record.ToJson()))}]}}";
}
