using System.Text;

namespace Llasta.ModelSim.Metrics;

/// <summary>A Prometheus histogram of seconds with fixed bounds.</summary>
internal sealed class Histogram(string name, string help, params double[] bounds)
{
    private readonly long[] _counts = new long[bounds.Length + 1];
    private long _sumTicks;

    public void Observe(TimeSpan value)
    {
        // Where there is no equal bound, the complement of the place of the next higher one.
        var place = Array.BinarySearch(bounds, value.TotalSeconds);
        Interlocked.Increment(ref _counts[place < 0 ? ~place : place]);
        Interlocked.Add(ref _sumTicks, value.Ticks);
    }

    /// <param name="text">Receives the exposition.</param>
    /// <param name="model">The model's name, escaped.</param>
    public void WriteTo(StringBuilder text, string model)
    {
        text.Append($"# HELP {name} {help}\n# TYPE {name} histogram\n");
        var count = 0L;
        for (var i = 0; i < _counts.Length; i++)
        {
            count += Interlocked.Read(ref _counts[i]);
            var bound = i == bounds.Length ? "+Inf" : bounds[i].ToString("0.0##");
            text.Append($"{name}_bucket{{engine=\"0\",le=\"{bound}\",model_name=\"{model}\"}} {count}.0\n");
        }
        text.Append($"{name}_count{{engine=\"0\",model_name=\"{model}\"}} {count}.0\n");
        text.Append($"{name}_sum{{engine=\"0\",model_name=\"{model}\"}} {new TimeSpan(Interlocked.Read(ref _sumTicks)).TotalSeconds:0.0######}\n");
    }
}
