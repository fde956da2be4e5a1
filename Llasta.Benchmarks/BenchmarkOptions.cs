namespace Llasta.Benchmarks;

/// <summary>The options of the command line.</summary>
internal sealed record BenchmarkOptions
{
    public const string Help = """
        Measures the services and compares them with baselines of the same run.

          dotnet run -c Release --project Llasta.Benchmarks [-- OPTIONS]

          --only NAMES        comma-separated: start,cpu,first-token,memory,stop,allocation (default: all)
          --rounds N          rounds of each measurement, alternating with the baselines (default 3)
          --seconds N         duration of one loaded run (default 5)
          --streams LIST      concurrent streams of the loaded runs (default 100,400), 50 tokens/s each
          --open-streams N    slow streams of the memory measurement (default 2000)
          --upstream URL      a model server to use instead of the built-in token source, for example
                              http://localhost:8000; its tokens contain no timestamp, so only start, CPU,
                              first token and memory are measured
          --chatapi FILE, --chatbot FILE, --simulator FILE
                              executables to measure instead of publishing the projects
          --json FILE         also writes the results to FILE as JSON

          soak [--open-streams N] [--stalled N] [--minutes N]
                              slow streams (default 2000) for N minutes (default 10), optionally with readers
                              that never read (default 0); exits with 1 if a stream was lost

          neighbour [--rounds N] [--seconds N]
                              the longest time between two tokens of a reader while a model server or a client
                              sends something hostile, for the native chat API and for the one with the JIT
                              compiler; the longest of all rounds, 17 shapes
        """;

    public IReadOnlySet<string>? Only { get; private set; }

    public int Rounds { get; private set; } = 3;

    public int Seconds { get; private set; } = 5;

    public IReadOnlyList<int> Streams { get; private set; } = [100, 400];

    public int OpenStreams { get; private set; } = 2000;

    public int Stalled { get; private set; }

    public double Minutes { get; private set; } = 10;

    public Uri? Upstream { get; private set; }

    public string? ChatApi { get; private set; }

    public string? Chatbot { get; private set; }

    public string? Simulator { get; private set; }

    public string? Json { get; private set; }

    public bool Measures(string name) => Only?.Contains(name) ?? true;

    /// <exception cref="FormatException">An option is unknown, or its value is missing or invalid.</exception>
    public static BenchmarkOptions Parse(ReadOnlySpan<string> args)
    {
        var options = new BenchmarkOptions();
        for (var i = 0; i < args.Length; i += 2)
        {
            var value = i + 1 < args.Length ? args[i + 1] : throw new FormatException($"{args[i]} needs a value. See --help.");
            switch (args[i])
            {
                case "--only": options.Only = value.Split(',').ToHashSet(); break;
                case "--rounds": options.Rounds = Number(value); break;
                case "--seconds": options.Seconds = Number(value); break;
                case "--streams": options.Streams = [.. value.Split(',').Select(Number)]; break;
                case "--open-streams": options.OpenStreams = Number(value); break;
                case "--stalled": options.Stalled = Number(value); break;
                case "--minutes": options.Minutes = double.Parse(value, System.Globalization.CultureInfo.InvariantCulture); break;
                case "--upstream": options.Upstream = new Uri(value); break;
                case "--chatapi": options.ChatApi = Path.GetFullPath(value); break;
                case "--chatbot": options.Chatbot = Path.GetFullPath(value); break;
                case "--simulator": options.Simulator = Path.GetFullPath(value); break;
                case "--json": options.Json = value; break;
                default: throw new FormatException($"Unknown option {args[i]}. See --help.");
            }
        }

        return options;
    }

    private static int Number(string value) => int.Parse(value, System.Globalization.CultureInfo.InvariantCulture);
}
