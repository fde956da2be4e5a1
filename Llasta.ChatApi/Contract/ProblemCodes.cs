namespace Llasta.ChatApi.Contract;

/// <summary>
/// The stable codes of problems (<see cref="ChatProblem.Code"/>). A code never changes its meaning. The README's table and the page's
/// <c>wire.ts</c> list the same codes; a test compares them.
/// </summary>
public static class ProblemCodes
{
    /// <summary>The request breaks the contract.</summary>
    public const string InvalidRequest = "invalid-request";

    /// <summary>The request's body is over <see cref="ChatOptions.MaxBodyBytes"/>.</summary>
    public const string TooLarge = "too-large";

    /// <summary>The request comes from another site's page, or uses an unknown host name.</summary>
    public const string ForbiddenOrigin = "forbidden-origin";

    /// <summary>The conversation is longer than the model's context window.</summary>
    public const string ContextOverflow = "context-overflow";

    /// <summary>As many turns are running as this service, or the model's server, allows.</summary>
    public const string Busy = "busy";

    /// <summary>The model's server does not answer, or this process is stopping.</summary>
    public const string Unreachable = "unreachable";

    /// <summary>The model's server refused the API key.</summary>
    public const string ModelAuth = "model-auth";

    /// <summary>The model's server does not serve the model.</summary>
    public const string ModelNotFound = "model-not-found";

    /// <summary>The model's server failed at this request.</summary>
    public const string ModelError = "model-error";

    /// <summary>The model's server does not offer what was asked for.</summary>
    public const string NotSupported = "not-supported";
}
