// Leaves out of socket.io-client what this widget never reaches: docs/decisions/lean-parsers.md.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CUTS, UNUSED } from "./lean-cuts.mjs";

const lean = (name) => join(import.meta.dirname, "src/lean", name);

/** The versions that the stand-ins and cuts were read against. */
export const VERSIONS = {
  "socket.io-client": "4.8.4",
  "engine.io-client": "6.6.8",
  "socket.io-parser": "4.2.7",
  "engine.io-parser": "5.2.3",
  "@socket.io/component-emitter": "3.1.2",
};

/** Throws where another version is installed. */
export function checkVersions(versions = VERSIONS) {
  for (const [name, expected] of Object.entries(versions)) {
    const path = join(import.meta.dirname, "node_modules", name, "package.json");
    const { version } = JSON.parse(readFileSync(path, "utf8"));
    if (version !== expected) throw new Error(`${name} is ${version}: read lean.mjs and lean-cuts.mjs against it, not ${expected}`);
  }
}

/** Whole packages, and modules within a package, that have a shorter stand-in. */
export const ALIASES = {
  "socket.io-parser": lean("socketio-parser.ts"),
  "engine.io-parser": lean("engineio-parser.ts"),
};
/** Modules of which only a part is used, or that have a shorter stand-in. */
const MODULES = {
  "socket.io-client/build/esm/index.js": `export { Manager } from "./manager.js"`,
  "engine.io-client/build/esm/index.js": `
    export { Socket } from "./socket.js";
    export { installTimerFunctions } from "./util.js";
    export { nextTick } from "./globals.js";`,
  "engine.io-client/build/esm/transports/index.js": `
    import { Fetch } from "./polling-fetch.js";
    import { WS } from "./websocket.js";
    export const transports = { websocket: WS, polling: Fetch };`,
  "engine.io-client/build/esm/contrib/parseuri.js": `export * from ${JSON.stringify(lean("uri.ts"))}`,
};

/** Both fail where a text is not there: then the module is not the one that was read. */
function withoutMember(source, member) {
  const method = new RegExp(`^    (?:(?:get|static) )?${member}\\([^\\n]*\\) \\{\\n(?:(?:     .*)?\\n)*?    \\}\\n`, "m");
  if (!method.test(source)) throw new Error(`no method ${member}`);
  return source.replace(method, "");
}

function withoutPassage(source, [from, to, instead = ""]) {
  const start = source.indexOf(from);
  const end = to === null ? source.length : source.indexOf(to, start + 1);
  if (start < 0 || end < 0 || source.includes(from, start + 1)) throw new Error(`not there once: ${from} … ${to}`);
  return source.slice(0, start) + instead + source.slice(end);
}

function trimmed(path, source) {
  const rest = (UNUSED[path] ?? []).reduce(withoutMember, source);
  return (CUTS[path] ?? []).reduce(withoutPassage, rest);
}

export const leaner = {
  name: "leaner",
  setup({ onLoad }) {
    checkVersions();
    for (const [path, contents] of Object.entries(MODULES)) {
      onLoad({ filter: new RegExp(`node_modules/${path}$`) }, () => ({ contents }));
    }
    for (const path of new Set([...Object.keys(UNUSED), ...Object.keys(CUTS)])) {
      onLoad({ filter: new RegExp(`node_modules/${path}$`) }, (args) => ({
        contents: trimmed(path, readFileSync(args.path, "utf8")),
      }));
    }
  },
};
