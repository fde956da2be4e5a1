import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { ChatRequest } from "../src/turn/wire.ts";

export interface Call {
  readonly request: ChatRequest;
  readonly response: ServerResponse;
  /** Resolves when the client has closed the request. */
  readonly closed: Promise<void>;
}

/** A chat API on a free port that answers each call of `/api/chat` as the test says. */
export async function chatServer(...answers: ((call: Call) => void)[]): Promise<{ base: string; calls: Call[] }> {
  const calls: Call[] = [];
  const server = createServer((request, response) => void handle(request, response));
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === "/api/tokens") {
      // One token for a character of the messages.
      const { messages } = JSON.parse(await bodyOf(request)) as ChatRequest;
      response.end(JSON.stringify({ count: messages.reduce((sum, { content }) => sum + content.length, 0), contextWindow: 1000 }));
      return;
    }
    const body = await bodyOf(request);
    const closed = new Promise<void>((resolve) => response.on("close", resolve));
    const call = { request: JSON.parse(body || "{}") as ChatRequest, response, closed };
    calls.push(call);
    const answer = answers[calls.length - 1] ?? answers.at(-1)!;
    answer(call);
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, calls };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const piece of request.setEncoding("utf8")) body += piece;
  return body;
}

export const event = (data: unknown, name?: string): string => `${name ? `event: ${name}\n` : ""}data: ${JSON.stringify(data)}\n\n`;

export const start = event({ id: "1", model: "Qwen/Qwen3-8B", contextWindow: 100 }, "start");

/** Answers 200 with these events, then ends the stream, breaks the connection, or leaves the stream open. */
export const streams =
  (events: string[], then: "end" | "break" | "stay" = "end") =>
  ({ response }: Call): void => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(events.join(""), () => {
      if (then === "end") response.end();
      else if (then === "break") response.destroy();
    });
  };

export const fails =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  ({ response }: Call): void => {
    response.writeHead(status, { "Content-Type": "application/problem+json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };

export const done = event({ state: "done", usage: { promptTokens: 9, completionTokens: 3 } }, "end");
