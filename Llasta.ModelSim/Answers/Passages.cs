namespace Llasta.ModelSim.Answers;

/// <summary>Prepared content: together, every kind that a chat page renders, written as models write it.</summary>
internal static class Passages
{
    public const string Table = """
        ### A table

        | Part | What it does | Port | Streams |
        |:-----|:-------------|-----:|:-------:|
        | `chatbot` | serves the page, forwards `/api` | 8080 | ✅ |
        | `chatapi` | relays tokens, owns the turn | 8080 | ✅ |
        | `vllm` | serves **Qwen3-8B** | 8000 | ✅ |
        | you | read, stop, *continue* | – | ❌ |
        | a cell<br>of two lines | H<sub>2</sub>O, x<sup>2</sup>, <kbd>Ctrl</kbd>+<kbd>C</kbd>, a \| bar | – | – |
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

        Environments have several lines:

        \[
        \begin{aligned}
        (a + b)^2 &= (a + b)(a + b) \\
                  &= a^2 + 2ab + b^2
        \end{aligned}
        \]

        $$
        |x| = \begin{cases} x & \text{if } x \ge 0 \\ -x & \text{otherwise} \end{cases}
        \qquad
        R = \begin{pmatrix} \cos\theta & -\sin\theta \\ \sin\theta & \cos\theta \end{pmatrix}
        $$

        Parentheses work as well, \(\sum_{k=1}^{n} k = \tfrac{n(n+1)}{2}\), and Euler's identity fits into a line: $e^{i\pi} + 1 = 0$. Prices of $5 and $10, on the other hand, are no formula.
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

    public const string Notes = """
        ### Notes

        > [!NOTE]
        > A note has a title of its own, and may hold `code` and **bold** text.

        > [!TIP]
        > Ask for *everything* to see all kinds of content at once.

        > [!IMPORTANT]
        > No real model is connected.

        > [!WARNING]
        > A warning over two paragraphs.
        >
        > - with a list
        > - of two items

        > [!CAUTION]
        > Nothing here was computed.

        A sentence with a footnote[^1] and another one[^window].

        [^1]: The simulator wrote it in advance.
        [^window]: A context window holds prompt and answer together; see `max_model_len`.
        """;

    public const string Languages = """
        ### Languages

        Grüße, ça va, Ærøskøbing, Zażółć gęślą jaźń; Здравствуй, мир; 👩‍🚀🚀🎉 and 🇪🇺.

        **中文：**这是**预先写好的**回答。没有连接**“真正的”**模型，详见https://docs.vllm.ai/，大约需要3~5分钟，距离10~20公里。

        **日本語：**これは**「シミュレーター」**です。本物のモデルは接続されていません。*強調*も`コード`も表示されます。

        **한국어:** 이것은 **시뮬레이터**입니다. 실제 모델이 연결되어 있지 않습니다.

        **العربية:** هذا نص مكتوب مسبقًا، ولا يوجد نموذج حقيقي متصل. اضبط `OPENAI_API_BASE_URL` ثم أعد التشغيل (الإصدار 0.32).

        - القائمة تبدأ من اليمين
        - وفيها **نص عريض** ورقم 42

        | اللغة | المثال |
        |---|---|
        | العربية | مرحبًا بالعالم |
        | עברית | שלום עולם |

        **עברית:** זה טקסט שנכתב מראש, ואין מודל אמיתי מחובר.
        """;

    public const string Everything = $"""
        # Everything at once

        {About.Notice}

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

        {Notes}

        {Languages}

        ---

        {About.HowToConnectInShort}
        """;
}
