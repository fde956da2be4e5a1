import { type Attachment, fenced } from "../conversation/draft.ts";
import { announce } from "../dom/announcer.ts";
import { button, el } from "../dom/element.ts";
import type { ChatClient } from "../turn/client.ts";
import type { Words } from "../words/index.ts";
import { decodeText } from "./textFile.ts";

/** A larger file doesn't fit any model's context window, bytes. */
const largestFile = 4 * 1024 * 1024;

export interface AttachmentsActions {
  readonly changed: () => void;
  /** The reader has removed a file, and with it the button that had the focus. */
  readonly removed: () => void;
}

/** The text files that go with the message, and their sizes in tokens. */
export class Attachments {
  readonly element: HTMLUListElement;
  readonly #client: ChatClient;
  readonly #words: Words;
  readonly #actions: AttachmentsActions;
  readonly #items = new Map<Attachment, HTMLElement>();

  constructor(client: ChatClient, words: Words, actions: AttachmentsActions) {
    this.#client = client;
    this.#words = words;
    this.#actions = actions;
    this.element = el("ul", { className: "attachments", ariaLabel: words.attachments, hidden: true });
  }

  get all(): readonly Attachment[] {
    return [...this.#items.keys()];
  }

  set(attachments: readonly Attachment[]): void {
    for (const attachment of this.all) if (!attachments.includes(attachment)) this.#remove(attachment);
    const added = attachments.filter((attachment) => !this.#items.has(attachment));
    this.#announce(added.map((attachment) => this.#add(attachment)));
    this.#changed();
  }

  /** @returns what is wrong with the files that can't be attached. */
  async addFiles(files: Iterable<File>): Promise<string> {
    const added: Attachment[] = [];
    const problems: string[] = [];
    for (const file of files) {
      const text = file.size > largestFile ? null : decodeText(new Uint8Array(await file.arrayBuffer().catch(() => new ArrayBuffer(1))));
      if (file.size > largestFile) problems.push(this.#words.fileTooLarge(file.name));
      else if (text === null) problems.push(this.#words.fileNotText(file.name));
      else if (text.trim() === "") problems.push(this.#words.fileEmpty(file.name));
      else added.push(this.#add({ name: file.name, text }));
    }
    this.#announce(added, problems);
    this.#changed();
    return problems.join(" ");
  }

  addPasted(text: string): void {
    const isTaken = (name: string): boolean => this.all.some((other) => other.name === name);
    let name = `${this.#words.pasted}.txt`;
    for (let number = 2; isTaken(name); number++) name = `${this.#words.pasted} ${number}.txt`;
    this.#announce([this.#add({ name, text })]);
    this.#changed();
  }

  /** All in one: a screen reader doesn't hear an announcement that another follows at once. */
  #announce(added: readonly Attachment[], problems: readonly string[] = []): void {
    const said = [...added.map(({ name }) => this.#words.attached(name)), ...problems];
    if (said.length > 0) announce(said.join(" "));
  }

  #add(attachment: Attachment): Attachment {
    const size = el("span", { className: "size" }, this.#words.characters(attachment.text.length));
    const remove = button(
      "close",
      this.#words.remove(attachment.name),
      () => {
        this.#remove(attachment);
        this.#changed();
        this.#actions.removed();
      },
      true,
    );
    const item = el("li", { title: attachment.text.slice(0, 500) }, el("span", { className: "name" }, attachment.name), size, remove);
    this.#items.set(attachment, item);
    this.element.append(item);
    void this.#count(attachment, item, size);
    return attachment;
  }

  async #count(attachment: Attachment, item: HTMLElement, size: HTMLElement): Promise<void> {
    const message = { role: "user", content: fenced(attachment) } as const;
    // Where the server can't count, the number of characters stays.
    const result = await this.#client.tokens([message], false).catch(() => null);
    if (!result) return;
    size.textContent = this.#words.tokens(result.count);
    if (result.count <= result.contextWindow) return;
    item.classList.add("problem");
    size.textContent += ` · ${this.#words.fileOverWindow}`;
  }

  #remove(attachment: Attachment): void {
    this.#items.get(attachment)?.remove();
    this.#items.delete(attachment);
  }

  #changed(): void {
    this.element.hidden = this.#items.size === 0;
    this.#actions.changed();
  }
}
