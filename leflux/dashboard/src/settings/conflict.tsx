import type { JSX } from "preact";
import { Banner } from "../ui/states.js";
import type { Draft } from "./draft.js";

export type Change = readonly [name: string, before: string, after: string];

/** Shows the changes that somebody else has saved, with the choice to keep or discard the draft. */
export function Conflict<T>({ draft, changes }: { draft: Draft<T>; changes: readonly Change[] }): JSX.Element | null {
  if (draft.newer === null) return null;
  return (
    <Banner kind="bad">
      <h2>Somebody else has saved these settings meanwhile</h2>
      <p>Nothing of yours is saved yet. They changed:</p>
      <ul class="changes">
        {changes.map(([name, before, after]) => (
          <li key={name}>
            <b>{name}</b>: {before} → {after}
          </li>
        ))}
        {changes.length === 0 && <li>nothing that you see here</li>}
      </ul>
      <div class="actions">
        <button type="button" class="plain" onClick={draft.takeNewer}>
          Load theirs
        </button>
        <button type="button" class="plain" onClick={draft.keepMine}>
          Keep mine, to save it over theirs
        </button>
      </div>
    </Banner>
  );
}
