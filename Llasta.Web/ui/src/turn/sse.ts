/** One event of a `text/event-stream`; an unnamed event is called `message`. */
export interface ServerSentEvent {
  readonly name: string;
  readonly data: string;
}

/**
 * Parses an event stream that arrives in pieces of any size. Comments, ids and retry hints are ignored.
 * An incomplete event at the end of the stream is dropped, as the standard requires
 * (WHATWG HTML, "Interpreting an event stream").
 */
export class EventStreamParser {
  #buffer = "";
  #name = "";
  #data: string[] = [];
  #afterCarriageReturn = false;

  /** Returns the events that this piece completes. */
  push(piece: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    if (this.#afterCarriageReturn && piece !== "") {
      this.#afterCarriageReturn = false;
      if (piece.startsWith("\n")) piece = piece.slice(1);
    }
    // Only the new piece is searched for line ends, so a long line is scanned once.
    let start = 0;
    for (const end of piece.matchAll(/\r\n|\n|\r/g)) {
      this.#line(this.#buffer + piece.slice(start, end.index), events);
      this.#buffer = "";
      start = end.index + end[0].length;
    }
    this.#afterCarriageReturn = piece.endsWith("\r");
    this.#buffer += piece.slice(start);
    return events;
  }

  #line(line: string, events: ServerSentEvent[]): void {
    if (line === "") {
      if (this.#data.length > 0) events.push({ name: this.#name || "message", data: this.#data.join("\n") });
      this.#name = "";
      this.#data = [];
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#name = value;
  }
}
