using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace Llasta.ModelSim.Answers;

/// <summary>The prepared texts, embedded from <c>Texts/*.md</c>: together, every kind of content that a chat page renders, written as models write it.</summary>
internal static partial class Texts
{
    private static readonly ConcurrentDictionary<string, string> Cache = new();

    /// <summary>The text of that name, with another text in place of each <c>{{name}}</c>.</summary>
    public static string Of(string name) => Cache.GetOrAdd(name, Read);

    /// <summary>The text's lines, for texts that are a choice of sentences.</summary>
    public static string[] Lines(string name) => Of(name).Split('\n');

    private static string Read(string name)
    {
        using var reader = new StreamReader(typeof(Texts).Assembly.GetManifestResourceStream($"{name}.md")!);
        return Inclusion.Replace(reader.ReadToEnd().TrimEnd('\n'), match => Of(match.Groups[1].Value));
    }

    [GeneratedRegex(@"\{\{([a-z-]+)\}\}")]
    private static partial Regex Inclusion { get; }
}
