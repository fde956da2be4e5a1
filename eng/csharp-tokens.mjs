// Splits C# into tokens. It knows enough of the language to tell code from comments and literals.

const keywords = new Set(
  (
    "abstract as base bool break byte case catch char checked class const continue decimal default delegate do double else " +
    "enum event explicit extern false finally fixed float for foreach goto if implicit in int interface internal is lock long namespace new null " +
    "object operator out override params private protected public readonly ref return sbyte sealed short sizeof stackalloc static string struct " +
    "switch this throw true try typeof uint ulong unchecked unsafe ushort using virtual void volatile while " +
    "and async await file get init not or partial record required scoped set when where with yield"
  ).split(" "),
);

/** @typedef {{ text: string, line: number, word: boolean }} Token */

/**
 * The tokens of a C# text without comments, literals and preprocessor lines. Code inside interpolated strings is kept.
 * @param {string} text
 * @returns {Token[]}
 */
export function tokens(text) {
  const found = [];
  let at = 0;
  let line = 1;
  read(Infinity);
  return found;

  // Reads code to the end, or to the closing brace of an interpolation.
  function read(end) {
    let depth = 0;
    while (at < text.length) {
      const c = text[at];
      const rest = text.slice(at, at + 2);
      if (c === "\n") skip(1);
      else if (rest === "//" || (c === "#" && /(^|\n)[ \t]*$/.test(text.slice(Math.max(0, at - 80), at)))) skip(until("\n") - at);
      else if (rest === "/*") skip(until("*/", 2) + 2 - at);
      else if (c === "'") skipCharacter();
      else if (/^[$@]*"/.test(text.slice(at, at + 12))) readString();
      else if (/[A-Za-z_@\u0080-\uffff]/.test(c)) word();
      else if (/[0-9]/.test(c)) {
        const number = /^[0-9][\w]*(\.[0-9]\w*)?/.exec(text.slice(at, at + 80))[0];
        push("0");
        at += number.length;
      } else if (/\s/.test(c)) at++;
      else {
        if (c === "{") depth++;
        if (c === "}" && --depth < 0 && end !== Infinity) return;
        const sign = ["=>", "==", "!=", "<=", ">=", "??", "?.", "::", "&&", "||"].find((s) => s === rest) ?? c;
        push(sign);
        at += sign.length;
      }
    }
  }

  function word() {
    const name = /^@?[\w\u0080-\uffff]+/.exec(text.slice(at, at + 200))[0];
    found.push({ text: name.replace("@", ""), line, word: !keywords.has(name) });
    at += name.length;
  }

  function skipCharacter() {
    const literal = /^'(\\.[^']*|[^'\\])'/.exec(text.slice(at, at + 14));
    push('"');
    skip(literal ? literal[0].length : 1);
  }

  function readString() {
    const [, signs, quotes] = /^([$@]*)("+)/.exec(text.slice(at, at + 40));
    const holes = signs.split("$").length - 1;
    const verbatim = signs.includes("@");
    const raw = !verbatim && quotes.length >= 3;
    push('"');
    skip(signs.length + (raw ? quotes.length : 1));
    const closing = raw ? quotes : '"';
    while (at < text.length) {
      if (text.startsWith(closing, at)) {
        if (verbatim && text[at + 1] === '"') skip(2);
        else return skip(closing.length);
      } else if (!raw && !verbatim && text[at] === "\\") skip(2);
      else if (holes > 0 && text[at] === "{") {
        const braces = /^\{+/.exec(text.slice(at, at + 40))[0].length;
        if (raw ? braces >= holes : braces % 2 === 1) {
          skip(braces);
          read(0);
          skip(raw ? holes : 1);
        } else skip(braces);
      } else skip(1);
    }
  }

  function until(what, from = 0) {
    const index = text.indexOf(what, at + from);
    return index < 0 ? text.length : index;
  }

  function skip(count) {
    for (let i = 0; i < count; i++) if (text[at++] === "\n") line++;
  }

  function push(sign) {
    found.push({ text: sign, line, word: false });
  }
}
