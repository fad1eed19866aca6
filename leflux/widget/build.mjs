// Builds the scripts that a page loads, one agent per language, and checks them against the size budget.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bundle, ENGLISH } from "./bundle.mjs";

const here = import.meta.dirname;
const dist = join(here, "dist");
const LOADER_BUDGET = 2_048;
const TOTAL_BUDGET = 34_000;
/** What acts on the page, watches what comes of it, and draws rich Markdown; loaded when it is needed. */
const MORE_BUDGET = 16_400;
/** What reads the page; loaded with the visitor's first message. */
const PAGE_BUDGET = 5_000;

const languages = readdirSync(join(here, "src/texts")).map((name) => name.replace(/\.json$/, ""));

const version = (...parts) => {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  return JSON.stringify(digest.digest("hex").slice(0, 12));
};

const socket = await bundle("socket-client.ts");
const agents = new Map();
const more = await bundle("more-part.ts");
const reading = await bundle("page-part.ts");
const define = { SOCKET_VERSION: version(socket), MORE_VERSION: version(more), PAGE_VERSION: version(reading) };
for (const language of languages) agents.set(language, await bundle("index.ts", language, { define }));
const loader = await bundle("embed.ts", ENGLISH, {
  define: {
    AGENT_VERSION: version(...agents.values()),
    AGENT_LANGUAGES: JSON.stringify(languages.filter((language) => language !== ENGLISH).join(" ")),
  },
});

const size = (bytes) => gzipSync(bytes, { level: 9 }).length;
const [largest, bytes] = [...agents].map(([name, agent]) => [name, size(agent)]).sort(([, a], [, b]) => b - a)[0];
const total = size(loader) + bytes;
console.log(`part on demand, the Socket.IO client as published: ${size(socket)} bytes (gzip)`);
console.log(`loader ${size(loader)} of ${LOADER_BUDGET} bytes (gzip), with the largest agent (${largest}) ${total} of ${TOTAL_BUDGET}`);
console.log(`part on demand, acting and rich Markdown: ${size(more)} of ${MORE_BUDGET}`);
console.log(`part on demand, reading the page: ${size(reading)} of ${PAGE_BUDGET}`);

if (process.argv.includes("--check")) {
  if (size(loader) > LOADER_BUDGET || total > TOTAL_BUDGET || size(more) > MORE_BUDGET || size(reading) > PAGE_BUDGET) {
    console.error("over the size budget");
    process.exit(1);
  }
} else {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist);
  writeFileSync(join(dist, "embed.js"), loader);
  writeFileSync(join(dist, "leflux-socket.js"), socket);
  writeFileSync(join(dist, "leflux-more.js"), more);
  writeFileSync(join(dist, "leflux-page.js"), reading);
  for (const [language, agent] of agents) {
    writeFileSync(join(dist, language === ENGLISH ? "leflux-agent.js" : `leflux-agent.${language}.js`), agent);
  }
}
