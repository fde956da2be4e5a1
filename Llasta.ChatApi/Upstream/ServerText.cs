using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Llasta.ChatApi.Upstream;

/// <summary>Text that comes from a server, in any encoding, made fit to be shown to a reader.</summary>
internal static partial class ServerText
{
    /// <summary>The longest text that is shown, in UTF-16 code units.</summary>
    private const int MaxShown = 500;

    /// <summary>
    /// The longest text in which words are looked for, in UTF-16 code units: what is wrong stands at the beginning, and a hostile server
    /// sends megabytes.
    /// </summary>
    private const int MaxSearched = 4000;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Decodes a body: UTF-8, UTF-16 if it begins with its byte order mark, or Latin-1 if it is not valid UTF-8.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]))
            return Encoding.Unicode.GetString(bytes[2..]);
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
            return Encoding.BigEndianUnicode.GetString(bytes[2..]);
        if (bytes.StartsWith("\uFEFF"u8))
            bytes = bytes["\uFEFF"u8.Length..];
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return Encoding.Latin1.GetString(bytes);
        }
    }

    /// <summary>Reads a JSON string, also one with half of a surrogate pair or that is not UTF-8, which <see cref="JsonElement.GetString"/> refuses.</summary>
    /// <returns>Null if the element is not a string.</returns>
    public static string? StringOf(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.String)
            return null;
        try
        {
            return element.GetString();
        }
        catch (InvalidOperationException)
        {
            return Unescape(Decode(JsonMarshal.GetRawUtf8Value(element)).AsSpan()[1..^1]);
        }
    }

    /// <summary>
    /// Finds a member of a JSON object. <see cref="JsonElement.TryGetProperty(string, out JsonElement)"/> throws if another member has half
    /// of a surrogate pair in its name.
    /// </summary>
    /// <param name="element">The object, or any other value.</param>
    /// <param name="name">The name, in ASCII; a member that has it in escapes is not found.</param>
    /// <returns>The last member of this name; null if there is none, or the element is no object.</returns>
    public static JsonElement? MemberOf(JsonElement element, string name)
    {
        JsonElement? found = null;
        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in element.EnumerateObject())
            {
                if (Ascii.Equals(JsonMarshal.GetRawUtf8PropertyName(member), name))
                    found = member.Value;
            }
        }

        return found;
    }

    /// <summary>Replaces JSON's escapes; half of a surrogate pair stays what it is.</summary>
    public static string Unescape(ReadOnlySpan<char> escaped)
    {
        var text = new StringBuilder(escaped.Length);
        for (var i = 0; i < escaped.Length; i++)
        {
            if (escaped[i] != '\\' || i + 1 == escaped.Length)
            {
                text.Append(escaped[i]);
                continue;
            }

            var next = escaped[++i];
            if (next == 'u' && i + 4 < escaped.Length && ushort.TryParse(escaped.Slice(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
            {
                text.Append((char)code);
                i += 4;
                continue;
            }

            text.Append(next switch { 'n' => '\n', 'r' => '\r', 't' => '\t', 'b' => '\b', 'f' => '\f', _ => next });
        }

        return text.ToString();
    }

    /// <summary>The part of a text in which words are looked for (<see cref="MaxSearched"/>).</summary>
    public static string Beginning(string text) => text.Length > MaxSearched ? text[..MaxSearched] : text;

    /// <summary>
    /// Makes a server's text fit to be shown: without credentials and control characters (terminal escapes and directional overrides
    /// included), on one line, and at most 500 characters long.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="key">Finds the configured API key, which a server or a proxy may quote (<see cref="KeyPattern"/>).</param>
    public static string Clean(string text, Regex? key)
    {
        if (key is not null)
            text = key.Replace(text, "…");
        text = Credentials().Replace(Beginning(text), "$1…");
        var shown = new StringBuilder(Math.Min(text.Length, MaxShown));
        foreach (var rune in text.EnumerateRunes())
        {
            var category = Rune.GetUnicodeCategory(rune);
            var space = category is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator;
            if (space && (shown.Length == 0 || shown[^1] == ' '))
                continue;
            if (shown.Length >= MaxShown)
                return shown.ToString().TrimEnd() + "…";
            if (space)
                shown.Append(' ');
            else
                shown.Append(rune.ToString());
        }

        return shown.ToString().TrimEnd();
    }

    /// <summary>Makes the pattern of a key: each character as it is, or escaped as in JSON, in a URL or in HTML.</summary>
    /// <param name="key">The key, in ASCII.</param>
    /// <returns>Null if there is no key.</returns>
    public static Regex? KeyPattern(string? key) => string.IsNullOrEmpty(key) ? null : new Regex(
        string.Concat(key.Select(c => char.IsAsciiLetterOrDigit(c)
            ? $"{c}"
            : string.Create(CultureInfo.InvariantCulture, $@"(?:\\?{Regex.Escape($"{c}")}|(?i:\\u00{(int)c:x2}|%{(int)c:x2}|&\#(?:{(int)c}|x{(int)c:x2});))"))),
        RegexOptions.CultureInvariant);

    /// <summary>Takes the visible text out of an HTML page: its title, or else its body.</summary>
    public static string FromHtml(string html)
    {
        if (Title().Match(html) is { Success: true } title && title.Groups[1].Value.Trim() is { Length: > 0 } text)
            return System.Net.WebUtility.HtmlDecode(text);
        return System.Net.WebUtility.HtmlDecode(Tags().Replace(html, " "));
    }

    /// <summary>A key in a header, in a URL, or by the prefix of well-known keys.</summary>
    [GeneratedRegex(@"(\b(?:bearer|basic)\s+|\b(?:api[-_]?key|authorization|x-api-key|access[-_]?token)[""']?\s*[:=]\s*[""']?(?:bearer\s+|basic\s+)?)[^\s""',;}]+|\bsk-[A-Za-z0-9_-]{8,}", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Credentials();

    [GeneratedRegex(@"<title[^<>]*>([^<]*)</title>", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Title();

    /// <summary>Each match ends at the page's end at the latest: a search for an end that never comes would be repeated at each beginning.</summary>
    [GeneratedRegex(@"<(?:script|style)\b.*?(?:</(?:script|style)\s*>|\z)|<[^>]*(?:>|\z)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Tags();
}
