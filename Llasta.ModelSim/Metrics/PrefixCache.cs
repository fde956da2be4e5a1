using Llasta.ModelSim.Prompts;

namespace Llasta.ModelSim.Metrics;

/// <summary>The beginnings of prompts that were seen before, in blocks of 16 tokens as vLLM caches them.</summary>
internal sealed class PrefixCache
{
    private const int BlockTokens = 16;
    private const int MostBlocks = 65_536;

    private readonly Lock _lock = new();
    private readonly HashSet<ulong> _blocks = [];

    /// <summary>Caches the full blocks of a prompt.</summary>
    /// <returns>How many tokens of its beginning were cached before, and how many are new.</returns>
    public (int Cached, int Created) Add(ReadOnlySpan<char> prompt)
    {
        var hits = 0;
        var tokens = 0;
        var contiguous = true;
        var hash = 14_695_981_039_346_656_037UL;
        lock (_lock)
        {
            if (_blocks.Count > MostBlocks)
                _blocks.Clear();
            while (!prompt.IsEmpty)
            {
                var length = Tokenizer.PieceLength(prompt);
                hash = (hash ^ (uint)Tokenizer.Id(prompt[..length])) * 1_099_511_628_211UL;
                prompt = prompt[length..];
                if (++tokens % BlockTokens != 0)
                    continue;
                contiguous &= !_blocks.Add(hash);
                hits = contiguous ? tokens : hits;
            }
        }
        return (hits, tokens / BlockTokens * BlockTokens - hits);
    }
}
