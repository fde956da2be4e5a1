namespace Llasta.ModelSim.Answers;

/// <summary>The texts that answers are made of: between them they hold every kind of Markdown that a chat page renders.</summary>
internal static class Passages
{
    public const string Notice = "**This is the LLASTA model simulator: no real model is connected.** What follows is prepared text.";

    public const string HowToConnectInShort = "To talk to a real model, set `OPENAI_API_BASE_URL=http://host:8000/v1` to a vLLM server and start again.";

    public const string WhatToTry = """
        ### What works here

        1. Everything around the model is real: streaming, **Stop**, continuing a cut answer, the context gauge.
        2. Some words bring prepared content:
           - *table*, *code*, *math*, *list*, or *everything* at once
           - a length, such as `2000 words` or `500 tokens`
        3. *Think hard* makes the thinking longer.
        """;

    public const string Table = """
        ### A table

        | Part | What it does | Port | Streams |
        |:-----|:-------------|-----:|:-------:|
        | `chatbot` | serves the page, forwards `/api` | 8080 | ✅ |
        | `chatapi` | relays tokens, owns the turn | 8080 | ✅ |
        | `vllm` | serves **Qwen3-8B** | 8000 | ✅ |
        | you | read, stop, *continue* | – | ❌ |
        """;

    public const string Code = """"
        ### Code

        A generator in Python:

        ```python
        from collections.abc import Iterator

        def fibonacci(limit: int) -> Iterator[int]:
            """Yield the Fibonacci numbers below limit."""
            a, b = 0, 1
            while a < limit:
                yield a
                a, b = b, a + b

        print(list(fibonacci(100)))  # [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]
        ```

        The same in C#:

        ```csharp
        static IEnumerable<int> Fibonacci(int limit)
        {
            for (var (a, b) = (0, 1); a < limit; (a, b) = (b, a + b))
                yield return a;
        }
        ```

        And a request from the shell, with the `-N` that keeps `curl` from buffering:

        ```bash
        curl -N http://localhost:8000/v1/chat/completions \
          -H 'Content-Type: application/json' \
          -d '{"model": "Qwen/Qwen3-8B", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}'
        ```
        """";

    public const string Math = """
        ### Math

        The roots of $ax^2 + bx + c = 0$ with $a \neq 0$ are

        $$
        x_{1,2} = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}
        $$

        Attention, which every token of a real model would pass through, is

        $$
        \operatorname{Attention}(Q, K, V) = \operatorname{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right) V
        $$

        and Euler's identity fits into a line: $e^{i\pi} + 1 = 0$. A price of 5 dollars, on the other hand, is no formula.
        """;

    public const string Lists = """
        ### Lists

        1. Start the model
           - with a GPU: `vllm serve Qwen/Qwen3-8B --reasoning-parser qwen3`
           - without one:
             1. use this simulator
             2. or a small model on the CPU
        2. Start the chat
        3. Ask something
           * then **stop** it
           * and let it *continue*

        - [x] streaming
        - [x] thinking
        - [ ] a real model
        """;

    public const string Everything = $"""
        # Everything at once

        {Notice}

        ## Text

        **Bold**, *italic*, ***both***, ~~struck~~, `inline code`, a [link](https://docs.vllm.ai/) and a bare one: https://qwen.ai.
        A line that ends in two spaces  
        breaks. Entities stay what they are: AT&T, 1 < 2, "quotes".

        > A quotation
        > over two lines, with `code`,
        >
        > > and one inside it.

        {Lists}

        {Table}

        {Code}

        ```json
        {"{"}"model": "Qwen/Qwen3-8B", "simulated": true, "reasons": ["no GPU", null], "tokensPerSecond": 60.0{"}"}
        ```

        ```diff
        - OPENAI_API_BASE_URL=
        + OPENAI_API_BASE_URL=http://host:8000/v1
        ```

        {Math}

        ### An image and raw HTML

        ![A GPU, once there is one](https://example.com/gpu.png)

        <details><summary>This is HTML, shown as text</summary><b>not bold</b> <script>alert("never runs")</script></details>

        ### Other scripts

        Grüße, ça va, Ærøskøbing, Zażółć gęślą jaźń; 你好，世界；こんにちは世界; Здравствуй, мир; שלום עולם; 👩‍🚀🚀🎉 and 🇪🇺.

        ---

        {HowToConnectInShort}
        """;

    public const string WhatAreYou = """
        I am the **LLASTA model simulator**: a small server that speaks the same protocol as *vLLM*, and no language model at all. No real model is connected.

        ### What is real, and what is not

        - **Real:** the page, the relay, the stream, every state between `queued` and `done`
        - **Prepared:** each word that I write, this one included
          - the same conversation always brings the same answer
          - that is how a test can tell that a continued answer equals the whole one

        I am here so that the chat can be tried, tested and measured without a GPU. Ask for a *table*, some *code*, *math*, a *list*, *everything*, or `300 words`, and watch how the page takes it.

        > Everything I say is true, because I say so little.

        To meet the model that I stand in for, [Qwen3-8B](https://huggingface.co/Qwen/Qwen3-8B), set `OPENAI_API_BASE_URL=http://host:8000/v1` to a vLLM server and start again.
        """;

    public const string HowToConnect = """
        **No real model is connected yet: this is the LLASTA model simulator.** Connecting one takes two steps.

        ### 1. Serve the model

        On a machine with a GPU of 24 GB:

        ```bash
        vllm serve Qwen/Qwen3-8B --reasoning-parser qwen3 --max-model-len 16384
        ```

        ### 2. Point the chat to it

        ```bash
        export OPENAI_API_BASE_URL=http://host:8000/v1
        export OPENAI_API_KEY=...   # only if the server wants one
        ```

        Then start the chat again. The badge in the page tells which model answers:

        | Badge | What it means |
        |-------|---------------|
        | *simulated* | you are still talking to me |
        | *loading* | the server is up, its model is not yet |
        | *ready* | go ahead |

        Any server with the same API will do, such as Ollama or llama.cpp; only the address changes, and it ends in `/v1`.
        """;

    public static readonly string[] Openings =
    [
        "Hello from the **LLASTA model simulator**: no real model is connected, so this answer was written in advance.",
        "Thank you for the message. It reached the **LLASTA model simulator**, and no real model is connected behind it.",
        "This is the **LLASTA model simulator** speaking. No real model is connected, but the words arrive as one would send them.",
        "Your message made it all the way to the **LLASTA model simulator**; no real model is connected that could answer it.",
    ];

    public static readonly string[] Asides =
    [
        "A real model would have something to say here 🙂.",
        "With $n$ tokens in the window, a real model would weigh about $n^2/2$ pairs of them; this one weighs none.",
        "Still, each piece of this text travelled the path that a real model's tokens would take.",
        "It is honest about that, which is more than can be said of some models.",
        "*C'est la vie*, as the tokenizer says: `[\"C\", \"'est\", \" la\", \" vie\"]`.",
    ];
}
