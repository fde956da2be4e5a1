using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Xunit;

namespace Llasta.Tests.ChatApi;

/// <summary>Streams live for minutes, and there are thousands of them.</summary>
[Collection(nameof(MemoryTests))]
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
public class MemoryTests
{
    private const int Turns = 8;

    /// <summary>More than the sockets of both ends hold: the end of it is sent only when the server has read the beginning.</summary>
    private const int Characters = 16_000_000;

    [Theory]
    [InlineData(Form.ChatApiAlone)]
    [InlineData(Form.SingleProcess)]
    [InlineData(Form.Split)]
    public async Task A_conversation_is_not_kept_while_its_answer_streams(Form form)
    {
        var finish = new TaskCompletionSource();
        await using var upstream = await RawUpstream.StartAsync(async http =>
        {
            http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
            await http.Request.Body.CopyToAsync(Stream.Null, Chatbot.Cancelled);
            await http.Response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes(RawUpstream.Chunk("content", "Once upon a time")), Chatbot.Cancelled);
            await http.Response.Body.FlushAsync(Chatbot.Cancelled);
            await finish.Task;
            await http.Response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes(RawUpstream.Finish), Chatbot.Cancelled);
        });
        await using var chatbot = await Chatbot.StartAsync(form, baseUrl: upstream.BaseUrl, settings: "Chat:MaxBodyBytes=20000000");
        // One for all turns, since a client's connection may hold on to what it sent.
        var conversation = JsonSerializer.SerializeToUtf8Bytes(Chatbot.User(new string('x', Characters)));
        var running = new List<HttpResponseMessage> { await SendAsync(chatbot, conversation) };

        var before = GC.GetTotalMemory(forceFullCollection: true);
        while (running.Count < Turns)
            running.Add(await SendAsync(chatbot, conversation));
        var kept = GC.GetTotalMemory(forceFullCollection: true) - before;

        // As bytes, the conversations have 16 MB each; as text, twice that.
        Assert.InRange(kept, long.MinValue, Turns * Characters / 4);
        finish.SetResult();
        foreach (var response in running)
            Assert.Equal("done", (await Answer.ReadAsync(response)).State);
    }

    private static async Task<HttpResponseMessage> SendAsync(Chatbot chatbot, byte[] conversation)
    {
        var content = new ByteArrayContent(conversation);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await chatbot.SendAsync("/api/chat", content);
    }
}
