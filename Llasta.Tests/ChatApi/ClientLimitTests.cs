using System.Net;
using System.Net.Http.Json;
using Llasta.Streaming;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>One client's share of the turns (<c>Chat:MaxTurnsPerClient</c>).</summary>
public class ClientLimitTests
{
    private const string Slow = """{"TokensPerSecond":20}""";

    private const string TrustsProxy = "ForwardedHeaders_Enabled=true";

    [Theory]
    [CombinatorialForms]
    public async Task A_client_over_its_share_is_busy_until_one_of_its_turns_ends(Form form)
    {
        await using var chatbot = await StartAsync(form);
        var first = await chatbot.SendAsync(Chatbot.User("Tell me everything."));

        var (status, problem, refused) = await chatbot.RefusedAsync(Chatbot.User("And me?"));
        Assert.Equal((503, "busy", true), (status, problem.GetProperty("code").GetString(), problem.GetProperty("retryable").GetBoolean()));
        Assert.Contains("your network address", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.NotNull(refused.Headers.RetryAfter);
        // The page asks for the state while it waits.
        using var state = await chatbot.Client.GetAsync("/api/model", Chatbot.Cancelled);
        Assert.Equal(HttpStatusCode.OK, state.StatusCode);

        first.Dispose();
        await chatbot.SetAsync("""{"TokensPerSecond":0}""");
        Assert.Equal("done", (await chatbot.AskUntilAcceptedAsync(Chatbot.User("And me?"))).State);
    }

    [Theory]
    [CombinatorialForms("/api/chat/")]
    [CombinatorialForms("/API/Chat")]
    public async Task Another_spelling_of_the_path_is_no_way_around_the_share(Form form, string path)
    {
        await using var chatbot = await StartAsync(form);
        using var first = await chatbot.SendAsync(Chatbot.User("Tell me everything."));

        using var second = await chatbot.SendAsync(path, JsonContent.Create(Chatbot.User("And me?")));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, second.StatusCode);
    }

    [Theory]
    [CombinatorialForms(TrustsProxy, "192.0.2.2", true)]
    [CombinatorialForms(TrustsProxy, "192.0.2.1", false)]
    // Who sends the header chooses all but its last address, which the proxy adds.
    [CombinatorialForms(TrustsProxy, "192.0.2.2, 192.0.2.1", false)]
    [CombinatorialForms(TrustsProxy, "2001:db8::1", true)]
    [CombinatorialForms("Chat:MaxMessages=10", "192.0.2.2", false)]
    public async Task The_address_that_a_proxy_names_counts_only_where_it_is_trusted(Form form, string setting, string second, bool answered)
    {
        await using var chatbot = await StartAsync(form, setting);
        using var first = await chatbot.SendAsync(Chatbot.User("Tell me everything."), null, ("X-Forwarded-For", "192.0.2.1"));

        using var response = await chatbot.SendAsync(Chatbot.User("And me?"), null, ("X-Forwarded-For", second));

        Assert.Equal(answered, response.IsSuccessStatusCode);
    }

    [Theory]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    public void A_client_is_an_IPv4_address_or_an_IPv6_network(string one, string other, bool same) =>
        Assert.Equal(same, ClientLimit.Network(IPAddress.Parse(one)).Equals(ClientLimit.Network(IPAddress.Parse(other))));

    /// <summary>The chat API behind the page does not limit its only client, the page.</summary>
    private static async Task<Chatbot> StartAsync(Form form, params string[] settings)
    {
        var chatbot = await Chatbot.StartAsync(form, frontSettings: ["Chat:MaxTurnsPerClient=1"], settings: settings);
        await chatbot.SetAsync(Slow);
        return chatbot;
    }
}
