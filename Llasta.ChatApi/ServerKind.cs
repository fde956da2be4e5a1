namespace Llasta.ChatApi;

/// <summary>The kinds of model servers that differ in what they accept (<c>Chat:Server</c>).</summary>
public enum ServerKind
{
    /// <summary>Found out from what the server says of itself and from what it refuses.</summary>
    Auto,

    /// <summary>vLLM, also behind a router that passes requests through.</summary>
    Vllm,

    /// <summary>llama.cpp's server.</summary>
    LlamaCpp,

    /// <summary>Ollama.</summary>
    Ollama,

    /// <summary>A strict OpenAI-compatible server: it is sent no field beyond OpenAI's.</summary>
    OpenAI,
}
