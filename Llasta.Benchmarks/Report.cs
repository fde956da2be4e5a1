using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Llasta.Benchmarks;

/// <summary>A figure. <c>Name</c> is the column's name with the unit; <c>Value</c> is null if the route doesn't have this figure.</summary>
internal readonly record struct Figure(string Name, double? Value);

/// <summary>The results: tables on standard output, and JSON with the same names.</summary>
internal sealed class Report
{
    private readonly List<Table> _tables = [];

    private sealed record Table(string Name, List<Row> Rows);

    private sealed record Row(string Route, Figure[] Figures);

    /// <summary>Adds the results of a measurement and prints them.</summary>
    public void Add(string name, IEnumerable<(string Route, Figure[] Figures)> rows)
    {
        var table = new Table(name, [.. rows.Select(row => new Row(row.Route, row.Figures))]);
        _tables.Add(table);
        Console.WriteLine();
        Console.WriteLine(table.Name);
        var columns = table.Rows[0].Figures.Select(figure => figure.Name).ToArray();
        var first = Math.Max(18, table.Rows.Max(row => row.Route.Length));
        Console.WriteLine($"  {"".PadRight(first)}{string.Concat(columns.Select(c => c.PadLeft(c.Length + 3)))}");
        foreach (var row in table.Rows)
            Console.WriteLine($"  {row.Route.PadRight(first)}{string.Concat(row.Figures.Select((f, i) => Text(f.Value).PadLeft(columns[i].Length + 3)))}");
    }

    public void WriteJson(string file)
    {
        using var stream = File.Create(file);
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("at", DateTimeOffset.UtcNow);
        json.WriteNumber("cores", Environment.ProcessorCount);
        json.WriteString("system", RuntimeInformation.OSDescription);
        json.WriteStartObject("measurements");
        foreach (var table in _tables)
        {
            json.WriteStartObject(table.Name);
            foreach (var row in table.Rows)
            {
                json.WriteStartObject(row.Route);
                foreach (var figure in row.Figures)
                {
                    json.WritePropertyName(figure.Name);
                    if (figure.Value is { } value)
                        json.WriteNumberValue(Math.Round(value, 4));
                    else
                        json.WriteNullValue();
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string Text(double? value) => value switch
    {
        null => "–",
        >= 1000 or <= -1000 => value.Value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 or <= -10 => value.Value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.00", CultureInfo.InvariantCulture),
    };
}

/// <summary>Median and quantiles.</summary>
internal static class Quantiles
{
    public static double Median(this IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? 0 : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <param name="sorted">The values in ascending order.</param>
    /// <param name="share">The quantile, from 0 to 1.</param>
    /// <returns>The value at the quantile; 0 if there are no values.</returns>
    public static double At(ReadOnlySpan<double> sorted, double share) =>
        sorted.IsEmpty ? 0 : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
}
