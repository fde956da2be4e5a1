using Xunit;

namespace Llasta.Tests.Support;

/// <summary>Waits for conditions, with a bound.</summary>
internal static class Eventually
{
    /// <summary>Far longer than any condition takes on a busy machine.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Checks a condition again and again until it holds; fails the test if it doesn't within a minute.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="describe">Tells what was seen last, for the failure's message.</param>
    public static async Task TrueAsync(Func<Task<bool>> condition, Func<string> describe)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Chatbot.Cancelled);
        limit.CancelAfter(Limit);
        while (!await condition())
        {
            if (limit.IsCancellationRequested)
                Assert.Fail($"The condition did not hold within {Limit}. {describe()}");
            await Task.Delay(10, CancellationToken.None);
        }
    }
}
