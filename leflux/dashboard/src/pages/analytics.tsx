import type { JSX } from "preact";
import { get, ofSite } from "../api.js";
import { count, millis, number, percent, shortDay } from "../format.js";
import { requery, useAddress } from "../router.js";
import type { Day, Analytics as Numbers, Site } from "../types.js";
import { Chart } from "../ui/chart.js";
import { complete, lastDays } from "../ui/days.js";
import { Card, Page } from "../ui/page.js";
import { Empty, Show } from "../ui/states.js";
import { useLoad } from "../use-load.js";

const SPANS = [7, 30, 90];

export function Analytics({ site }: { site: Site }): JSX.Element {
  const { query } = useAddress();
  const wanted = Number(query.get("days"));
  const span = SPANS.includes(wanted) ? wanted : 30;
  const loaded = useLoad((signal) => get<Numbers>(ofSite(site.id, `/analytics?${lastDays(span)}`), signal), `${site.id} ${span}`);
  const choice = (
    <div class="segments" role="group" aria-label="Period">
      {SPANS.map((days) => (
        <button key={days} type="button" aria-pressed={days === span} onClick={() => requery({ days: String(days) })}>
          {days} days
        </button>
      ))}
    </div>
  );
  return (
    <Page title="Analytics" lead="Days are counted in UTC." actions={choice}>
      <Show of={loaded} rows={12}>
        {(data) => <Charts data={data} span={span} />}
      </Show>
    </Page>
  );
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function Charts({ data, span }: { data: Numbers; span: number }): JSX.Element {
  const days = complete(data.days, span);
  return (
    <div class="charts">
      <Traffic days={days} />
      <Hours hours={data.hours} />
      <Questions questions={data.topQuestions} />
      <Restores days={days} data={data} />
      <Tasks days={days} />
    </div>
  );
}

function Traffic({ days }: { days: Day[] }): JSX.Element {
  const [sessions, messages, visitors] = (["sessions", "messages", "visitors"] as const).map((name) => days.map((day) => day[name]));
  const busiest = days.reduce((best, day) => (day.messages > best.messages ? day : best));
  const peak = busiest.messages === 0 ? "" : ` The busiest day was ${shortDay(busiest.date)} with ${count(busiest.messages, "message")}.`;
  return (
    <Card>
      <Chart
        title="Sessions, messages and visitors"
        summary={`${count(sum(sessions!), "session")} with ${count(sum(messages!), "message")} in ${days.length} days.${peak}`}
        axis="Day"
        labels={days.map(({ date }) => shortDay(date))}
        series={[
          { label: "Messages", values: messages!, color: "--series-1" },
          { label: "Sessions", values: sessions!, color: "--series-2" },
          { label: "Visitors", values: visitors!, color: "--series-3" },
        ]}
        kind="lines"
        height={260}
      />
    </Card>
  );
}

function Hours({ hours }: { hours: readonly number[] }): JSX.Element {
  const shift = -Math.round(new Date().getTimezoneOffset() / 60);
  const local = Array.from({ length: 24 }, (_, hour) => hours[(hour - shift + 48) % 24] ?? 0);
  const names = local.map((_, hour) => `${String(hour).padStart(2, "0")}:00`);
  const top = local.indexOf(Math.max(...local));
  const summary = sum(local) === 0 ? "No message in this time." : `Most messages come between ${names[top]} and ${names[(top + 1) % 24]}, by your clock.`;
  return (
    <Card>
      <Chart title="Busiest hours" summary={summary} axis="Hour" labels={names} series={[{ label: "Messages", values: local, color: "--series-1" }]} kind="bars" />
    </Card>
  );
}

function Questions({ questions }: { questions: readonly { text: string; count: number }[] }): JSX.Element {
  return (
    <Card title="Top questions">
      {questions.length === 0 ? (
        <Empty icon="chats" title="Nothing was asked in this time" />
      ) : (
        <ol class="ranking">
          {questions.slice(0, 8).map(({ text, count: times }) => (
            <li key={text}>
              <span>{text}</span>
              <meter min={0} max={questions[0]!.count} value={times} aria-hidden="true" />
              <b>
                {number(times)}
                <span class="sr"> times</span>
              </b>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

function Restores({ days, data }: { days: Day[]; data: Numbers }): JSX.Element {
  const { restoreMs: times, duplicates, gaps } = data;
  const [full, partial, fresh] = (["full", "partial", "new"] as const).map((name) => days.map((day) => day.restores[name]));
  const returns = sum(full!) + sum(partial!);
  return (
    <Card>
      <Chart
        title="Restored conversations"
        summary={returns === 0 ? "Nobody has come back to a conversation yet." : `${percent(sum(full!), returns)} of ${count(returns, "return")} brought back everything that was said.`}
        axis="Day"
        labels={days.map(({ date }) => shortDay(date))}
        series={[
          { label: "In full", values: full!, color: "--series-1" },
          { label: "Newest part", values: partial!, color: "--series-4" },
          { label: "New sessions", values: fresh!, color: "--series-5" },
        ]}
        kind="stacked"
      />
      <dl class="facts">
        {([["Half within", times.p50], ["95 % within", times.p95], ["99 % within", times.p99]] as const).map(([name, ms]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{millis(ms)}</dd>
          </div>
        ))}
      </dl>
      <p class="hint">
        {gaps === 0 ? "No page has missed a message" : `${count(gaps, "gap")} in what a page had received ${gaps === 1 ? "was" : "were"} closed from the store`};{" "}
        {duplicates === 0 ? "none came twice." : `${count(duplicates, "message")} came again after an interruption and ${duplicates === 1 ? "was" : "were"} kept once.`}
      </p>
    </Card>
  );
}

function Tasks({ days }: { days: Day[] }): JSX.Element {
  const [done, resumed, aborted] = (["done", "resumed", "aborted"] as const).map((name) => days.map((day) => day.tasks[name]));
  const ended = sum(done!) + sum(aborted!);
  return (
    <Card>
      <Chart
        title="Tasks on your pages"
        summary={ended === 0 ? "The chat has run no task in this time." : `${count(sum(done!), "task")} done, ${number(sum(aborted!))} aborted; ${number(sum(resumed!))} went on after a reload.`}
        axis="Day"
        labels={days.map(({ date }) => shortDay(date))}
        series={[
          { label: "Done", values: done!, color: "--series-3" },
          { label: "Resumed", values: resumed!, color: "--series-1" },
          { label: "Aborted", values: aborted!, color: "--series-6" },
        ]}
        kind="stacked"
      />
    </Card>
  );
}
