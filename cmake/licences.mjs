// The licences of the packages that are built in: their notices go where their code goes.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const PACKAGE = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//;
const LICENCE = /^(?:licen[cs]e|copying)/i;

/**
 * @param {Iterable<string>} inputs paths of all that was bundled
 * @param {string} root the folder that has node_modules/
 * @returns {string} each licence once, below the names of the packages that have it; "" when nothing of others was bundled
 * @throws {Error} a package without a licence
 */
export function licencesOf(inputs, root) {
  const names = new Set([...inputs].map((path) => PACKAGE.exec(path)?.[1]).filter(Boolean));
  const packages = new Map(); // licence -> names
  for (const name of [...names].sort()) {
    const text = licenceOf(name, join(root, "node_modules", name));
    packages.set(text, [...(packages.get(text) ?? []), name]);
  }
  return [...packages].map(([text, those]) => `${those.join(", ")}\n\n${text}\n`).join(`\n${"-".repeat(72)}\n\n`);
}

function licenceOf(name, folder) {
  const file = readdirSync(folder).find((each) => LICENCE.test(each));
  if (!file) throw new Error(`${name} has no licence`);
  return readFileSync(join(folder, file), "utf8").trim();
}
