import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A network path that can break: forwards each connection to a chosen target, and resets connections on demand. */
export class Link {
  readonly name: string;
  readonly port: number;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(name: string, port: number, server: Server, target: () => number | undefined) {
    this.name = name;
    this.port = port;
    this.#server = server;
    server.on("connection", (near: Socket) => {
      const port = target();
      if (port === undefined) near.resetAndDestroy();
      else this.#join(near, port);
    });
  }

  static async open(name: string, target: () => number | undefined): Promise<Link> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    return new Link(name, typeof address === "object" ? address!.port : 0, server, target);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resets the connections that `chosen` picks, at any byte. */
  cut(chosen: () => boolean): void {
    for (const socket of this.#open) if (chosen()) socket.resetAndDestroy();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }

  #join(near: Socket, port: number): void {
    const far = connect(port, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.setNoDelay(true);
      socket.on("error", () => other.resetAndDestroy());
      socket.on("close", () => {
        this.#open.delete(near);
        other.destroy();
      });
      socket.pipe(other);
    }
    this.#open.add(near);
  }
}
