// The built-ins that the widget uses, taken once at its start. `bundle.mjs` puts them in the place of the globals of the
// same names. Where a library has changed one, it is taken from an empty frame; where the page's markup hides a member of
// `document` (`<img name=body>`), the prototype's is used.

// biome-ignore lint/suspicious/noExplicitAny: the globals of a page that may have changed them.
type Realm = Record<string, any>;

const page = globalThis as unknown as Realm;
const source = Function.prototype.toString;
const { apply, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect;
let frame: HTMLIFrameElement | undefined;

/** Without a prototype: the page may have added a `get` to all objects. */
export function describe(holder: object, key: PropertyKey): PropertyDescriptor | undefined {
  const found = Reflect.getOwnPropertyDescriptor(holder, key);
  if (found !== undefined) setPrototypeOf(found, null);
  return found;
}

const isNative = (value: unknown): boolean => typeof value === "function" && apply(source, value, []).includes("[native code]");

function isIntact(holder: unknown): boolean {
  if (holder === undefined || holder === null) return true;
  if (typeof holder === "function" && !isNative(holder)) return false;
  return ownKeys(holder as object).every((key) => {
    const value: unknown = describe(holder as object, key)?.value;
    return typeof value !== "function" || key === "constructor" || isNative(value);
  });
}

/** The built-ins of an empty frame. The page's where a frame cannot be had. */
function clean(): Realm {
  try {
    frame ??= safe.querySelector<HTMLIFrameElement>("iframe[data-leflux]") ?? undefined;
    if (frame === undefined) {
      frame = safe.createElement("iframe");
      frame.setAttribute("data-leflux", "");
      frame.hidden = true;
      safe.documentElement.appendChild(frame);
    }
    return (frame.contentWindow as unknown as Realm | null) ?? page;
  } catch {
    return page;
  }
}

function pick(name: string): Realm[string] {
  const own = page[name];
  return isIntact(own) && isIntact(own?.prototype) ? own : (clean()[name] ?? own);
}

/** Finds a member on the prototypes, where markup cannot hide it. */
export function member(target: object, key: PropertyKey): unknown {
  for (let holder = getPrototypeOf(target); holder !== null; holder = getPrototypeOf(holder)) {
    const found = describe(holder, key);
    if (found?.get !== undefined) return apply(found.get, target, []);
    if (found !== undefined) return typeof found.value === "function" ? found.value.bind(target) : found.value;
  }
  return Reflect.get(target, key);
}

const safe = new Proxy(page["document"] as Document, {
  get: (target, key) => (key === "createElement" ? createElement : member(target, key)),
  set: (target, key, value) => {
    for (let holder = getPrototypeOf(target); holder !== null; holder = getPrototypeOf(holder)) {
      const setter = describe(holder, key)?.set;
      if (setter === undefined) continue;
      apply(setter, target, [value]);
      return true;
    }
    return Reflect.set(target, key, value, target);
  },
});

const hasIntactElements = ["Node", "Element", "HTMLElement"].every((name) => isIntact(page[name].prototype));

/** An element without the methods that a library has put on the page's elements. */
function createElement(tag: string): HTMLElement {
  const real = page["document"] as Document;
  const make = (from: Document): HTMLElement => (member(from, "createElement") as Document["createElement"])(tag);
  if (tag === "iframe" || hasIntactElements) return make(real);
  const other: Document = clean()["document"];
  return (member(real, "adoptNode") as Document["adoptNode"])(make(other));
}

function isSane(date: DateConstructor): boolean {
  return Number.isFinite(date.now()) && new date(0).toISOString() === "1970-01-01T00:00:00.000Z";
}

/** What `holder` has now: a library that comes later may replace it. */
function keep(holder: object): Realm {
  const kept: Realm = { __proto__: null };
  for (const key of ownKeys(holder)) Reflect.defineProperty(kept, key, describe(holder, key)!);
  return kept;
}

const arrays = keep(pick("Array"));
const objects = keep(pick("Object"));
const json = keep(pick("JSON"));
const maps = pick("Map");
const sets = pick("Set");
const events = pick("Event");
const customEvents = pick("CustomEvent");
const dates = isSane(page["Date"]) ? page["Date"] : clean()["Date"];
// A page's own tests may replace `WebSocket` and timers, and no library is known that breaks them.
const calls: typeof fetch = isNative(page["fetch"])
  ? page["fetch"]
  : (...call) => (frame?.isConnected ? clean() : page)["fetch"](...call);
if (!isNative(page["fetch"])) clean();
const promises = isIntact(page["Promise"]) ? page["Promise"] : (async () => undefined)().constructor;

export {
  arrays as Array, calls as fetch, customEvents as CustomEvent, dates as Date, events as Event, json as JSON, maps as Map, objects as Object, promises as Promise, safe as document, sets as Set,
};
