// The loader: a few lines that any page can afford. It brings in the agent, in the visitor's language, and hands over
// the tag's options.

declare const AGENT_VERSION: string;
/** The languages besides English, separated by spaces. */
declare const AGENT_LANGUAGES: string;

const OPTIONS = ["no-visitor-id", "no-user-memory", "preview", "debug", "locale"] as const;

const tag = document.currentScript as HTMLScriptElement | null;
const page = window as unknown as { __leflux?: unknown };

if (tag !== null && page.__leflux === undefined) {
  const host = new URL(tag.src).origin;
  const options: Record<string, string> = {};
  for (const name of OPTIONS) {
    const value = tag.getAttribute(`data-${name}`);
    if (value !== null) options[name] = value;
  }
  options["locale"] ||= document.documentElement.lang || navigator.language || "en";
  const language = options["locale"].toLowerCase().split("-")[0]!;
  page.__leflux = { host, options, startedAt: performance.now() };
  const agent = document.createElement("script");
  agent.src = `${host}/leflux-agent.js?v=${AGENT_VERSION}`;
  if (AGENT_LANGUAGES.split(" ").includes(language)) agent.src += `&l=${language}`;
  agent.async = true;
  // A page whose policy admits scripts by nonce admits what its own scripts bring.
  if (tag.nonce) agent.nonce = tag.nonce;
  (document.head ?? document.documentElement).append(agent);
}

export {};
