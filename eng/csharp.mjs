// Finds which types the C# files of one project use from other files of the same project. It reads tokens, not a compiled model:
// enough for type names, qualified names, `using` directives and extension methods, which is what makes one folder depend on another.
import { tokens } from "./csharp-tokens.mjs";

const typeKeywords = new Set("bool byte char decimal double float int long object sbyte short string uint ulong ushort void".split(" "));
const declarators = new Set(["class", "struct", "interface", "enum", "record", "delegate"]);

/**
 * What a C# file declares and imports.
 * @param {string} text
 */
export function read(text) {
  const all = tokens(text);
  const file = { tokens: [], namespace: "", types: [], extensions: [], members: new Set(), usings: [], statics: [], aliases: new Map() };
  let depth = 0;
  let typeDepth = 0; // 1 inside a namespace with braces
  for (let i = 0; i < all.length; i++) {
    const token = all[i];
    if (token.text === "{") depth++;
    if (token.text === "}") depth--;
    if (token.text === "using" && depth === typeDepth) {
      const end = readUsing(i);
      if (end) {
        i = end;
        continue;
      }
    }
    if (token.text === "namespace" && depth === 0) {
      const [name, next] = dotted(i + 1);
      file.namespace = name;
      if (all[next].text === "{") {
        depth++;
        typeDepth = 1;
      }
      i = next;
      continue;
    }
    if (declarators.has(token.text) && depth === typeDepth) {
      const name = declaredType(i);
      if (name) file.types.push(name);
    }
    if (token.text === "enum" && all[i + 1]?.word) {
      // An enum's members look like names that are used.
      file.tokens.push(token, all[i + 1]);
      while (i < all.length && all[i].text !== "}") i++;
      continue;
    }
    if (
      token.text === "this" &&
      all[i - 1]?.text === "(" &&
      all[i + 1]?.text !== ")" &&
      all[i + 1]?.text !== "." &&
      all[i + 1]?.text !== ","
    ) {
      const name = beforeParenthesis(i - 1);
      if (name) file.extensions.push(name);
    }
    file.tokens.push(token);
  }
  // A name after a type is declared here: a member, a parameter or a local.
  for (let i = 1; i < file.tokens.length; i++) {
    if (isDeclaredName(file.tokens, i)) file.members.add(file.tokens[i].text);
  }
  for (const name of file.extensions) file.members.delete(name);
  return file;

  function dotted(i) {
    if (all[i].text === "global") i += 2;
    let name = all[i].text;
    while (all[++i]?.text === "." && all[i + 1]?.word) name += `.${all[++i].text}`;
    return [name, i];
  }

  // The index of the directive's semicolon, or undefined for a `using` statement.
  function readUsing(i) {
    const line = all[i].line;
    const isStatic = all[i + 1].text === "static";
    let [name, next] = dotted(i + (isStatic ? 2 : 1));
    if (all[next].text !== ";" && (all[next].text !== "=" || name === "var")) return undefined;
    if (isStatic) file.statics.push({ name, line });
    else if (all[next].text === "=") file.aliases.set(name, dotted(next + 1)[0]);
    else file.usings.push({ name, line });
    while (all[next] && all[next].text !== ";") next++;
    return next;
  }

  function declaredType(i) {
    if (all[i].text === "delegate") {
      while (all[i] && all[i].text !== "(" && all[i].text !== ";") i++;
      return all[i]?.text === "(" ? beforeParenthesis(i) : undefined;
    }
    if (all[i].text === "record" && ["class", "struct"].includes(all[i + 1].text)) return undefined; // the next keyword declares it
    return all[i + 1]?.word ? all[i + 1].text : undefined;
  }

  function beforeParenthesis(i) {
    i--;
    if (all[i].text === ">") while (i > 0 && all[i].text !== "<") i--;
    if (all[i].text === "<") i--;
    return all[i]?.word ? all[i].text : undefined;
  }
}

// `Type Name`: after another name, `>`, `]` or `?`, and not itself the type of what follows.
function isDeclaredName(all, i) {
  const [previous, token, next] = [all[i - 1], all[i], all[i + 1]];
  if (!token.word || !previous) return false;
  if (previous.word || typeKeywords.has(previous.text)) return true;
  return (
    [">", "]", "?"].includes(previous.text) &&
    next !== undefined &&
    !next.word &&
    next.text !== "." &&
    next.text !== "<" &&
    !(next.text === "?" && previous.text === "]")
  );
}

/**
 * The uses of types between the files of one project.
 * @param {Map<string, string>} sources file → text
 * @returns {{ from: string, to: string, line: number, name: string }[]} each use once per file and name, with its first line
 */
export function uses(sources) {
  const files = new Map([...sources].map(([path, text]) => [path, read(text)]));
  const types = new Map(); // full name → files (several if partial)
  const namespaces = new Set();
  const homes = new Map(); // namespace → files that declare types in it
  const members = new Set();
  for (const [path, file] of files) {
    for (let name = file.namespace; name; name = parent(name)) namespaces.add(name);
    for (const type of file.types) add(types, join(file.namespace, type), path);
    if (file.types.length) add(homes, file.namespace, path);
    for (const member of file.members) members.add(member);
  }
  const globals = [...files.values()].flatMap((file) => (file.tokens[0]?.text === "global" ? file.usings : []));
  const found = new Map();

  for (const [path, file] of files) {
    const enclosing = [file.namespace];
    while (enclosing.at(-1)) enclosing.push(parent(enclosing.at(-1)));
    const imported = [...file.usings, ...globals].map(
      (using) => [...enclosing.map((name) => join(name, using.name)), using.name].find((name) => namespaces.has(name)) ?? using.name,
    );

    file.usings.forEach((using, i) => {
      // Which of several folders a directive means is known only by the names that are used.
      const declaring = homes.get(imported[i]) ?? [];
      if (declaring.length && declaring.every((file) => folder(file) && folder(file) === folder(declaring[0])))
        note(path, [declaring[0]], using.line, `using ${using.name}`);
    });
    for (const { name, line } of file.statics) note(path, types.get(name) ?? [], line, `using static ${name}`);

    file.tokens.forEach((token, i) => {
      const previous = file.tokens[i - 1]?.text;
      if (!token.word) return;
      if (previous === "." || previous === "?.") return extensionCall(token, i);
      const chain = [token.text];
      let end = i + 1;
      for (; file.tokens[end]?.text === "." && file.tokens[end + 1]?.word; end += 2) chain.push(file.tokens[end + 1].text);
      if (chain.length === 1 && isOtherName(file, i)) return;
      const target = resolve(chain);
      if (target) note(path, types.get(target), token.line, target);
    });

    function resolve(chain) {
      const alias = file.aliases.get(chain[0]);
      if (alias) return longest("", [...alias.split("."), ...chain.slice(1)]);
      for (const scope of enclosing) {
        if (types.has(join(scope, chain[0]))) return join(scope, chain[0]);
        if (namespaces.has(join(scope, chain[0])) && chain.length > 1) {
          const target = longest(scope, chain);
          if (target) return target;
        }
      }
      return imported.map((name) => join(name, chain[0])).find((name) => types.has(name));
    }

    function extensionCall(token, i) {
      if (!["(", "<"].includes(file.tokens[i + 1]?.text) || members.has(token.text)) return;
      const visible = new Set([...enclosing, ...imported]);
      const declaring = [...files].filter(([, other]) => other.extensions.includes(token.text) && visible.has(other.namespace));
      note(
        path,
        declaring.map(([other]) => other),
        token.line,
        `.${token.text}()`,
      );
    }
  }
  return [...found.values()];

  function longest(scope, chain) {
    let name = scope;
    for (const part of chain) {
      name = join(name, part);
      if (types.has(name)) return name;
      if (!namespaces.has(name)) return undefined;
    }
    return undefined;
  }

  function note(from, targets, line, name) {
    // A partial type, or one that two files declare for different builds: the nearest file is meant.
    if (targets.some((to) => to === from || folder(to) === folder(from))) targets = targets.filter((to) => folder(to) === folder(from));
    for (const to of targets) {
      const key = `${from}\n${to}\n${name}`;
      if (to !== from && !found.has(key)) found.set(key, { from, to, line, name });
    }
  }
}

// A name that can't be a type where it stands: one that is declared, set or passed by name, or a member that is used as a value.
function isOtherName(file, i) {
  const [previous, next] = [file.tokens[i - 1]?.text, file.tokens[i + 1]?.text];
  if (isDeclaredName(file.tokens, i) || next === "=" || (next === ":" && ["(", ",", "{"].includes(previous))) return true;
  if (!file.members.has(file.tokens[i].text)) return false;
  const asType = file.tokens[i + 1]?.word || ["?", ">", "[", "<"].includes(next) || ["new", "is", "as", "<", ":"].includes(previous);
  return !asType;
}

const folder = (path) => path.split("/").slice(0, -1).join("/");
const parent = (name) => name.split(".").slice(0, -1).join(".");
const join = (scope, name) => (scope ? `${scope}.${name}` : name);
const add = (map, key, value) => map.set(key, [...(map.get(key) ?? []), value]);
