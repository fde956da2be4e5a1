import { expect, test } from "vitest";
import { shortName } from "../../src/page/modelName.ts";

test.each([
  ["Qwen/Qwen3-8B", "Qwen3-8B"],
  ["qwen3:8b", "qwen3:8b"],
  ["/data/models/Qwen3-8B/", "Qwen3-8B"],
  ["C:\\models\\Qwen3-8B.gguf", "Qwen3-8B.gguf"],
  ["C:\\models\\Qwen3-8B\\", "Qwen3-8B"],
  ["/", "/"],
  ["//", "//"],
])("the short name of %s is %s", (name, short) => {
  expect(shortName(name)).toBe(short);
});
