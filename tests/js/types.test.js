// The library's types, written in its comments, hold.
import { test } from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

test("tsc finds nothing to say about the library", () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "."], { cwd: root, encoding: "utf8" });
  assert.equal(stdout + stderr, "");
  assert.equal(status, 0);
});
