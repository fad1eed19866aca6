import type { JSX } from "preact";
import { get, ofSite } from "../api.js";
import { DAY, duration, moment, number } from "../format.js";
import type { AuditEntry, Site } from "../types.js";
import { Empty, Show } from "../ui/states.js";
import { useLoad } from "../use-load.js";

export function Audit({ site }: { site: Site }): JSX.Element {
  const path = ofSite(site.id, "/audit");
  const loaded = useLoad((signal) => get<{ entries: AuditEntry[] }>(path, signal), path);
  return (
    <div class="card flush">
      <Show of={loaded} rows={8}>
        {({ entries }) => (entries.length === 0 ? <Empty title="Nothing was changed or deleted yet" /> : <Trail entries={entries} />)}
      </Show>
    </div>
  );
}

const ACTIONS: Record<string, string> = {
  "privacy.changed": "Privacy changed",
  "answers.changed": "Answers changed",
  "settings.changed": "Appearance changed",
  "session.read": "Conversation read",
  "account.signed_in": "Signed in",
  "account.sign_in_ended": "Sign-in ended",
  "account.password_changed": "Password changed",
  "account.token_created": "API token created",
  "account.token_revoked": "API token revoked",
  "account.created": "Account created",
  "account.changed": "Account changed",
  "account.removed": "Account removed",
  "session.deleted": "Conversation deleted",
  "log.exported": "Conversations exported",
  "log.deleted": "Old conversations deleted",
  "crawl.started": "Reading of the site begun",
  "webhooks.changed": "Webhooks changed",
  "emails.changed": "Email addresses for notices changed",
  "delivery.retried": "Notice sent again",
};

const NAMES: Record<string, string> = {
  clientTtlMs: "In the visitor's browser",
  idleTtlMs: "On the server, when idle",
  userDataTtlMs: "The visitor's own details",
  messageLog: "Keep a log of messages",
  logRetentionDays: "How long the log is kept",
  conversationId: "Conversation",
  account: "Account",
  address: "Address",
  signIn: "Sign-in",
  token: "Token",
  tokens: "Tokens revoked",
  name: "Name",
  sites: "Sites",
  sessions: "Sessions",
  messages: "Messages",
  logged: "Lines of the message log",
  tasks: "Tasks",
  format: "Format",
  from: "From",
  to: "To",
  filtered: "Only what was searched for",
  url: "Start at",
  urls: "Addresses",
  addresses: "Email addresses",
  delivery: "Notice",
  version: "Version",
};

/** Formats a detail in the wording of its settings page; null for an empty detail. */
function detailText(name: string, value: string | number | boolean | null): string | null {
  if (name === "logRetentionDays") return value === null ? "for ever" : duration(Number(value) * DAY);
  if (value === null) return null;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return name === "format" ? value.toUpperCase() : value;
  if (name.endsWith("Ms")) return duration(value);
  return name === "from" || name === "to" ? moment(value) : number(value);
}

function Trail({ entries }: { entries: AuditEntry[] }): JSX.Element {
  return (
    <ol class="trail">
      {entries.map((entry, index) => (
        <li key={index}>
          <b>{ACTIONS[entry.action] ?? entry.action}</b>
          <time dateTime={new Date(entry.ts).toISOString()}>{moment(entry.ts)}</time>
          <p class="soft break">{[entry.actor, ...described(entry)].join(" · ")}</p>
        </li>
      ))}
    </ol>
  );
}

function described({ details }: AuditEntry): string[] {
  const said = Object.entries(details).map(([name, value]) => [NAMES[name] ?? name, detailText(name, value)] as const);
  return said.filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}`);
}
