using System.Globalization;

namespace Llasta.ChatApi.Contract;

/// <summary>The rules for a request that its JSON schema does not express.</summary>
internal static class ChatRequestRules
{
    /// <summary>The roles of messages.</summary>
    internal static readonly IReadOnlyList<string> Roles = ["system", "user", "assistant"];

    /// <summary>The longest name of a model, in characters; a longer name is not a name.</summary>
    internal const int MaxModelName = 256;

    /// <summary>Checks a turn.</summary>
    /// <returns>The problem, or null if the request is right.</returns>
    internal static ChatProblem? Check(this ChatRequest request, int maxMessages)
    {
        if ((CheckMessages(request.Messages, maxMessages) ?? CheckModel(request.Model)) is { } problem)
            return problem;

        var last = request.Messages![^1];
        if (request.Continue)
        {
            if (last.Role != "assistant" || (last.Content!.IsEmpty && last.Reasoning is null or { IsEmpty: true }))
                return ChatProblem.InvalidRequest("continue is true, but the last message is not a partial answer: end messages with the assistant's text, or reasoning, so far.");
        }
        else if (last.Role != "user")
        {
            return ChatProblem.InvalidRequest("The last message must be the user's; to continue a partial answer, set continue to true.");
        }

        return SamplingRules.Check(request.Sampling) is { } range ? ChatProblem.InvalidRequest($"sampling.{range.Name} must be {range.Words}.") : null;
    }

    /// <summary>Checks a conversation whose tokens are to be counted.</summary>
    /// <returns>The problem, or null if the request is right.</returns>
    internal static ChatProblem? Check(this TokensRequest request, int maxMessages) => CheckMessages(request.Messages, maxMessages) ?? CheckModel(request.Model);

    /// <summary>The answer to a conversation with more messages than are accepted.</summary>
    internal static ChatProblem TooManyMessages(int count, int maxMessages) =>
        ChatProblem.InvalidRequest(string.Create(CultureInfo.InvariantCulture, $"messages has {count:N0} messages; at most {maxMessages:N0} are accepted."));

    private static ChatProblem? CheckModel(string? model) => model is null or { Length: > 0 and <= MaxModelName } ? null
        : ChatProblem.InvalidRequest($"model must be a name of 1 to {MaxModelName} characters; leave it out for the default.");

    /// <summary>Checks a conversation.</summary>
    /// <returns>The problem, or null if the messages are right.</returns>
    private static ChatProblem? CheckMessages(IReadOnlyList<ChatMessage>? messages, int maxMessages)
    {
        if (messages is not { Count: > 0 })
            return ChatProblem.InvalidRequest("messages is missing or empty: send at least the user's message.");
        if (messages.Count > maxMessages)
            return TooManyMessages(messages.Count, maxMessages);

        for (var i = 0; i < messages.Count; i++)
        {
            if (messages[i] is not { } message)
                return ChatProblem.InvalidRequest($"messages[{i}] is null.");
            if (!Roles.Contains(message.Role))
                return ChatProblem.InvalidRequest($"messages[{i}].role must be system, user or assistant.");
            if (message.Content is null)
                return ChatProblem.InvalidRequest($"messages[{i}].content is missing: it must be a string.");
            if (message is { Role: "user", Content.IsEmpty: true })
                return ChatProblem.InvalidRequest($"messages[{i}].content is empty.");
            if (message.Reasoning is not null && message.Role != "assistant")
                return ChatProblem.InvalidRequest($"messages[{i}].reasoning belongs to an assistant's message.");
        }

        return null;
    }
}
