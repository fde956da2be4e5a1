using System.IO.Compression;
using System.Net;
using System.Text.RegularExpressions;
using Xunit;

namespace Llasta.Tests.Web;

/// <summary>How the page is served. What it does is tested in a browser (Llasta.Web/ui/e2e).</summary>
public partial class PageTests
{
    [Theory]
    [InlineData(Form.SingleProcess, "Development")]
    [InlineData(Form.SingleProcess, "Production")]
    [InlineData(Form.Split, "Production")]
    public async Task The_page_is_never_stale_and_its_assets_are_kept_for_good(Form form, string environment)
    {
        await using var chatbot = await Chatbot.StartAsync(form, settings: $"environment={environment}");

        using var page = await chatbot.Client.GetAsync("/", Chatbot.Cancelled);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.Contains("no-cache", page.Headers.CacheControl!.ToString(), StringComparison.Ordinal);

        var script = Script().Match(await page.Content.ReadAsStringAsync(Chatbot.Cancelled)).Groups[1].Value;
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(chatbot.Client.BaseAddress!, script)) { Headers = { { "Accept-Encoding", "gzip" } } };
        using var asset = await chatbot.Client.SendAsync(request, Chatbot.Cancelled);
        Assert.Equal(HttpStatusCode.OK, asset.StatusCode);
        Assert.Contains("immutable", asset.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
        Assert.Equal("gzip", Assert.Single(asset.Content.Headers.ContentEncoding));
        await using var unpacked = new GZipStream(await asset.Content.ReadAsStreamAsync(Chatbot.Cancelled), CompressionMode.Decompress);
        using var text = new StreamReader(unpacked);
        Assert.Contains("addEventListener", await text.ReadToEndAsync(Chatbot.Cancelled), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/api/model")]
    [InlineData("/no-such-thing")]
    public async Task Every_response_forbids_what_the_page_does_not_need(string path)
    {
        await using var chatbot = await Chatbot.StartAsync(Form.SingleProcess);

        using var response = await chatbot.Client.GetAsync(path, Chatbot.Cancelled);

        var policy = response.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("require-trusted-types-for 'script'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("no-referrer", response.Headers.GetValues("Referrer-Policy").Single());
        Assert.False(response.Headers.Contains("Server"));
    }

    [GeneratedRegex("""<script[^>]+src="([^"]+)""")]
    private static partial Regex Script();
}
