using Llasta.ChatApi;
using Llasta.ChatApi.Upstream;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>What is remembered of a server, and for how long.</summary>
public sealed class ServerDialectTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void That_a_server_starts_over_is_forgotten_after_a_while()
    {
        var dialect = Dialect();

        dialect.CannotContinue();
        Assert.False(dialect.Continues);

        _time.Advance(ServerDialect.NoContinuationFor);
        Assert.True(dialect.Continues);
    }

    [Fact]
    public void That_a_server_refuses_the_field_is_not_forgotten()
    {
        var dialect = Dialect();

        dialect.Refused(OptionalFields.ContinueFinalMessage);
        _time.Advance(ServerDialect.NoContinuationFor);

        Assert.False(dialect.Continues);
    }

    [Theory]
    [InlineData(ServerKind.Vllm, false)]
    [InlineData(ServerKind.LlamaCpp, false)]
    [InlineData(ServerKind.Auto, true)]
    public void A_server_that_is_known_to_continue_loses_nothing_by_one_conversation(ServerKind kind, bool hasContinued)
    {
        var dialect = Dialect();
        dialect.Detected(kind);
        if (hasContinued)
            dialect.HasContinued();

        dialect.Refused(OptionalFields.ContinueFinalMessage);
        dialect.CannotContinue();

        Assert.True(dialect.Continues);
        Assert.True(dialect.Fields.HasFlag(OptionalFields.ContinueFinalMessage));
    }

    [Fact]
    public void A_continuation_proves_that_a_server_continues()
    {
        var dialect = Dialect();
        dialect.CannotContinue();

        dialect.HasContinued();
        Assert.True(dialect.Continues);

        dialect.CannotContinue();
        Assert.True(dialect.Continues);
    }

    [Fact]
    public void Another_kind_of_server_is_a_new_one()
    {
        var dialect = Dialect();
        dialect.Detected(ServerKind.Vllm);
        dialect.Refused(OptionalFields.TopK);
        dialect.SawReasoningField();
        dialect.SawEchoedId();
        dialect.Accepted(OptionalFields.StreamOptions);
        dialect.HasContinued();

        dialect.Detected(ServerKind.Vllm);
        Assert.Equal((false, true, true), (dialect.Fields.HasFlag(OptionalFields.TopK), dialect.SeparatesReasoning, dialect.EchoesIds));

        dialect.Detected(ServerKind.LlamaCpp);
        Assert.Equal((true, false, false), (dialect.Fields.HasFlag(OptionalFields.TopK), dialect.SeparatesReasoning, dialect.EchoesIds));

        dialect.Detected(ServerKind.Ollama);
        Assert.Equal(OptionalFields.StreamOptions, dialect.Untried(OptionalFields.StreamOptions));
        dialect.CannotContinue();
        Assert.False(dialect.Continues);
    }

    private ServerDialect Dialect() => new(Options.Create(new ChatOptions()), _time, NullLogger<ServerDialect>.Instance);
}
