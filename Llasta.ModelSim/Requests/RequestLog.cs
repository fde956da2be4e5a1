namespace Llasta.ModelSim.Requests;

/// <summary>The most recent requests, oldest first.</summary>
internal sealed class RequestLog
{
    private const int Most = 256;

    private readonly Lock _lock = new();
    private readonly Queue<RequestRecord> _records = new(Most);

    public void Add(RequestRecord record)
    {
        lock (_lock)
        {
            if (_records.Count == Most)
                _records.Dequeue();
            _records.Enqueue(record);
        }
    }

    public void Clear()
    {
        lock (_lock)
            _records.Clear();
    }

    public string ToJson()
    {
        RequestRecord[] records;
        lock (_lock)
            records = [.. _records];
        return $"{{\"requests\":[{string.Join(',', records.Select(record => record.ToJson()))}]}}";
    }
}
