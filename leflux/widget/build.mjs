// Builds the scripts that a page loads, one agent a language, and holds them to their byte budget.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ENGLISH, bundle } from "./bundle.mjs";

const here = import.meta.dirname;
const dist = join(here, "dist");
const LOADER_BUDGET = 2_048;
const TOTAL_BUDGET = 30_720;

const languages = readdirSync(join(here, "src/texts")).map((name) => name.replace(/\.json$/, ""));

const agents = new Map();
for (const language of languages) agents.set(language, await bundle("index.ts", language));
const digest = createHash("sha256");
for (const agent of agents.values()) digest.update(agent);
const loader = await bundle("embed.ts", ENGLISH, {
  define: {
    AGENT_VERSION: JSON.stringify(digest.digest("hex").slice(0, 12)),
    AGENT_LANGUAGES: JSON.stringify(languages.filter((language) => language !== ENGLISH).join(" ")),
  },
});

const size = (bytes) => gzipSync(bytes, { level: 9 }).length;
const [largest, bytes] = [...agents].map(([name, agent]) => [name, size(agent)]).sort(([, a], [, b]) => b - a)[0];
const total = size(loader) + bytes;
console.log(`loader ${size(loader)} of ${LOADER_BUDGET} bytes (gzip), with the largest agent (${largest}) ${total} of ${TOTAL_BUDGET}`);

if (process.argv.includes("--check")) {
  if (size(loader) > LOADER_BUDGET || total > TOTAL_BUDGET) {
    console.error("over the size budget");
    process.exit(1);
  }
} else {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist);
  writeFileSync(join(dist, "embed.js"), loader);
  for (const [language, agent] of agents) {
    writeFileSync(join(dist, language === ENGLISH ? "leflux-agent.js" : `leflux-agent.${language}.js`), agent);
  }
}
