using Llasta.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi.Upstream;

/// <summary>The address of the model's server, under the ecosystem's setting names.</summary>
public sealed class ModelServerOptions
{
    /// <summary>The name of the setting for <see cref="BaseUrl"/>.</summary>
    public const string BaseUrlSetting = "OPENAI_API_BASE_URL";

    /// <summary>The name of the setting for <see cref="ApiKey"/>.</summary>
    public const string ApiKeySetting = "OPENAI_API_KEY";

    /// <summary>The name of the setting for <see cref="ApiKeyFile"/>.</summary>
    public const string ApiKeyFileSetting = "OPENAI_API_KEY_FILE";

    /// <summary><c>OPENAI_API_BASE_URL</c>: ends in <c>/v1</c>, like <c>http://vllm:8000/v1</c>.</summary>
    public string? BaseUrl { get; set; }

    /// <summary><c>OPENAI_API_KEY</c>: the key that the server was started with (<c>--api-key</c>). Empty: no key.</summary>
    public string? ApiKey { get; set; }

    /// <summary><c>OPENAI_API_KEY_FILE</c>: a file that contains the key, such as a mounted Secret. Empty: none.</summary>
    public string? ApiKeyFile { get; set; }

    /// <summary>Why the file could not be read; null if it could, or there is none.</summary>
    internal string? ApiKeyFileError { get; private set; }

    /// <summary>Takes the key from the file, if there is one. A line break at its end is not part of the key.</summary>
    internal void ReadKeyFile()
    {
        if (string.IsNullOrEmpty(ApiKeyFile))
            return;
        try
        {
            ApiKey = File.ReadAllText(ApiKeyFile).TrimEnd('\r', '\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            ApiKeyFileError = e.Message;
        }
    }

    /// <summary><see cref="BaseUrl"/> without a trailing slash. Valid only after validation.</summary>
    internal Uri Endpoint => new(BaseUrl!.TrimEnd('/'));

    /// <summary>The root of the server, for paths outside <c>/v1</c> like vLLM's <c>/tokenize</c>.</summary>
    internal Uri Root => new(BaseUrl!.TrimEnd('/')[..^"v1".Length]);
}

internal sealed class ModelServerOptionsValidator : IValidateOptions<ModelServerOptions>
{
    public ValidateOptionsResult Validate(string? name, ModelServerOptions options)
    {
        var failures = new ValidateOptionsResultBuilder();
        if (string.IsNullOrEmpty(options.BaseUrl))
            failures.AddError("OPENAI_API_BASE_URL is not set; set it to the model server's address, like http://vllm:8000/v1.");
        else if (!OpenAIAddress.TryCreate(options.BaseUrl, out var uri))
            failures.AddError($"OPENAI_API_BASE_URL is '{StartUp.WithoutCredentials(options.BaseUrl)}'; it must be an http or https address that ends in /v1, like http://vllm:8000/v1.");
        else if (uri.Query.Length > 0 || uri.Fragment.Length > 0 || uri.UserInfo.Length > 0)
            failures.AddError("OPENAI_API_BASE_URL has a query, a fragment or a user name, which are not supported; give a key in OPENAI_API_KEY and leave the address like http://vllm:8000/v1.");
        if (options.ApiKeyFileError is { } reason)
            failures.AddError($"OPENAI_API_KEY_FILE is '{options.ApiKeyFile}', which can't be read: {reason}");
        // The usual case: a Secret made from a file that ends with a line break.
        if (options.ApiKey?.Any(c => c is <= ' ' or > '~') == true)
            failures.AddError("OPENAI_API_KEY contains a line break, a space, or another character that is not allowed in a key; set it to the key alone.");
        return failures.Build();
    }
}
