using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Xunit;

namespace Llasta.Tests.Streaming;

/// <summary>What a reader gets who is behind, and who is held up by it.</summary>
public class SocketPipeWriterTests
{
    [Fact]
    public async Task A_reader_that_stops_again_and_again_gets_every_byte_in_order()
    {
        var content = Content(8 << 20);
        using var behind = new SemaphoreSlim(0);
        await using var server = await SlowReaderServer.StartAsync(request: async http =>
        {
            // From a single byte up to more than a socket holds.
            foreach (var piece in Pieces(content, 1, 50, 300, 4096, 60, 5000, 300, 20_000, 2, 300, 200_000))
            {
                var flush = http.Response.BodyWriter.WriteAsync(piece);
                if (!flush.IsCompleted)
                    behind.Release();
                await flush;
            }

            behind.Release(content.Length);
        });
        using var client = server.CreateClient();
        await using var reader = await client.GetStreamAsync("/", Chatbot.Cancelled);

        var read = new byte[content.Length];
        for (var at = 0; at < read.Length; at += 1 << 20)
        {
            await server.UntilAsync(behind.WaitAsync(Chatbot.Cancelled));
            await reader.ReadExactlyAsync(read.AsMemory(at, 1 << 20), Chatbot.Cancelled);
        }

        Assert.Equal(0, await reader.ReadAsync(new byte[1], Chatbot.Cancelled));
        AssertSame(content, read);
        await server.Handled;
    }

    [Fact]
    public async Task A_connection_whose_reader_was_behind_serves_the_next_request()
    {
        var content = Content(2 << 20);
        var behind = Signal();
        await using var server = await SlowReaderServer.StartAsync(request: async http =>
        {
            var flush = http.Response.BodyWriter.WriteAsync(content);
            if (!flush.IsCompleted)
                behind.TrySetResult();
            await flush;
        });
        using var client = server.CreateClient();

        using var first = await client.GetAsync("/", HttpCompletionOption.ResponseHeadersRead, Chatbot.Cancelled);
        await server.UntilAsync(behind.Task);
        AssertSame(content, await first.Content.ReadAsByteArrayAsync(Chatbot.Cancelled));
        AssertSame(content, await client.GetByteArrayAsync("/", Chatbot.Cancelled));
        Assert.Equal(1, server.Connections);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_follows_a_cancelled_flush_arrives_after_what_was_before_it(bool byToken)
    {
        var content = Content(2 << 20);
        var cancelled = 0;
        var enough = Signal();
        await using var server = await SlowReaderServer.StartAsync(connection: async connection =>
        {
            var output = connection.Transport.Output;
            Assert.Equal("SocketPipeWriter", output.GetType().Name);
            foreach (var piece in Pieces(content, 300, 20_000))
            {
                using var cancellation = new CancellationTokenSource();
                var flush = output.WriteAsync(piece, cancellation.Token);
                if (flush.IsCompleted || cancelled == 10)
                {
                    Assert.False((await flush).IsCanceled);
                    continue;
                }

                if (byToken)
                {
                    await cancellation.CancelAsync();
                    await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await flush);
                }
                else
                {
                    output.CancelPendingFlush();
                    Assert.True((await flush).IsCanceled);
                }

                // A little room in the socket, which belongs to what waits and not to the next piece.
                if (++cancelled == 9)
                    connection.Features.Get<IConnectionSocketFeature>()!.Socket.SendBufferSize = SlowReaderServer.SocketBytes * 7 / 5;
                else if (cancelled == 10)
                    enough.SetResult();
            }
        });
        using var socket = await server.ConnectAsync();
        using var reader = new NetworkStream(socket);

        await server.UntilAsync(enough.Task);
        var read = new MemoryStream();
        await reader.CopyToAsync(read, Chatbot.Cancelled);

        AssertSame(content, read.ToArray());
        await server.Handled;
    }

    [Fact]
    public async Task A_reader_that_leaves_releases_the_writer_that_waits_for_it()
    {
        var behind = Signal();
        var aborted = Signal();
        await using var server = await SlowReaderServer.StartAsync(request: async http =>
        {
            using var registration = http.RequestAborted.Register(aborted.SetResult);
            await WriteUntilBehindAsync(http.Response.BodyWriter, behind);
            await aborted.Task;
            // Nor does it wait for a reader that isn't there.
            await http.Response.BodyWriter.WriteAsync(Content(1 << 20), CancellationToken.None);
        });
        using (var reader = await server.ConnectAsync())
        {
            await reader.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n"u8.ToArray(), Chatbot.Cancelled);
            await server.UntilAsync(behind.Task);
            Assert.False(server.Handled.IsCompleted);
            Assert.False(aborted.Task.IsCompleted);
        }

        await server.Handled;
    }

    [Fact]
    public async Task A_reader_that_breaks_while_its_input_is_full_releases_the_writer_too()
    {
        var behind = Signal();
        await using var server = await SlowReaderServer.StartAsync(request: async http =>
        {
            var aborted = Signal();
            using var registration = http.RequestAborted.Register(aborted.SetResult);
            await WriteUntilBehindAsync(http.Response.BodyWriter, behind);
            // The sockets may have taken that. Only a write that waits notices the connection's end.
            while (!aborted.Task.IsCompleted)
            {
                await http.Response.BodyWriter.WriteAsync(new byte[1000]);
                await Task.Delay(1);
            }
        });
        using (var reader = await server.ConnectAsync())
        {
            // More than the server reads ahead and the sockets hold, so it doesn't see the connection's end.
            await reader.SendAsync("GET / HTTP/1.1\r\nHost: test\r\n\r\n"u8.ToArray(), Chatbot.Cancelled);
            var sending = reader.SendAsync(new byte[(int)new SocketTransportOptions().MaxReadBufferSize! * 8], Chatbot.Cancelled).AsTask();
            await server.UntilAsync(behind.Task);
            Assert.False(sending.IsCompleted);
            reader.LingerState = new LingerOption(true, 0);
        }

        await server.Handled;
    }

    [Fact]
    public async Task A_reader_that_takes_nothing_holds_up_the_writer_after_what_the_sockets_hold()
    {
        var behind = Signal();
        var written = 0L;
        await using var server = await SlowReaderServer.StartAsync(request: async http => written = await WriteUntilBehindAsync(http.Response.BodyWriter, behind));
        using var client = server.CreateClient();
        using var response = await client.GetAsync("/", HttpCompletionOption.ResponseHeadersRead, Chatbot.Cancelled);

        await server.UntilAsync(behind.Task);
        var body = await response.Content.ReadAsByteArrayAsync(Chatbot.Cancelled);
        await server.Handled;
        Assert.Equal(written, body.Length);
        Assert.InRange(written, 1, SlowReaderServer.SocketBytes * 8);
    }

    /// <summary>Writes and flushes until a flush has to wait; ends with that flush.</summary>
    private static async Task<long> WriteUntilBehindAsync(PipeWriter output, TaskCompletionSource behind)
    {
        var piece = new byte[1000];
        for (var written = piece.Length; ; written += piece.Length)
        {
            var flush = output.WriteAsync(piece);
            if (flush.IsCompleted)
            {
                await flush;
                Assert.InRange(written, 0, 64 << 20);
                continue;
            }

            behind.SetResult();
            await flush;
            return written;
        }
    }

    private static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static byte[] Content(int length)
    {
        var content = new byte[length];
        new Random(1).NextBytes(content);
        return content;
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Pieces(ReadOnlyMemory<byte> content, params int[] lengths)
    {
        for (var i = 0; !content.IsEmpty; i++)
        {
            var length = Math.Min(lengths[i % lengths.Length], content.Length);
            yield return content[..length];
            content = content[length..];
        }
    }

    private static void AssertSame(byte[] expected, byte[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        // The first byte that differs says more than two arrays of megabytes.
        Assert.Equal(expected.Length, expected.AsSpan().CommonPrefixLength(actual));
    }
}
