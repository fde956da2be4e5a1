import "./page.css";
import { EventStreamParser } from "./turn/sse.ts";

const form = document.createElement("form");
const input = document.createElement("textarea");
const send = document.createElement("button");
const answer = document.createElement("pre");
input.ariaLabel = "Message";
send.textContent = "Send";
form.append(input, send);
document.body.append(answer, form);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const response = await fetch("api/chat", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ messages: [{ role: "user", content: input.value }], thinking: true }),
  });
  if (!response.ok || !response.body) {
    answer.textContent = ((await response.json()) as { detail: string }).detail;
    return;
  }
  const parser = new EventStreamParser();
  for await (const piece of response.body.pipeThrough(new TextDecoderStream()))
    for (const { name, data } of parser.push(piece))
      if (name === "message") answer.append(JSON.parse(data) as string);
});
