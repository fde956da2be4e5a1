using Llasta.ChatApi.Upstream;
using Llasta.Web;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Llasta.Tests.Web;

/// <summary>Which server answers when nobody has named one.</summary>
public class ModelChoiceTests
{
    private static readonly LocalModelServer Vllm = new("vLLM", "http://127.0.0.1:8000/v1", "Qwen/Qwen3-8B");
    private static readonly LocalModelServer Ollama = new("Ollama", "http://127.0.0.1:11434/v1", "qwen3:8b");

    [Fact]
    public void The_first_server_is_chosen_and_the_others_are_named()
    {
        var choice = ModelChoice.Among([Vllm, Ollama]);

        Assert.Equal(Vllm.BaseUrl, choice.BaseUrl);
        Assert.Contains("Qwen/Qwen3-8B answers", choice.Lines[0], StringComparison.Ordinal);
        Assert.Contains($"--model {Ollama.BaseUrl}", choice.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_requires_a_key_is_named_but_not_chosen()
    {
        var choice = ModelChoice.Among([Vllm with { Model = null }, Ollama]);

        Assert.Equal(Ollama.BaseUrl, choice.BaseUrl);
        Assert.Contains($"--model {Vllm.BaseUrl} --key-file FILE", choice.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_server_the_simulator_answers()
    {
        var choice = ModelChoice.Among([]);

        Assert.Null(choice.BaseUrl);
        Assert.Contains("A simulator answers", Assert.Single(choice.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_is_not_sent_to_a_server_that_nobody_named()
    {
        var configuration = new ConfigurationManager { ["OPENAI_API_KEY"] = "sesame", ["OPENAI_API_KEY_FILE"] = "/etc/key" };

        var lines = ModelChoice.Among([Vllm]).ApplyTo(configuration);

        Assert.Equal(Vllm.BaseUrl, configuration["OPENAI_API_BASE_URL"]);
        Assert.Null(configuration["OPENAI_API_KEY"]);
        Assert.Null(configuration["OPENAI_API_KEY_FILE"]);
        Assert.Contains("The key is not used", lines[^1], StringComparison.Ordinal);
    }
}
