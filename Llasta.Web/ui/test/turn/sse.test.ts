import { expect, test } from "vitest";
import { EventStreamParser, type ServerSentEvent } from "../../src/turn/sse.ts";

const parse = (...pieces: string[]): ServerSentEvent[] => {
  const parser = new EventStreamParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

const stream =
  'event: start\ndata: {"id":"1"}\n\n: keep-alive\n\nevent: reasoning\ndata: "a"\n\ndata: "b"\r\n\r\ndata: 1\ndata: 2\n\nid: 7\nretry: 5\ndata:x\n\n';
const events = [
  { name: "start", data: '{"id":"1"}' },
  { name: "reasoning", data: '"a"' },
  { name: "message", data: '"b"' },
  { name: "message", data: "1\n2" },
  { name: "message", data: "x" },
];

test("names events, joins data lines, and ignores comments, ids and retry hints", () => {
  expect(parse(stream)).toEqual(events);
});

test("gives the same events wherever the stream is cut into pieces", () => {
  for (let i = 0; i <= stream.length; i++)
    for (let j = i; j <= stream.length; j += 5)
      expect(parse(stream.slice(0, i), stream.slice(i, j), stream.slice(j)), `${i}, ${j}`).toEqual(events);
});

test("ends lines at a lone carriage return too", () => {
  expect(parse("data: a\r", "data: b\r", "\r", "data: c\r\n\r\n")).toEqual([
    { name: "message", data: "a\nb" },
    { name: "message", data: "c" },
  ]);
});

test("drops an incomplete event at the end of the stream", () => {
  expect(parse("data: whole\n\ndata: half\n")).toEqual([{ name: "message", data: "whole" }]);
});
