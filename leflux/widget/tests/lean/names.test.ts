// A name that is shortened in the bundle must be nobody else's. The browser tests run the bundle; this says why one fails.
// @ts-expect-error The widget has no types of Node.js.
import { globSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { INTERNAL, LIBRARY, OWN } from "../../names.mjs";

const NAMES = [...LIBRARY, ...OWN];
const text = (pattern: string): string => (globSync(pattern) as string[]).map((path) => readFileSync(path, "utf8") as string).join("\n");
const words = (source: string): Set<string> => new Set(source.match(/[A-Za-z_]\w*/g));

it("no name is the browser's", () => {
  const browser = text("node_modules/@typescript/*/lib/lib.{es*,dom*}.d.ts");
  const members = new Set([...browser.matchAll(/^\s+(?:readonly |get |set )?(\w+)[?(:<]/gm)].map(([, name]) => name!));
  expect(members).toContain("addEventListener");
  expect(NAMES.filter((name) => members.has(name))).toEqual([]);
});

it("no name goes over the wire, into the storage or to the page", () => {
  const contract = words(text("{leflux.d.ts,src/wire.ts,src/texts/en.json}"));
  expect(contract).toContain("clientMessageId");
  expect(NAMES.filter((name) => contract.has(name))).toEqual([]);
  const kept = words(text("src/{storage,records,http,tabs}.ts").replace(/^import .*|\/\/.*|\/\*.*|private readonly .*/gm, ""));
  expect(kept).toContain("lastActivity");
  expect(NAMES.filter((name) => kept.has(name))).toEqual([]);
});

it("what engine.io puts on the wire keeps its name", () => {
  const wire = ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload", "EIO", "transport", "data", "message", "auth"];
  expect(wire.filter((name) => INTERNAL.test(name))).toEqual([]);
});
