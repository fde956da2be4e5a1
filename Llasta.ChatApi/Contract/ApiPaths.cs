namespace Llasta.ChatApi.Contract;

/// <summary>The paths of the chat API.</summary>
public static class ApiPaths
{
    /// <summary>What all paths begin with.</summary>
    public const string Root = "/api";

    /// <summary>A turn: <c>POST</c>.</summary>
    public const string Chat = $"{Root}/chat";

    /// <summary>The state of the model: <c>GET</c>.</summary>
    public const string Model = $"{Root}/model";

    /// <summary>The length of a conversation in tokens: <c>POST</c>.</summary>
    public const string Tokens = $"{Root}/tokens";
}
