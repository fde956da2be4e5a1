using System.Net;
using System.Text.Json;

namespace Llasta.ChatApi.Upstream;

/// <summary>A model server that answers on this machine.</summary>
/// <param name="Name">The program whose default port this is; another program may listen there.</param>
/// <param name="BaseUrl">The address, which ends in <c>/v1</c>.</param>
/// <param name="Model">The model that a chat would use; null if the server tells it only to those who have a key.</param>
public sealed record LocalModelServer(string Name, string BaseUrl, string? Model)
{
    /// <summary>Whether the server answers only with a key.</summary>
    public bool RequiresKey => Model is null;
}

/// <summary>Finds model servers on this machine, for a person who has named none.</summary>
public static class LocalModelServers
{
    /// <summary>Connecting and answering. These servers answer from memory, over loopback.</summary>
    private static readonly TimeSpan TimeLimit = TimeSpan.FromMilliseconds(300);

    /// <summary>A list with hundreds of models, which only routers have, is about half of this.</summary>
    private const int MaxListBytes = 1 << 20;

    /// <summary>The programs that are looked for and their default ports, the preferred one first.</summary>
    public static IReadOnlyList<(string Name, int Port)> Known { get; } =
    [
        ("vLLM", 8000),
        ("llama.cpp", 8080),
        ("Ollama", 11434),
        ("LM Studio", 1234),
        ("SGLang", 30000),
    ];

    /// <summary>Asks all known ports of 127.0.0.1 at the same time for their models. No key is sent.</summary>
    /// <returns>The servers that answered within 300 ms with a list of models, or that require a key, in the order of <see cref="Known"/>.</returns>
    public static Task<IReadOnlyList<LocalModelServer>> FindAsync(CancellationToken cancellation = default) => FindAsync(Known, TimeLimit, cancellation);

    internal static async Task<IReadOnlyList<LocalModelServer>> FindAsync(IReadOnlyList<(string Name, int Port)> candidates, TimeSpan timeLimit, CancellationToken cancellation)
    {
        // Only this machine is asked: no proxy, no redirect.
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false };
        using var client = new HttpClient(handler) { Timeout = timeLimit, MaxResponseContentBufferSize = MaxListBytes };
        var found = await Task.WhenAll(candidates.Select(candidate => AskAsync(client, candidate.Name, candidate.Port, cancellation)));
        return [.. found.OfType<LocalModelServer>()];
    }

    private static async Task<LocalModelServer?> AskAsync(HttpClient client, string name, int port, CancellationToken cancellation)
    {
        // Not localhost, whose first address can be ::1: on Windows the refusal of a connection there would use up the time.
        var baseUrl = $"http://127.0.0.1:{port}/v1";
        try
        {
            using var response = await client.GetAsync(new Uri($"{baseUrl}/models"), cancellation);
            return response.StatusCode switch
            {
                HttpStatusCode.OK when ModelList.ThatChat(ModelList.Read(await response.Content.ReadAsByteArrayAsync(cancellation))) is [{ } model, ..] => new(name, baseUrl, ServerText.Clean(model.Name, key: null)),
                HttpStatusCode.Unauthorized => new(name, baseUrl, Model: null),
                _ => null,
            };
        }
        catch (Exception e) when (e is HttpRequestException or JsonException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }
}
