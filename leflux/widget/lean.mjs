// Leaves out of socket.io-client what this widget never reaches: docs/decisions/lean-parsers.md.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const lean = (name) => join(import.meta.dirname, "src/lean", name);

/** The versions that all below was read against; another one stops the build. */
const VERSIONS = {
  "socket.io-client": "4.8.4",
  "engine.io-client": "6.6.8",
  "socket.io-parser": "4.2.7",
  "engine.io-parser": "5.2.3",
  "@socket.io/component-emitter": "3.1.2",
};

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

/** Members of classes that nothing calls. */
const UNUSED = {
  "socket.io-client/build/esm/socket.js": [
    "disconnected", "open", "send", "_addToQueue", "close", "compress", "volatile", "onAny", "prependAny", "offAny",
    "listenersAny", "onAnyOutgoing", "prependAnyOutgoing", "offAnyOutgoing", "listenersAnyOutgoing",
  ],
  "socket.io-client/build/esm/manager.js": ["connect", "disconnect"],
  "engine.io-client/build/esm/socket.js": ["send"],
};

function without(source, path, members) {
  return members.reduce((rest, member) => {
    const method = new RegExp(`^    (?:(?:get|static) )?${member}\\([^\\n]*\\) \\{\\n(?:(?:     .*)?\\n)*?    \\}\\n`, "gm");
    if ((rest.match(method) ?? []).length !== 1) throw new Error(`${path}: no single method ${member}`);
    return rest.replace(method, "");
  }, source);
}

export const leaner = {
  name: "leaner",
  setup({ onLoad }) {
    for (const [path, members] of Object.entries(UNUSED)) {
      onLoad({ filter: new RegExp(`node_modules/${path}$`) }, (args) => ({
        contents: without(readFileSync(args.path, "utf8"), path, members),
      }));
    }
    for (const [path, contents] of Object.entries(MODULES)) {
      onLoad({ filter: new RegExp(`node_modules/${path}$`) }, () => ({ contents }));
    }
  },
};
