namespace Llasta.ModelSim.Answers;

/// <summary>What the simulator says about itself, and how to connect a real model.</summary>
internal static class About
{
    public const string Notice = "**This is the LLASTA model simulator: no real model is connected.** What follows is prepared text.";

    public const string HowToConnectInShort = "To talk to a real model, set `OPENAI_API_BASE_URL=http://host:8000/v1` to a vLLM server and start again.";

    public const string WhatToTry = """
        ### What works here

        1. Everything around the model is real: streaming, **Stop**, continuing a cut answer, the context gauge.
        2. Some words bring prepared content:
           - *table*, *code*, *math*, *list*, *notes*, *languages*, or *everything* at once
           - a length, such as `2000 words` or `500 tokens`
        3. *Think hard* makes the thinking longer.
        """;

    public const string WhatAreYou = """
        I am the **LLASTA model simulator**: a small server that speaks the same protocol as *vLLM*, and no language model at all. No real model is connected.

        ### What is real, and what is not

        - **Real:** the page, the relay, the stream, every state between `queued` and `done`
        - **Prepared:** each word that I write, this one included
          - the same conversation always brings the same answer
          - that is how a test can tell that a continued answer equals the whole one

        I am here so that the chat can be tried, tested and measured without a GPU. Ask for a *table*, some *code*, *math*, a *list*, *everything*, or `300 words`, and see how the page shows it.

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
