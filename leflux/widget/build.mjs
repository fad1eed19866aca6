// Builds the two scripts that a page loads, and holds them to their byte budget.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const LOADER_BUDGET = 2_048;
const TOTAL_BUDGET = 30_720;

async function bundle(entry, define = {}) {
  const result = await build({
    entryPoints: [join(here, "src", entry)],
    bundle: true,
    minify: true,
    format: "iife",
    target: ["es2021"],
    charset: "utf8",
    legalComments: "none",
    write: false,
    define,
    logLevel: "warning",
  });
  return result.outputFiles[0].contents;
}

const agent = await bundle("index.ts");
const version = createHash("sha256").update(agent).digest("hex").slice(0, 12);
const loader = await bundle("embed.ts", { AGENT_VERSION: JSON.stringify(version) });

const size = (bytes) => gzipSync(bytes, { level: 9 }).length;
const total = size(loader) + size(agent);
console.log(`loader ${size(loader)} of ${LOADER_BUDGET} bytes (gzip), everything ${total} of ${TOTAL_BUDGET}`);

if (process.argv.includes("--check")) {
  if (size(loader) > LOADER_BUDGET || total > TOTAL_BUDGET) {
    console.error("over the size budget");
    process.exit(1);
  }
} else {
  mkdirSync(join(here, "dist"), { recursive: true });
  writeFileSync(join(here, "dist", "embed.js"), loader);
  writeFileSync(join(here, "dist", "leflux-agent.js"), agent);
}
