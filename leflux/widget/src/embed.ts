// The loader: a small script that loads the agent in the visitor's language and passes on the options of its tag.
//
// Markup of the page can hide members of `document` and `window` (`<img name=currentScript>`, `<form id=LeFlux>`), so all
// of them are taken from the prototypes.

declare const AGENT_VERSION: string;
/** The languages other than English, separated by spaces. */
declare const AGENT_LANGUAGES: string;

const OPTIONS = ["no-visitor-id", "no-user-memory", "no-page-context", "preview", "debug", "locale"] as const;

interface Policy {
  createScriptURL(url: string): string;
}
type Policies = { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } };

const { getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
const page = window as unknown as Policies & { __leflux?: unknown };

/** The page may have added a `get` to all objects, which descriptors would inherit. */
function own(descriptor: PropertyDescriptor | undefined, key: "get" | "value"): unknown {
  return descriptor && getOwnPropertyDescriptor(descriptor, key)?.value;
}

/** What the prototypes of `document` have. Not by `Document`, which MooTools replaces. */
function member<T>(name: string): T | null {
  for (let holder = getPrototypeOf(document); holder !== null; holder = getPrototypeOf(holder)) {
    const found = getOwnPropertyDescriptor(holder, name);
    const getter = own(found, "get") as (() => T) | undefined;
    if (found !== undefined) return getter === undefined ? (own(found, "value") as T) : getter.call(document);
  }
  return document[name as keyof Document] as T | null;
}

const createElement = member<Document["createElement"]>("createElement")!;
const querySelectorAll = member<Document["querySelectorAll"]>("querySelectorAll")!;

/** The tag of this script. A module has none, so its address comes from the stack. */
function findTag(): HTMLScriptElement | undefined {
  const current = member("currentScript");
  if (current instanceof HTMLScriptElement) return current;
  const address = /https?:[^\s)]+?\/embed\.js/.exec(String(new Error().stack))?.[0];
  if (address === undefined) return undefined;
  const tags = [...(querySelectorAll.call(document, "script[src]") as NodeListOf<HTMLScriptElement>)];
  const made = createElement.call(document, "script") as HTMLScriptElement;
  // `import()` has no tag: all options have their defaults.
  return tags.find(({ src }) => src.startsWith(address)) ?? Object.assign(made, { src: trust(address) });
}

let policy: Policy | undefined;

/** For pages that require Trusted Types, which must allow the policy `leflux`. */
function trust(url: string): string {
  policy ??= page.trustedTypes?.createPolicy("leflux", { createScriptURL: (same) => same });
  return policy?.createScriptURL(url) ?? url;
}

function load(tag: HTMLScriptElement): void {
  const host = new URL(".", tag.src).href.slice(0, -1);
  const options = { __proto__: null } as unknown as Record<string, string>;
  for (const name of OPTIONS) {
    const value = tag.getAttribute(`data-${name}`);
    if (value !== null) options[name] = value;
  }
  const root = member<HTMLElement>("documentElement")!;
  options["locale"] ||= root.lang || navigator.language || "en";
  const language = options["locale"].toLowerCase().split("-")[0]!;
  const query = AGENT_LANGUAGES.split(" ").includes(language) ? `&l=${language}` : "";
  const agent = createElement.call(document, "script") as HTMLScriptElement;
  agent.src = trust(`${host}/leflux-agent.js?v=${AGENT_VERSION}${query}`);
  agent.async = true;
  // Pass on the nonce for pages whose content security policy requires one.
  if (tag.nonce) agent.nonce = tag.nonce;
  page.__leflux = { host, options, nonce: tag.nonce, trust, startedAt: performance.now() };
  (member<HTMLElement>("head") ?? root).appendChild(agent);
}

if (getOwnPropertyDescriptor(page, "__leflux")?.value === undefined) {
  try {
    const tag = findTag();
    if (tag === undefined) throw new Error('use <script src="https://HOST/embed.js" async></script>');
    load(tag);
  } catch (error) {
    console.warn("LeFlux: the chat could not be loaded.", error);
  }
}

export {};
