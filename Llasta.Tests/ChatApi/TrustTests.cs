using System.Net;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>Who may use a chat that has no accounts.</summary>
public class TrustTests
{
    [Theory]
    [CombinatorialForms("Sec-Fetch-Site", "cross-site")]
    [CombinatorialForms("Sec-Fetch-Site", "same-site")]
    [CombinatorialForms("Origin", "https://evil.example")]
    [CombinatorialForms("Origin", "null")]
    [CombinatorialForms("Host", "evil.example")]
    [CombinatorialForms("Host", "evil.example:8080")]
    public async Task Another_sites_request_is_refused(Form form, string header, string value)
    {
        await using var chatbot = await Chatbot.StartAsync(form);

        using var response = await chatbot.SendAsync(Chatbot.User("Hello"), null, (header, value));

        var (status, problem, _) = await Chatbot.ProblemAsync(response);
        Assert.Equal((403, "forbidden-origin"), (status, problem.GetProperty("code").GetString()));
        Assert.Equal(0, await chatbot.ModelRequestsAsync());
    }

    [Theory]
    [CombinatorialForms("Sec-Fetch-Site", "same-origin")]
    [CombinatorialForms("Sec-Fetch-Site", "none")]
    [CombinatorialForms("Host", "localhost:8080")]
    [CombinatorialForms("Host", "chatbot")]
    [CombinatorialForms("Host", "chatbot.llasta.svc.cluster.local:8080")]
    [CombinatorialForms("Host", "[::1]:8080")]
    [CombinatorialForms("Host", "chat.example.org")]
    public async Task Our_own_pages_request_is_answered(Form form, string header, string value)
    {
        await using var chatbot = await Chatbot.StartAsync(form, settings: "Chat:AllowedHosts=chat.example.org;other.example.org");

        using var response = await chatbot.SendAsync(Chatbot.User("Hello"), null, (header, value));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [CombinatorialForms]
    public async Task Without_fetch_metadata_the_origin_must_be_the_host(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form);

        using var response = await chatbot.SendAsync(Chatbot.User("Hello"), null, ("Origin", chatbot.Client.BaseAddress!.GetLeftPart(UriPartial.Authority)));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("http://chat.example.org", "chat.example.org", 200)]
    [InlineData("http://chat.example.org", "chat.example.org:80", 200)]
    [InlineData("https://chat.example.org", "chat.example.org:443", 200)]
    [InlineData("http://chat.example.org", "Chat.Example.Org", 200)]
    [InlineData("http://chat.example.org:8080", "chat.example.org:8080", 200)]
    [InlineData("http://[::1]:8080", "[::1]:8080", 200)]
    [InlineData("http://chat.example.org:8080", "chat.example.org", 403)]
    [InlineData("http://chat.example.org", "chat.example.org:8080", 403)]
    [InlineData("http://chat.example.org", "chat.example.org:443", 403)]
    [InlineData("http://other.example.org", "chat.example.org", 403)]
    public async Task A_host_with_the_usual_port_or_in_capitals_is_the_same_one(string origin, string host, int status)
    {
        await using var chatbot = await Chatbot.StartAsync(Form.ChatApiAlone, settings: "Chat:AllowedHosts=chat.example.org;other.example.org");

        using var response = await chatbot.SendAsync(Chatbot.User("Hello"), null, ("Origin", origin), ("Host", host));

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    [CombinatorialForms("/api/%252e%252e/health")]
    [CombinatorialForms("/api/%2e%2e%2fhealth")]
    [CombinatorialForms("/api/chat/%252e%252e/model")]
    [CombinatorialForms("/api/nothing")]
    public async Task A_path_that_could_mean_another_one_behind_is_none(Form form, string path)
    {
        await using var chatbot = await Chatbot.StartAsync(form);
        // As it is: HttpClient would decode it first.
        var address = new Uri(chatbot.Client.BaseAddress + path[1..], new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

        using var response = await chatbot.Client.GetAsync(address, Chatbot.Cancelled);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Theory]
    [CombinatorialForms]
    public async Task Probes_are_answered_under_any_host_name(Form form)
    {
        await using var chatbot = await Chatbot.StartAsync(form);

        foreach (var path in (string[])["/health", "/alive"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Host = "10.1.2.3:8080" } };
            using var response = await chatbot.Client.SendAsync(request, Chatbot.Cancelled);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }
}
