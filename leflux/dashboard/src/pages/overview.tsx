import type { ComponentChildren, JSX } from "preact";
import { get, ofSite } from "../api.js";
import { count, millis, number, percent, shortDay } from "../format.js";
import { to } from "../router.js";
import type { Analytics, Day, SessionPage, Site } from "../types.js";
import { Plot } from "../ui/chart.js";
import { complete, lastDays } from "../ui/days.js";
import { Card, Page } from "../ui/page.js";
import { SessionList } from "../ui/session-list.js";
import { Snippet } from "../ui/snippet.js";
import { Empty, Show } from "../ui/states.js";
import { TurnedAway } from "../ui/turned-away.js";
import { type Loaded, useLoad } from "../use-load.js";

const REFRESH_MS = 15_000;
const SPAN = 14;

export function Overview({ site }: { site: Site }): JSX.Element {
  const numbers = useLoad((signal) => get<Analytics>(ofSite(site.id, `/analytics?${lastDays(SPAN)}`), signal), site.id, REFRESH_MS);
  const latest = useLoad((signal) => get<SessionPage>(ofSite(site.id, "/sessions?limit=6"), signal), site.id, REFRESH_MS);
  const live = useLoad((signal) => get<SessionPage>(ofSite(site.id, "/sessions?state=live&limit=100"), signal), site.id, REFRESH_MS);
  const isFresh = latest.data?.sessions.length === 0;
  return (
    <Page title="Overview" lead={`${site.name}, today`}>
      <TurnedAway site={site} />
      {isFresh && <Install site={site} />}
      <Show of={numbers} rows={3}>
        {(data) => <Tiles site={site} data={data} live={live} />}
      </Show>
      <Card
        title="Latest conversations"
        flush
        aside={
          <a class="more" href={to(site.id, "conversations")}>
            All conversations
          </a>
        }
      >
        <Show of={latest} rows={6}>
          {({ sessions }) =>
            sessions.length === 0 ? (
              <Empty icon="chats" title="No conversation yet">
                The first one appears here as soon as a visitor writes.
              </Empty>
            ) : (
              <SessionList site={site} sessions={sessions} />
            )
          }
        </Show>
      </Card>
    </Page>
  );
}

function Install({ site }: { site: Site }): JSX.Element {
  return (
    <Card title="Put the chat on your site">
      <p class="soft">
        Paste this before <code>&lt;/body&gt;</code> on every page of {site.allowedHosts.join(", ")}. Nothing else is needed.
      </p>
      <Snippet code={site.snippet} label="Embed snippet" />
    </Card>
  );
}

function Tiles({ site, data, live }: { site: Site; data: Analytics; live: Loaded<SessionPage> }): JSX.Element {
  const days = complete(data.days, SPAN);
  const today = days.at(-1)!;
  const restores = days.map((day) => day.restores);
  const [full, partial] = [sum(restores.map((r) => r.full)), sum(restores.map((r) => r.partial))];
  const more = live.data?.nextCursor ? "+" : "";
  return (
    <div class="tiles">
      <Tile label="Sessions today" value={number(today.sessions)} note={versus(days, "sessions")}>
        <Spark days={days} of="sessions" />
      </Tile>
      <Tile label="Messages today" value={number(today.messages)} note={versus(days, "messages")}>
        <Spark days={days} of="messages" />
      </Tile>
      <Tile label="Live now" value={live.data === null ? "–" : number(live.data.sessions.length) + more} note="sessions that still go on">
        <p class="soft tile-foot">
          <a href={`${to(site.id, "conversations")}?state=live`}>See who is there</a>
        </p>
      </Tile>
      <Tile label="Restored in full" value={percent(full, full + partial)} note={`${count(full + partial, "return")} in ${SPAN} days`}>
        <p class="soft tile-foot">
          {data.restoreMs.p95 === null ? "Not measured yet" : `95 % within ${millis(data.restoreMs.p95)}`}
        </p>
      </Tile>
    </div>
  );
}

function Tile({ label, value, note, children }: { label: string; value: string; note: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="tile">
      <h2>{label}</h2>
      <p class="figure">{value}</p>
      <p class="soft">{note}</p>
      {children}
    </section>
  );
}

function Spark({ days, of }: { days: Day[]; of: "sessions" | "messages" }): JSX.Element {
  const values = days.map((day) => day[of]);
  return (
    <>
      <p class="sr">
        Between {number(Math.min(...values))} and {number(Math.max(...values))} a day since {shortDay(days[0]!.date)}.
      </p>
      <Plot labels={days.map(({ date }) => date)} series={[{ label: of, values, color: "--series-1" }]} kind="lines" height={44} bare />
    </>
  );
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);

function versus(days: Day[], of: "sessions" | "messages"): string {
  const week = days.slice(-8, -1).map((day) => day[of]);
  return `${number(Math.round(sum(week) / week.length))} a day in the week before`;
}

