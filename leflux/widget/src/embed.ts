// The loader: a few lines that any page can afford. It brings in the agent and hands over the tag's options.

declare const AGENT_VERSION: string;

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
  page.__leflux = { host, options, startedAt: performance.now() };
  const agent = document.createElement("script");
  agent.src = `${host}/leflux-agent.js?v=${AGENT_VERSION}`;
  agent.async = true;
  // A page whose policy admits scripts by nonce admits what its own scripts bring.
  if (tag.nonce) agent.nonce = tag.nonce;
  (document.head ?? document.documentElement).append(agent);
}
