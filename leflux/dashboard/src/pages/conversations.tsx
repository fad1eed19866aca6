import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { call, download, get, ofSite } from "../api.js";
import { count, number } from "../format.js";
import { requery, useAddress } from "../router.js";
import type { DeletedCounts, SessionPage, SessionRow, Site } from "../types.js";
import { Confirm } from "../ui/confirm.js";
import { Icon } from "../ui/icons.js";
import { Page } from "../ui/page.js";
import { SessionList } from "../ui/session-list.js";
import { Empty, Failed, Skeleton } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { asError } from "../use-load.js";

const PAGE = 30;
const DEBOUNCE_MS = 250;
/** How often the list of live conversations is read again. */
const LIVE_MS = 5_000;
/** The most sessions that one call may delete. */
const AT_ONCE = 100;
/** Converts the address's `from` and `to` days to ms, the end exclusive. */
const FILTERS = ["q", "from", "to", "state"] as const;

export function Conversations({ site }: { site: Site }): JSX.Element {
  const { query } = useAddress();
  const filters = useMemo(() => filtersOf(query), [query.toString()]);
  const list = usePages(site, filters);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [isAsking, setAsking] = useState(false);
  useEffect(() => setChosen(new Set()), [filters]);
  const isLive = query.get("state") === "live";
  useEffect(() => {
    if (!isLive || list.sessions.length > PAGE) return;
    const timer = setInterval(() => document.visibilityState === "visible" && list.reload(), LIVE_MS);
    return () => clearInterval(timer);
  }, [isLive, list.sessions.length, filters]);
  const choose = (id: string, isChosen: boolean): void =>
    setChosen((last) => new Set(isChosen ? [...last, id] : [...last].filter((other) => other !== id)));
  const deleted = (): void => {
    setChosen(new Set());
    list.reload();
  };
  return (
    <Page title="Conversations" lead="Everything that visitors and the chat have said to each other." actions={<Exports site={site} filters={filters} />}>
      <Filters query={query} />
      <div class="card flush">
        {list.sessions.length > 0 && (
          <Selection sessions={list.sessions} chosen={chosen} choose={setChosen} remove={() => setAsking(true)} />
        )}
        <Results site={site} list={list} isFiltered={filters !== ""} chosen={chosen} choose={choose} query={query} />
      </div>
      {isAsking && <DeleteChosen site={site} rows={list.sessions.filter(({ conversationId }) => chosen.has(conversationId))} done={deleted} close={() => setAsking(false)} />}
    </Page>
  );
}

/** The query for the server; empty without filters. */
function filtersOf(query: URLSearchParams): string {
  const wanted = new URLSearchParams();
  for (const name of FILTERS) {
    const value = query.get(name)?.trim();
    if (!value) continue;
    const day = new Date(`${value}T00:00`);
    // A day may have 23 or 25 hours.
    if (name === "to") day.setDate(day.getDate() + 1);
    const isDay = (name === "from" || name === "to") && !Number.isNaN(day.getTime());
    if (isDay) wanted.set(name, String(day.getTime()));
    else if (name === "q" || name === "state") wanted.set(name, value);
  }
  return wanted.toString();
}

interface Pages {
  sessions: SessionRow[];
  next: string | null;
  isLoading: boolean;
  error: string | null;
  more: () => void;
  reload: () => void;
}

/** Loads a listing page by page, from the start when the filters change. */
function usePages(site: Site, filters: string): Pages {
  const [shown, setShown] = useState<{ sessions: SessionRow[]; next: string | null }>({ sessions: [], next: null });
  const [ask, setAsk] = useState<{ cursor: string | null; filters: string }>({ cursor: null, filters });
  const [isLoading, setLoading] = useState(true);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => setAsk((last) => (last.filters === filters ? last : { cursor: null, filters })), [filters]);
  useEffect(() => {
    const abort = new AbortController();
    const cursor = ask.cursor === null ? "" : `&cursor=${encodeURIComponent(ask.cursor)}`;
    setLoading(true);
    get<SessionPage>(ofSite(site.id, `/sessions?limit=${PAGE}&${ask.filters}${cursor}`), abort.signal).then(
      ({ sessions, nextCursor }) => {
        if (sessions.length === 0 && nextCursor !== null) {
          // No session of the wanted state so far.
          setAsk({ cursor: nextCursor, filters: ask.filters });
          return;
        }
        setShown((last) => ({ sessions: ask.cursor === null ? sessions : merged(last.sessions, sessions), next: nextCursor }));
        setError(null);
        setLoading(false);
      },
      (raised: unknown) => {
        if (abort.signal.aborted) return;
        if (ask.cursor === null) setShown({ sessions: [], next: null });
        setError(asError(raised).message);
        setLoading(false);
      },
    );
    return () => abort.abort();
  }, [ask, site.id]);
  return {
    ...shown,
    isLoading,
    error,
    more: () => setAsk({ cursor: shown.next, filters }),
    reload: () => setAsk({ cursor: null, filters }),
  };
}

/** Removes duplicates of sessions that moved between two pages. */
function merged(before: SessionRow[], added: SessionRow[]): SessionRow[] {
  const known = new Set(before.map(({ conversationId }) => conversationId));
  return [...before, ...added.filter(({ conversationId }) => !known.has(conversationId))];
}

function Filters({ query }: { query: URLSearchParams }): JSX.Element {
  const [words, setWords] = useState(query.get("q") ?? "");
  useEffect(() => {
    if (words === (query.get("q") ?? "")) return;
    const timer = setTimeout(() => requery({ q: words }), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [words]);
  const change = (name: string) => (event: Event) => requery({ [name]: (event.currentTarget as HTMLInputElement).value });
  return (
    <search class="filters">
      <label class="search">
        <span class="sr">Search in messages: whole words, or the beginning of the last</span>
        <Icon name="search" />
        <input type="search" placeholder="Search in messages" value={words} onInput={(event) => setWords(event.currentTarget.value)} />
      </label>
      <label>
        <span>From</span>
        <input type="date" value={query.get("from") ?? ""} max={query.get("to") ?? ""} onChange={change("from")} />
      </label>
      <label>
        <span>To</span>
        <input type="date" value={query.get("to") ?? ""} min={query.get("from") ?? ""} onChange={change("to")} />
      </label>
      <label>
        <span>Show</span>
        <select value={query.get("state") ?? ""} onChange={change("state")}>
          <option value="">All</option>
          <option value="live">Live</option>
          <option value="ended">Ended</option>
        </select>
      </label>
    </search>
  );
}

function Exports({ site, filters }: { site: Site; filters: string }): JSX.Element {
  const link = (format: string): string => download(site.id, `format=${format}&${filters}`);
  const wanted = new URLSearchParams(filters);
  const what = wanted.has("q") || wanted.has("state") ? "the conversations that are listed" : filters === "" ? "all days" : "the chosen days";
  return (
    <>
      <a class="plain" href={link("csv")} download={`${site.id}.csv`} title={`Every message of ${what}, as a table`}>
        <Icon name="download" /> CSV<span class="sr">: export every message of {what}</span>
      </a>
      <a class="plain" href={link("jsonl")} download={`${site.id}.jsonl`} title={`Every message of ${what}, one JSON object a line`}>
        <Icon name="download" /> JSONL<span class="sr">: export every message of {what}</span>
      </a>
    </>
  );
}

interface SelectionProps {
  sessions: SessionRow[];
  chosen: ReadonlySet<string>;
  choose: (ids: ReadonlySet<string>) => void;
  remove: () => void;
}

function Selection({ sessions, chosen, choose, remove }: SelectionProps): JSX.Element {
  const isAll = chosen.size === sessions.length;
  return (
    <div class="selection">
      <label>
        <input
          type="checkbox"
          checked={isAll}
          ref={(box) => {
            if (box) box.indeterminate = chosen.size > 0 && !isAll;
          }}
          onChange={() => choose(isAll ? new Set() : new Set(sessions.map(({ conversationId }) => conversationId)))}
        />
        <span>{chosen.size === 0 ? "Select all" : `${number(chosen.size)} selected`}</span>
      </label>
      <button type="button" class="ghost bad" disabled={chosen.size === 0} onClick={remove}>
        <Icon name="trash" /> Delete
      </button>
    </div>
  );
}

interface ResultsProps {
  site: Site;
  list: Pages;
  isFiltered: boolean;
  chosen: ReadonlySet<string>;
  choose: (id: string, isChosen: boolean) => void;
  query: URLSearchParams;
}

function Results({ site, list, isFiltered, chosen, choose, query }: ResultsProps): JSX.Element {
  const { sessions, isLoading, error, next } = list;
  if (error !== null && sessions.length === 0) return <Failed message={error} retry={list.reload} />;
  if (sessions.length === 0 && isLoading) return <Skeleton rows={8} />;
  if (sessions.length === 0)
    return isFiltered ? (
      <Empty icon="search" title="Nothing matches">
        <p>A search finds whole words; only the last one may be a beginning.</p>
        <button type="button" class="plain" onClick={() => requery({ q: "", from: "", to: "", state: "" })}>
          Clear the filters
        </button>
      </Empty>
    ) : (
      <Empty icon="chats" title="No conversation yet">
        The first one appears here as soon as a visitor writes.
      </Empty>
    );
  const back = query.size === 0 ? "" : `?${query.toString()}`;
  return (
    <div aria-busy={isLoading}>
      <p class="sr" role="status">
        {isLoading ? "" : `${count(sessions.length, "conversation")} shown`}
      </p>
      <SessionList site={site} sessions={sessions} chosen={chosen} choose={choose} query={back} />
      {error !== null && <p class="list-foot bad-text" role="alert">{error}</p>}
      {next !== null && (
        <div class="list-foot">
          <button type="button" class="plain" onClick={list.more} disabled={isLoading}>
            {isLoading ? "Loading…" : "Load more"}
          </button>
        </div>
      )}
    </div>
  );
}

function DeleteChosen({ site, rows, done, close }: { site: Site; rows: SessionRow[]; done: () => void; close: () => void }): JSX.Element {
  const act = async (): Promise<void> => {
    let messages = 0;
    for (let start = 0; start < rows.length; start += AT_ONCE) {
      const body = { ids: rows.slice(start, start + AT_ONCE).map(({ conversationId }) => conversationId) };
      const { deleted } = await call<{ deleted: DeletedCounts }>("POST", ofSite(site.id, "/sessions/delete"), { body });
      messages += Math.max(deleted.messages, deleted.logged);
    }
    toast(`Deleted ${count(rows.length, "conversation")} with ${count(messages, "message")}.`);
    done();
  };
  const messages = rows.reduce((total, row) => total + row.messages, 0);
  return (
    <Confirm title={`Delete ${count(rows.length, "conversation")}?`} confirm="Delete for good" act={act} close={close}>
      <p>
        {count(messages, "message")} will be erased here, in the message log and in the visitors' browsers, as soon as they
        come back. This cannot be undone.
      </p>
    </Confirm>
  );
}
