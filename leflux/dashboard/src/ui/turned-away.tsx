import type { JSX } from "preact";
import { get, ofSite } from "../api.js";
import { count } from "../format.js";
import type { Site, TurnedAwayHost } from "../types.js";
import { useLoad } from "../use-load.js";
import { Banner } from "./states.js";

const SHOWN = 5;

/** Hosts that show the widget and are not registered; nothing without any. */
export function TurnedAway({ site }: { site: Site }): JSX.Element | null {
  const path = ofSite(site.id, "/turned-away");
  const hosts = useLoad((signal) => get<{ hosts: TurnedAwayHost[] }>(path, signal), path).data?.hosts ?? [];
  if (hosts.length === 0) return null;
  return (
    <Banner kind="note">
      <h2>Visitors are turned away</h2>
      <ul>
        {hosts.slice(0, SHOWN).map(({ host, visitors }) => (
          <li key={host} class="break">
            {count(visitors, "visitor")} on <b>{host}</b> {visitors === 1 ? "was" : "were"} turned away: add this host, if it is yours.
          </li>
        ))}
      </ul>
    </Banner>
  );
}
