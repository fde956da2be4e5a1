import type { Session } from "../conversation/session.ts";
import { fromJson, toJson, toMarkdown } from "../conversation/transfer.ts";
import type { Conversation } from "../conversation/conversation.ts";
import type { Words } from "../words/index.ts";
import { closeOnOutsideClick } from "../dom/dialog.ts";
import { button, el } from "../dom/element.ts";
import { samplingForm } from "./samplingForm.ts";
import { chooseTheme, storedTheme, themes } from "./theme.ts";

/** The settings dialog: system prompt, appearance, and the conversation as a file. */
export class Settings {
  readonly element: HTMLDialogElement;
  readonly #session: Session;
  readonly #words: Words;
  readonly #system: HTMLTextAreaElement;
  readonly #problem = el("p", { className: "notice problem", role: "alert", hidden: true });

  constructor(session: Session, words: Words, open: (conversation: Conversation) => void, showShortcuts: () => void) {
    this.#session = session;
    this.#words = words;
    this.#system = el("textarea", { id: "system", rows: 4, placeholder: words.systemHint, dir: "auto" });
    this.#system.addEventListener("input", () => session.setSystem(this.#system.value));
    const file = el("input", { type: "file", accept: "application/json,.json", hidden: true });
    file.addEventListener("change", async () => {
      const chosen = file.files?.[0];
      file.value = "";
      if (!chosen) return;
      let conversation: Conversation;
      try {
        conversation = fromJson(await chosen.text());
      } catch {
        this.#say(words.importFailed);
        return;
      }
      // Closed first: it would give the focus back to its button.
      this.element.close();
      open(conversation);
    });
    const chosen = storedTheme();
    this.element = el(
      "dialog",
      { className: "settings", "aria-labelledby": "settings-title" },
      el(
        "div",
        { className: "title" },
        el("h2", { id: "settings-title" }, words.settings),
        button("close", words.close, () => this.element.close(), true),
      ),
      el("label", { htmlFor: "system" }, words.system),
      this.#system,
      samplingForm(words, (sampling) => {
        session.sampling = sampling;
      }),
      el(
        "fieldset",
        {},
        el("legend", {}, words.theme),
        ...themes.map((theme) => {
          const radio = el("input", { type: "radio", name: "theme", value: theme, checked: theme === chosen });
          radio.addEventListener("change", () => chooseTheme(theme));
          return el("label", {}, radio, words.themes[theme]);
        }),
      ),
      el(
        "fieldset",
        { className: "files" },
        el("legend", {}, words.thisConversation),
        button(undefined, words.exportMarkdown, () => this.save("md")),
        button(undefined, words.exportJson, () => this.save("json")),
        button(undefined, words.importJson, () => file.click()),
        file,
        this.#problem,
      ),
      button(undefined, words.shortcuts, () => {
        this.element.close();
        showShortcuts();
      }),
    );
    closeOnOutsideClick(this.element);
  }

  open(): void {
    this.#system.value = this.#session.conversation.system;
    this.#problem.hidden = true;
    this.element.showModal();
  }

  /** Saves the conversation as a file. */
  save(kind: "md" | "json"): void {
    const conversation = this.#session.asStopped;
    const words = this.#words;
    const text =
      kind === "json"
        ? toJson(conversation)
        : toMarkdown(conversation, { title: words.name, system: words.system, you: words.you, thinking: words.thoughtNoTime });
    const url = URL.createObjectURL(new Blob([text], { type: kind === "json" ? "application/json" : "text/markdown" }));
    el("a", {
      href: url,
      download: `llasta-${new Date().toISOString().slice(0, 16).replace(/[-:]/g, "").replace("T", "-")}.${kind}`,
    }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  #say(text: string): void {
    this.#problem.hidden = false;
    this.#problem.textContent = text;
  }
}
