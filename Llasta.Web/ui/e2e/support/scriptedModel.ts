import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request to a {@link ScriptedModel}: the test decides what is answered, piece by piece. */
export class ScriptedTurn {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly thinking: boolean;
  readonly model: string;
  readonly #response: ServerResponse;
  #completionTokens = 0;
  /** The client closed the request. */
  gone = false;

  constructor(body: string, response: ServerResponse) {
    const { model, messages, chat_template_kwargs } = JSON.parse(body) as {
      model: string;
      messages: ScriptedTurn["messages"];
      chat_template_kwargs?: { enable_thinking: boolean };
    };
    this.model = model;
    this.messages = messages;
    this.thinking = chat_template_kwargs?.enable_thinking ?? true;
    this.#response = response;
    response.on("close", () => (this.gone = true));
    response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
    this.#chunk({ role: "assistant", content: "" });
  }

  think(text: string): this {
    return this.#chunk({ reasoning: text });
  }

  say(text: string): this {
    return this.#chunk({ content: text });
  }

  end(reason: "stop" | "length" = "stop"): void {
    this.#chunk({}, reason);
    const usage = { prompt_tokens: 100, completion_tokens: this.#completionTokens, total_tokens: 100 + this.#completionTokens };
    this.#write({ choices: [], usage });
    this.#response.end("data: [DONE]\n\n");
  }

  /** The connection breaks. */
  cut(): void {
    this.#response.destroy();
  }

  #chunk(delta: object, finish_reason: string | null = null): this {
    this.#completionTokens++;
    this.#write({ choices: [{ index: 0, delta, logprobs: null, finish_reason }] });
    return this;
  }

  #write(rest: object): void {
    this.#response.write(
      `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 0, model: "Qwen/Qwen3-8B", ...rest })}\n\n`,
    );
  }
}

/** A model's server in vLLM's dialect. Every token comes from the test, when the test wants it. */
export class ScriptedModel {
  /** Those that the server lists. */
  models: readonly string[] = ["Qwen/Qwen3-8B"];
  readonly #server: Server;
  readonly #turns: ScriptedTurn[] = [];
  readonly #waiting: ((turn: ScriptedTurn) => void)[] = [];

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<ScriptedModel> {
    const model = new ScriptedModel();
    await new Promise<void>((resolve) => model.#server.listen(0, "127.0.0.1", resolve));
    return model;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next request that no test has taken yet. */
  turn(): Promise<ScriptedTurn> {
    const turn = this.#turns.shift();
    return turn ? Promise.resolve(turn) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const json = (value: object) => response.setHeader("Content-Type", "application/json").end(JSON.stringify(value));
    switch (request.url) {
      case "/v1/models":
        json({ object: "list", data: this.models.map((id) => ({ id, object: "model", owned_by: "vllm", max_model_len: 16_384 })) });
        break;
      case "/version":
        json({ version: "0.28.0" });
        break;
      case "/tokenize": {
        const body = await text(request);
        // Qwen3's template closes the thought at once if there is to be none: four tokens.
        const closed = body.includes('"enable_thinking":false') ? 4 : 0;
        json({ count: Math.floor(body.length / 4) + closed, max_model_len: 16_384, tokens: [] });
        break;
      }
      case "/v1/chat/completions": {
        const turn = new ScriptedTurn(await text(request), response);
        const next = this.#waiting.shift();
        if (next) next(turn);
        else this.#turns.push(turn);
        break;
      }
      default:
        response.writeHead(404).end();
    }
  }
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
