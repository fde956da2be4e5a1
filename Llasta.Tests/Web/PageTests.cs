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

        using var page = await GetAsync(chatbot, "/");
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.Equal("no-cache", page.Headers.CacheControl!.ToString());

        using var asset = await GetAsync(chatbot, await ScriptAsync(page));
        Assert.Equal(HttpStatusCode.OK, asset.StatusCode);
        Assert.Equal("text/javascript", asset.Content.Headers.ContentType?.MediaType);
        Assert.Contains("immutable", asset.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_browser_gets_the_best_form_that_it_accepts_and_all_forms_have_the_same_content()
    {
        await using var chatbot = await Chatbot.StartAsync(Form.SingleProcess);
        using var page = await GetAsync(chatbot, "/");
        var script = await ScriptAsync(page);

        using var plain = await GetAsync(chatbot, script);
        using var gzip = await GetAsync(chatbot, script, ("Accept-Encoding", "gzip, deflate"));
        using var brotli = await GetAsync(chatbot, script, ("Accept-Encoding", "gzip, deflate, br, zstd"));

        Assert.Empty(plain.Content.Headers.ContentEncoding);
        Assert.Equal(["gzip"], gzip.Content.Headers.ContentEncoding);
        Assert.Equal(["br"], brotli.Content.Headers.ContentEncoding);
        Assert.All([plain, gzip, brotli], response => Assert.Equal(["Accept-Encoding"], response.Headers.Vary));
        Assert.Equal(3, new[] { plain, gzip, brotli }.Select(response => response.Headers.ETag!.Tag).Distinct().Count());
        var content = await plain.Content.ReadAsStringAsync(Chatbot.Cancelled);
        Assert.Equal(content, await ReadAsync(new GZipStream(await gzip.Content.ReadAsStreamAsync(Chatbot.Cancelled), CompressionMode.Decompress)));
        Assert.Equal(content, await ReadAsync(new BrotliStream(await brotli.Content.ReadAsStreamAsync(Chatbot.Cancelled), CompressionMode.Decompress)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task A_page_that_the_browser_has_is_not_sent_again(string encoding)
    {
        await using var chatbot = await Chatbot.StartAsync(Form.SingleProcess);
        using var page = await GetAsync(chatbot, "/", ("Accept-Encoding", encoding));

        using var again = await GetAsync(chatbot, "/", ("Accept-Encoding", encoding), ("If-None-Match", page.Headers.ETag!.Tag));

        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
        Assert.Equal(page.Headers.ETag, again.Headers.ETag);
        Assert.Equal("no-cache", again.Headers.CacheControl!.ToString());
        Assert.Empty(await again.Content.ReadAsByteArrayAsync(Chatbot.Cancelled));
    }

    [Fact]
    public async Task The_head_of_the_page_can_be_asked_for_alone()
    {
        await using var chatbot = await Chatbot.StartAsync(Form.SingleProcess);
        using var page = await GetAsync(chatbot, "/index.html");
        using var request = new HttpRequestMessage(HttpMethod.Head, "/");

        using var head = await chatbot.Client.SendAsync(request, Chatbot.Cancelled);

        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Equal(page.Content.Headers.ContentLength, head.Content.Headers.ContentLength);
        Assert.Equal(page.Headers.ETag, head.Headers.ETag);
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

    private static async Task<HttpResponseMessage> GetAsync(Chatbot chatbot, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(chatbot.Client.BaseAddress!, path));
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await chatbot.Client.SendAsync(request, Chatbot.Cancelled);
    }

    /// <summary>The path of the page's script.</summary>
    private static async Task<string> ScriptAsync(HttpResponseMessage page) => Script().Match(await page.Content.ReadAsStringAsync(Chatbot.Cancelled)).Groups[1].Value;

    private static async Task<string> ReadAsync(Stream stream)
    {
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(Chatbot.Cancelled);
    }

    [GeneratedRegex("""<script[^>]+src="([^"]+)""")]
    private static partial Regex Script();
}
