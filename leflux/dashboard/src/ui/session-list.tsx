import type { JSX } from "preact";
import { ago, count, moment } from "../format.js";
import { to } from "../router.js";
import type { SessionRow, Site } from "../types.js";

interface Props {
  site: Site;
  sessions: readonly SessionRow[];
  /** If given, each row has a checkbox. */
  chosen?: ReadonlySet<string>;
  choose?: (conversationId: string, isChosen: boolean) => void;
  /** The query that is appended to each link: the search behind this list. */
  query?: string;
}

export function SessionList({ site, sessions, chosen, choose, query = "" }: Props): JSX.Element {
  return (
    <ul class="sessions">
      {sessions.map((session) => (
        <li key={session.conversationId} class={chosen?.has(session.conversationId) ? "chosen" : undefined}>
          {choose && (
            <label class="pick">
              <span class="sr">Select: {titleOf(session)}</span>
              <input
                type="checkbox"
                checked={chosen?.has(session.conversationId) ?? false}
                onChange={(event) => choose(session.conversationId, event.currentTarget.checked)}
              />
            </label>
          )}
          <a href={to(site.id, "conversations", session.conversationId) + query}>
            <Avatar of={session.visitorId ?? session.conversationId} />
            <span class="first">{titleOf(session)}</span>
            <span class="about soft">
              {session.live && <span class="live">Live</span>}
              {session.person && <span class="state running">{session.person.isYou ? "You" : session.person.name}</span>}
              {session.waitingSince !== null && <span class="state waiting">Waiting · {ago(session.waitingSince)}</span>}
              <span>{count(session.messages, "message")}</span>
              <time dateTime={new Date(session.lastActivity).toISOString()} title={moment(session.lastActivity)}>
                {ago(session.lastActivity)}
              </time>
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}

export const titleOf = ({ firstText }: { firstText: string }): string => firstText.trim() || "(no text from the visitor)";

/** A colour and two letters derived from the visitor's id, to tell visitors apart without naming them. */
function Avatar({ of }: { of: string }): JSX.Element {
  let hash = 0;
  for (const letter of of) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  return (
    <span class={`avatar hue-${hash % 6}`} aria-hidden="true">
      {of.replace(/[^a-z0-9]/gi, "").slice(0, 2).toUpperCase()}
    </span>
  );
}
