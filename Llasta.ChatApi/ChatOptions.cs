using Llasta.ChatApi.Contract;
using Microsoft.Extensions.Options;

namespace Llasta.ChatApi;

/// <summary>The settings under <c>Chat:</c>, validated at start.</summary>
public sealed class ChatOptions
{
    /// <summary>The name of the settings' section.</summary>
    public const string Section = "Chat";

    /// <summary>The model to use. Empty: the first in the model server's <c>/v1/models</c>.</summary>
    public string Model { get; set; } = "";

    /// <summary>The kind of the model's server, which decides what it is sent. Detected by default.</summary>
    public ServerKind Server { get; set; }

    /// <summary>Sampling parameters for all turns that don't set their own. Empty: Qwen3's recommendation for its hybrid models, the server's defaults for others.</summary>
    public SamplingOptions Sampling { get; set; } = new();

    /// <summary>The most turns that this process relays at the same time; more are refused as <c>busy</c>. 1,024 by default.</summary>
    public int MaxConcurrentTurns { get; set; } = 1024;

    /// <summary>
    /// The most turns that one client may run at the same time; more are refused as <c>busy</c>. 0, the default: no limit. A client is told by
    /// its address, so this is for the process that clients connect to: behind the chatbot or a proxy, all clients have the address of that.
    /// </summary>
    public int MaxTurnsPerClient { get; set; }

    /// <summary>The largest request body, in bytes. 4 MiB by default: several times a full context window.</summary>
    public int MaxBodyBytes { get; set; } = 4 << 20;

    /// <summary>
    /// The most bytes that all request bodies of this process may hold at the same time; more are refused as <c>busy</c>. 64 MiB by default.
    /// At least twice <see cref="MaxBodyBytes"/>, because one body may use at most half of it.
    /// The process's memory grows by up to three times this: bodies are kept once, but freed only when the runtime collects them.
    /// </summary>
    public long MaxBodyBytesInFlight { get; set; } = 64 << 20;

    /// <summary>How long a request's body may take to arrive. 30 s by default.</summary>
    public TimeSpan BodyTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The most messages in one request. 1,000 by default.</summary>
    public int MaxMessages { get; set; } = 1000;

    /// <summary>
    /// How long the model's server may send nothing between tokens, or the reader may take nothing, before the turn is ended. 120 s by
    /// default. The whole duration of a turn has no limit.
    /// </summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(120);

    /// <summary>
    /// How long the first token may take: the server's queue, loading the model, reading the prompt. What the server sends meanwhile to keep
    /// the connection alive doesn't extend it. 10 minutes by default.
    /// </summary>
    public TimeSpan FirstTokenTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>The time limit for connecting to the model's server. 5 s by default.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>After this much silence towards the page, a comment keeps the connection alive. 15 s by default, 45 s at most.</summary>
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long a model server that refuses connections counts as loading; after that it is unreachable. 30 minutes by default, which
    /// includes a first download of the weights.
    /// </summary>
    public TimeSpan ModelStartTimeout { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>
    /// Additional host names of the page, separated by semicolons or commas. localhost, IP addresses and names inside the cluster are
    /// always allowed. An Ingress needs its host here.
    /// </summary>
    public string AllowedHosts { get; set; } = "";

    internal string[] AllowedHostNames => AllowedHosts.Split([';', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>How long running answers may continue after the stop signal. 30 s by default.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>Sampling parameters as settings (<c>Chat:Sampling</c>); the same as <see cref="Contract.Sampling"/>.</summary>
public sealed class SamplingOptions
{
    /// <inheritdoc cref="Sampling.Temperature"/>
    public double? Temperature { get; set; }

    /// <inheritdoc cref="Sampling.TopP"/>
    public double? TopP { get; set; }

    /// <inheritdoc cref="Sampling.TopK"/>
    public int? TopK { get; set; }

    /// <inheritdoc cref="Sampling.MinP"/>
    public double? MinP { get; set; }

    /// <inheritdoc cref="Sampling.MaxTokens"/>
    public int? MaxTokens { get; set; }

    /// <inheritdoc cref="Sampling.ThinkingTokens"/>
    public int? ThinkingTokens { get; set; }

    internal Sampling ToSampling() => new(Temperature, TopP, TopK, MinP, MaxTokens, ThinkingTokens);
}

internal sealed class ChatOptionsValidator : IValidateOptions<ChatOptions>
{
    public ValidateOptionsResult Validate(string? name, ChatOptions o)
    {
        var failures = new ValidateOptionsResultBuilder();
        // Bound from a number, too.
        if (!Enum.IsDefined(o.Server))
            failures.AddError($"{ChatOptions.Section}:{nameof(o.Server)} is {o.Server}; it must be {string.Join(", ", Enum.GetNames<ServerKind>()).ToLowerInvariant()}.");
        AtLeast(o.MaxConcurrentTurns, 1, nameof(o.MaxConcurrentTurns));
        AtLeast(o.MaxTurnsPerClient, 0, nameof(o.MaxTurnsPerClient));
        AtLeast(o.MaxBodyBytes, 1024, nameof(o.MaxBodyBytes));
        AtLeast(o.MaxMessages, 1, nameof(o.MaxMessages));
        Positive(o.BodyTimeout, nameof(o.BodyTimeout));
        if (o.MaxBodyBytesInFlight < 2L * o.MaxBodyBytes)
            failures.AddError($"{ChatOptions.Section}:{nameof(o.MaxBodyBytesInFlight)} is {o.MaxBodyBytesInFlight}; it must be {2L * o.MaxBodyBytes} or more, twice {ChatOptions.Section}:{nameof(o.MaxBodyBytes)}.");
        Positive(o.IdleTimeout, nameof(o.IdleTimeout));
        Positive(o.FirstTokenTimeout, nameof(o.FirstTokenTimeout));
        if (SamplingRules.Check(o.Sampling.ToSampling()) is { } range)
            failures.AddError($"{ChatOptions.Section}:Sampling:{char.ToUpperInvariant(range.Name[0])}{range.Name[1..]} must be {range.Words}.");
        Positive(o.ConnectTimeout, nameof(o.ConnectTimeout));
        // The page takes a connection that is silent for 60 s for a lost one (client.ts).
        if (o.HeartbeatInterval <= TimeSpan.Zero || o.HeartbeatInterval > TimeSpan.FromSeconds(45))
            failures.AddError($"{ChatOptions.Section}:{nameof(o.HeartbeatInterval)} is {o.HeartbeatInterval}; it must be above zero and at most 45 seconds, like 00:00:15.");
        Positive(o.ModelStartTimeout, nameof(o.ModelStartTimeout));
        if (o.AllowedHostNames.FirstOrDefault(host => Uri.CheckHostName(host) == UriHostNameType.Unknown) is { } wrong)
            failures.AddError($"{ChatOptions.Section}:{nameof(o.AllowedHosts)} has '{wrong}'; it must be host names without scheme, port and wildcards, like chat.example.com.");
        if (o.DrainTimeout < TimeSpan.Zero || o.DrainTimeout > TimeSpan.FromDays(1))
            failures.AddError($"{ChatOptions.Section}:{nameof(o.DrainTimeout)} is {o.DrainTimeout}; it must be zero or more and at most a day, like 00:00:30.");
        return failures.Build();

        void AtLeast(int value, int least, string setting)
        {
            if (value < least)
                failures.AddError($"{ChatOptions.Section}:{setting} is {value}; it must be {least} or more.");
        }

        void Positive(TimeSpan value, string setting)
        {
            if (value <= TimeSpan.Zero || value > TimeSpan.FromDays(1))
                failures.AddError($"{ChatOptions.Section}:{setting} is {value}; it must be more than zero and at most a day, like 00:02:00.");
        }
    }
}
