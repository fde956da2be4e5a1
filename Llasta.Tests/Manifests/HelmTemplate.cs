using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Llasta.Tests.Manifests;

/// <summary>
/// As much of Helm's template language as our chart uses, so that the chart is tested where there is no Helm: fields of
/// <c>.Values</c> and <c>.Release</c>, strings, parentheses, pipelines, <c>if</c>/<c>end</c> without <c>else</c>, and the
/// functions in <see cref="Call"/>. Anything else throws. Where a helm is on the path, a test compares the two.
/// </summary>
internal sealed partial class HelmTemplate(JsonObject values, string releaseName, string releaseNamespace)
{
    private readonly JsonObject _root = new()
    {
        ["Values"] = values.DeepClone(),
        ["Release"] = new JsonObject { ["Name"] = releaseName, ["Namespace"] = releaseNamespace },
    };

    public string Render(string template)
    {
        var text = new StringBuilder();
        var conditions = new Stack<bool>();
        var end = 0;
        var trim = false;
        foreach (Match action in Action().Matches(template))
        {
            Append(template[end..action.Index], trimEnd: action.Groups["left"].Success);
            end = action.Index + action.Length;
            trim = action.Groups["right"].Success;

            var code = action.Groups["code"].Value.Trim();
            if (code.StartsWith("if ", StringComparison.Ordinal))
                conditions.Push(Evaluate(code[3..]) is JsonValue condition && condition.GetValueKind() == JsonValueKind.True);
            else if (code == "end")
                conditions.Pop();
            else if (conditions.All(holds => holds))
                text.Append(Plain(Evaluate(code)));
        }
        Append(template[end..], trimEnd: false);
        return text.ToString();

        void Append(string piece, bool trimEnd)
        {
            if (!conditions.All(holds => holds))
                return;
            piece = trim ? piece.TrimStart() : piece;
            text.Append(trimEnd ? piece.TrimEnd() : piece);
        }
    }

    private JsonNode? Evaluate(string code)
    {
        var tokens = new Queue<string>(Token().Matches(code).Select(match => match.Value));
        var result = Pipeline(tokens);
        return tokens.Count == 0 ? result : throw new NotSupportedException($"'{code}' has more than this renderer reads.");
    }

    private JsonNode? Pipeline(Queue<string> tokens)
    {
        var result = Command(tokens, []);
        while (tokens.TryPeek(out var token) && token == "|")
        {
            tokens.Dequeue();
            result = Command(tokens, [result]);
        }
        return result;
    }

    private JsonNode? Command(Queue<string> tokens, JsonNode?[] piped)
    {
        var first = tokens.Peek();
        if (!char.IsAsciiLetter(first[0]))
            return Operand(tokens);
        tokens.Dequeue();
        var arguments = new List<JsonNode?>();
        while (tokens.TryPeek(out var token) && token is not ("|" or ")"))
            arguments.Add(Operand(tokens));
        return Call(first, [.. arguments, .. piped]);
    }

    private JsonNode? Operand(Queue<string> tokens)
    {
        var token = tokens.Dequeue();
        if (token == "(")
        {
            var inner = Pipeline(tokens);
            return tokens.Dequeue() == ")" ? inner : throw new NotSupportedException("A parenthesis is not closed.");
        }
        if (token[0] == '"')
            return JsonNode.Parse(token);
        if (token[0] != '.')
            throw new NotSupportedException($"'{token}' is not in this renderer.");

        JsonNode? at = _root;
        foreach (var name in token[1..].Split('.'))
            at = at is JsonObject map && map.TryGetPropertyValue(name, out var value) ? value : throw new KeyNotFoundException($"{token} is in no values.yaml.");
        return at?.DeepClone();
    }

    private static JsonNode? Call(string function, JsonNode?[] arguments) => function switch
    {
        "toJson" => arguments[0]?.ToJsonString() ?? "null",
        "toString" => Plain(arguments[0]),
        "int" => long.Parse(Plain(arguments[0]), CultureInfo.InvariantCulture),
        "sha256sum" => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Plain(arguments[0])))),
        "list" => new JsonArray([.. arguments.Select(a => a?.DeepClone())]),
        "concat" => new JsonArray([.. arguments.SelectMany(list => list!.AsArray()).Select(item => item?.DeepClone())]),
        "dict" => new JsonObject(arguments.Chunk(2).Select(pair => KeyValuePair.Create(Plain(pair[0]), pair[1]?.DeepClone()))),
        "merge" => new JsonObject(arguments.SelectMany(map => map!.AsObject()).DistinctBy(entry => entry.Key).Select(entry => KeyValuePair.Create(entry.Key, entry.Value?.DeepClone()))),
        _ => throw new NotSupportedException($"The function {function} is not in this renderer."),
    };

    private static string Plain(JsonNode? value) => value is JsonValue text && text.GetValueKind() == JsonValueKind.String ? text.GetValue<string>() : value?.ToJsonString() ?? "";

    [GeneratedRegex(@"\{\{(?<left>-)?(?<code>.*?)(?<right>-)?\}\}")]
    private static partial Regex Action();

    [GeneratedRegex(@"""(?:[^""\\]|\\.)*""|\.?\w[\w.]*|[()|]")]
    private static partial Regex Token();
}
