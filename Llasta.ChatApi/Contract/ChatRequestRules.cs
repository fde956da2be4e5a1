using System.Globalization;

namespace Llasta.ChatApi.Contract;

/// <summary>What a well-formed request must also be.</summary>
internal static class ChatRequestRules
{
    /// <returns>The problem, or null when the request is right.</returns>
    internal static ChatProblem? Check(this ChatRequest request, int maxMessages)
    {
        if (CheckMessages(request.Messages, maxMessages) is { } problem)
            return problem;

        var last = request.Messages![^1];
        if (request.Continue)
        {
            if (last.Role != "assistant" || last.Content!.Length == 0)
                return ChatProblem.InvalidRequest("continue is true, but the last message is not a partial answer: end messages with the assistant's text so far.");
        }
        else if (last.Role != "user")
        {
            return ChatProblem.InvalidRequest("The last message must be the user's; to go on with a partial answer, set continue to true.");
        }

        return request.Sampling switch
        {
            { Temperature: < 0 or > 2 } => ChatProblem.InvalidRequest("sampling.temperature must be from 0 to 2."),
            { TopP: <= 0 or > 1 } => ChatProblem.InvalidRequest("sampling.topP must be above 0 and at most 1."),
            { MaxTokens: < 1 } => ChatProblem.InvalidRequest("sampling.maxTokens must be 1 or more."),
            _ => null,
        };
    }

    /// <returns>The problem, or null when the messages are right.</returns>
    internal static ChatProblem? CheckMessages(IReadOnlyList<ChatMessage>? messages, int maxMessages)
    {
        if (messages is not { Count: > 0 })
            return ChatProblem.InvalidRequest("messages is missing or empty: send at least the user's message.");
        if (messages.Count > maxMessages)
            return ChatProblem.InvalidRequest(string.Create(CultureInfo.InvariantCulture, $"messages has {messages.Count:N0} messages; at most {maxMessages:N0} are accepted."));

        for (var i = 0; i < messages.Count; i++)
        {
            if (messages[i] is not { } message)
                return ChatProblem.InvalidRequest($"messages[{i}] is null.");
            if (message.Role is not ("system" or "user" or "assistant"))
                return ChatProblem.InvalidRequest($"messages[{i}].role must be system, user or assistant.");
            if (message.Content is null)
                return ChatProblem.InvalidRequest($"messages[{i}].content is missing: it must be a string.");
            if (message is { Role: "user", Content.Length: 0 })
                return ChatProblem.InvalidRequest($"messages[{i}].content is empty.");
            if (message.Reasoning is not null && message.Role != "assistant")
                return ChatProblem.InvalidRequest($"messages[{i}].reasoning belongs to an assistant's message.");
        }

        return null;
    }
}
