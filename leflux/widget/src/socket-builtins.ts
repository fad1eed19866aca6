// The built-ins of the second part: `bundle.mjs` puts them in the place of the globals of the same names.

import { describe, JSON as json } from "./builtins.js";
import { toWire } from "./text.js";

/** Blind to a `toJSON` that the page has added to arrays and objects. */
const blind = { parse: json.parse, stringify: (value: unknown): string => json.stringify(toWire(value)) };

const root = globalThis.Object.prototype;
const added = Reflect.ownKeys(root).filter((key) => Reflect.getOwnPropertyDescriptor(root, key)!.enumerable);
const descriptors = added.map((key) => [key, describe(root, key)!] as const);
// The bundle lists its exports by `for … in`, which would list what the page has added to all objects.
for (const key of added) Reflect.deleteProperty(root, key);

/** Gives the page back what it has added to all objects, once this script has run. */
export function restoreObjects(): void {
  for (const [key, descriptor] of descriptors) Reflect.defineProperty(root, key, descriptor);
}

export { Date, fetch, Map, Object, Promise, Set } from "./builtins.js";
export { blind as JSON };
