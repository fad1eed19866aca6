import type { JSX } from "preact";
import { get, ofSite } from "../api.js";
import { moment } from "../format.js";
import { useLoad } from "../load.js";
import type { AuditEntry, Site } from "../types.js";
import { Empty, Show } from "../ui/states.js";

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

function Trail({ entries }: { entries: AuditEntry[] }): JSX.Element {
  return (
    <ol class="trail">
      {entries.map((entry, index) => (
        <li key={index}>
          <b>{entry.action.replace(/[._]/g, " ")}</b>
          <time dateTime={new Date(entry.ts).toISOString()}>{moment(entry.ts)}</time>
          <p class="soft break">
            {[entry.actor, ...Object.entries(entry.details).map(([name, value]) => `${name}: ${value}`)].join(" · ")}
          </p>
        </li>
      ))}
    </ol>
  );
}
