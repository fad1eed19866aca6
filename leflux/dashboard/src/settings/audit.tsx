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
    <div class="table-scroll tall" tabIndex={0} role="region" aria-label="Audit trail">
      <table>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">Details</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry, index) => (
            <tr key={index}>
              <td class="nowrap">
                <time dateTime={new Date(entry.ts).toISOString()}>{moment(entry.ts)}</time>
              </td>
              <td>{entry.actor}</td>
              <td>{entry.action.replace(/[._]/g, " ")}</td>
              <td class="soft break">
                {Object.entries(entry.details)
                  .map(([name, value]) => `${name}: ${value}`)
                  .join(" · ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
