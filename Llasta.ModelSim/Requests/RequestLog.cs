using System.Text.Json;

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

    public void WriteTo(Utf8JsonWriter json)
    {
        RequestRecord[] records;
        lock (_lock)
            records = [.. _records];
        json.WriteStartObject();
        json.WriteStartArray("requests"u8);
        foreach (var record in records)
            record.WriteTo(json);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
