// Run with: node --test eng/map.test.mjs
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { uses } from "./csharp.mjs";
import { circles, read, run } from "./map.mjs";

const markers = "# Contributing\n<!-- map: written by `node eng/map.mjs` -->\n<!-- end of map -->\nMore.\n";

/** The arrows between the files of a project, as "from → to". */
function arrows(files) {
  return [...new Set(uses(new Map(Object.entries(files))).map(({ from, to }) => `${from} → ${to}`))].sort();
}

const turn = "namespace App.Relay;\npublic sealed record Turn(string Id);\npublic enum State { Done, Turn }\n";
const user = (code, usings = "") => ({
  "Relay/Turn.cs": turn,
  "Model/User.cs": `${usings}namespace App.Model;\ninternal sealed class User\n{\n${code}\n}\n`,
});

for (const [kind, files] of Object.entries({
  "a using directive": user("", "using App.Relay;\n"),
  "a using directive relative to the namespace": {
    ...user(""),
    "Model/User.cs": "namespace App.Model;\nusing Relay;\nclass User { Turn? _turn; }\n",
  },
  "a static using directive": user("", "using static App.Relay.Turn;\n"),
  "an alias": user("T? _turn;", "using T = App.Relay.Turn;\n"),
  "a name qualified by its full namespace": user("App.Relay.Turn? _turn;"),
  "a name qualified by a sibling namespace": user("Relay.Turn? _turn;"),
  "a name qualified from the global namespace": user("global::App.Relay.Turn? _turn;"),
  "a type argument": user("List<Relay.Turn> _turns = [];"),
  "code inside an interpolated string": user('string Text() => $"{{literal}} {Relay.State.Done:x}";'),
  "code inside a raw interpolated string": user('string Text() => $$"""{ "a": {{nameof(Relay.Turn)}} }""";'),
  "a namespace with braces": { ...user(""), "Model/User.cs": "namespace App.Model\n{\n  class User { Relay.Turn? _turn; }\n}\n" },
  "code after a using statement": { "Relay/Turn.cs": turn, "Model/User.cs": "using var file = App.Relay.Turn.Open();\n" },
})) {
  test(`C#: ${kind} is a dependency`, () => assert.deepEqual(arrows(files), ["Model/User.cs → Relay/Turn.cs"]));
}

test("C#: a type of an enclosing namespace is a dependency without a using directive", () => {
  const files = {
    "Options.cs": "namespace App;\nclass Options;\n",
    "Model/User.cs": "namespace App.Model;\nclass User(Options options);\n",
  };
  assert.deepEqual(arrows(files), ["Model/User.cs → Options.cs"]);
});

test("C#: a call of an extension method of an enclosing namespace is a dependency", () => {
  const files = {
    "Extensions.cs": "namespace App;\nstatic class Extensions { public static int Twice(this int value) => 2 * value; }\n",
    "Model/User.cs": "namespace App.Model;\nclass User { int Four => 2.Twice(); }\n",
  };
  assert.deepEqual(arrows(files), ["Model/User.cs → Extensions.cs"]);
});

for (const [kind, code] of Object.entries({
  "a comment": '// Relay.Turn\n/* Relay.Turn */\n/// <see cref="Relay.Turn"/>\nint _one;',
  "a string":
    'string _a = "Relay.Turn"; string _b = @"Relay.Turn ""Relay.Turn"""; string _c = """Relay.Turn "Relay.Turn" """; char _d = \'"\'; int _e;',
  "a literal part of an interpolated string": 'string Text(int x) => $"Relay.Turn {x} {{Relay.Turn}}";',
})) {
  test(`C#: a name in ${kind} is no dependency`, () => assert.deepEqual(arrows(user(code)), []));
}

test("C#: a member, a parameter or an enum member with the name of a visible type is no dependency", () => {
  const files = {
    "Turn.cs": "namespace App;\nclass Turn;\n",
    "Model/User.cs":
      "namespace App.Model;\nenum Kind { Turn, Other }\nclass User { public int Turn { get; set; } int Next() => Turn + new Other { Turn = 1 }.Turn; }\n",
  };
  assert.deepEqual(arrows(files), []);
});

test("C#: the type of the nearest namespace is the one that is used", () => {
  const files = {
    "Relay/Turn.cs": turn,
    "Model/Turn.cs": "namespace App.Model;\nclass Turn;\n",
    "Model/User.cs": "namespace App.Model;\nclass User { Turn? _turn; }\n",
  };
  assert.deepEqual(arrows(files), ["Model/User.cs → Model/Turn.cs"]);
});

test("C#: of a type with several files, the file in the same folder is the one that is used", () => {
  const files = {
    "Alternative.cs":
      "namespace App.Model;\npartial class Turn { User? _user; }\nstatic class Extensions { public static void Stop(this User user) { } }\n",
    "Model/Turn.cs":
      "namespace App.Model;\npartial class Turn { Turn? _next; }\nstatic class Extensions { public static void Stop(this User user) { } }\n",
    "Model/User.cs": "namespace App.Model;\nclass User { Turn? _turn; void End() => this.Stop(); }\n",
  };
  assert.deepEqual(arrows(files), ["Alternative.cs → Model/User.cs", "Model/Turn.cs → Model/User.cs", "Model/User.cs → Model/Turn.cs"]);
});

/** Runs `act` with a folder that has these files. */
function inside(files, act) {
  const root = mkdtempSync(join(tmpdir(), "map-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return act(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

const project = (...references) => `<Project>${references.map((path) => `<ProjectReference Include="${path}" />`).join("")}</Project>`;
const solution = {
  "CONTRIBUTING.md": markers,
  "App/App.csproj": project("..\\Library\\Library.csproj"),
  "App/Program.cs": "Relay.Start();\n",
  "App/Relay/Relay.cs": "namespace App.Relay;\nclass Relay(App.Contract.Turn turn);\n",
  "App/Contract/Turn.cs": "namespace App.Contract;\nclass Turn;\n",
  "Library/Library.csproj": project(),
  "App/ui/package.json": "{}",
  "App/ui/src/main.ts": 'import { page } from "./page/page.ts";\n',
  "App/ui/src/page/page.ts":
    'import type { Turn } from "../turn/turn.ts";\nimport * as words from "../words";\nimport css from "../look/page.css?inline";\n',
  "App/ui/src/look/page.css": "p {}\n",
  "App/ui/src/turn/turn.ts": "export type Turn = string;\n",
  "App/ui/src/words/index.ts": "export const words = 1;\n",
  "App/ui/node_modules/x/package.json": "{}",
};

test("The map has an arrow for each dependency of projects, folders and files outside the folders", () => {
  inside(solution, (root) => {
    const found = read(root).flatMap(({ name, graph }) =>
      [...graph].flatMap(([from, to]) => [...to.keys()].map((other) => `${name}: ${from} → ${other}`)),
    );
    assert.deepEqual(found.sort(), [
      "App/ui/src: main.ts → page/",
      "App/ui/src: page/ → look/",
      "App/ui/src: page/ → turn/",
      "App/ui/src: page/ → words/",
      "App: Relay/ → Contract/",
      "Projects: App → App/ui",
      "Projects: App → Library",
    ]);
  });
});

test("The check fails until the map is written, and again when a dependency is added", () => {
  inside(solution, (root) => {
    assert.match(run(root, true)[0], /out of date/);
    assert.deepEqual(run(root, false), []);
    assert.deepEqual(run(root, true), []);
    const text = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
    assert.ok(text.includes("\n  Relay/ --> Contract/\n"), text);
    assert.ok(text.includes("\n  page/ --> look/ & turn/ & words/\n"), text);
    assert.ok(text.endsWith("<!-- end of map -->\nMore.\n"), text);
    writeFileSync(join(root, "App/ui/src/words/index.ts"), 'import type { Turn } from "../turn/turn.ts";\n');
    assert.match(run(root, true)[0], /out of date/);
  });
});

for (const [kind, file, text, expected] of [
  [
    "folders",
    "App/Contract/Turn.cs",
    "namespace App.Contract;\nclass Turn(Relay.Relay relay);\n",
    /^App: (Contract\/ → Relay\/|Relay\/ → Contract\/) → .* is a circle/,
  ],
  ["projects", "Library/Library.csproj", project("../App/App.csproj"), /^Projects: .*Library.* is a circle/],
  [
    "rooms of the page",
    "App/ui/src/turn/turn.ts",
    'const page = await import("../page/page.ts");\n',
    /^App\/ui\/src: .*turn\/.* is a circle/,
  ],
]) {
  test(`A circle of ${kind} fails, names the places and writes nothing`, () => {
    inside({ ...solution, [file]: text }, (root) => {
      const wrong = run(root, false);
      assert.match(wrong[0], expected);
      assert.ok(
        wrong.some((line) => line.includes(file)),
        wrong.join("\n"),
      );
      assert.equal(readFileSync(join(root, "CONTRIBUTING.md"), "utf8"), markers);
    });
  });
}

test("A circle through a file outside the folders is a circle, one among such files alone is none", () => {
  const graph = (...arrows) => {
    const found = new Map();
    for (const [from, to] of arrows) {
      for (const name of [from, to]) if (!found.has(name)) found.set(name, new Map());
      found.get(from).set(to, ["place"]);
    }
    return found;
  };
  assert.deepEqual(circles(graph(["A.cs", "B.cs"], ["B.cs", "A.cs"])), []);
  assert.deepEqual(circles(graph(["Relay/", "A.cs"], ["A.cs", "B.cs"], ["B.cs", "Relay/"])), [["Relay/", "A.cs", "B.cs"]]);
});
