// Fills dist/ for `npm pack`: the library and the element as modules without dependencies, and their types, all from
// the folder above; and puts the licences beside them.

import { execFileSync } from "node:child_process";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { licencesOf } from "../../cmake/licences.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "../..");
const DIST = join(HERE, "dist");

rmSync(DIST, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ["static/whilst.js", "static/element.js"],
  outdir: DIST,
  bundle: true,
  splitting: true, // the spare SHA-256 is loaded only where it is needed
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "inline",
  metafile: true,
  logLevel: "warning",
});
writeFileSync(join(DIST, "licences.txt"), licencesOf(Object.keys(metafile.inputs), ROOT));
execFileSync(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", HERE], { stdio: "inherit" });
copyFileSync(join(ROOT, "LICENSE"), join(HERE, "LICENSE"));
