import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { call, get, ofSite } from "../api.js";
import { count, moment, shortId } from "../format.js";
import { useLoad } from "../load.js";
import { navigate, to } from "../router.js";
import type { Erasure, Site, Transcript } from "../types.js";
import { Confirm } from "../ui/confirm.js";
import { Icon } from "../ui/icons.js";
import { Messages } from "../ui/messages.js";
import { Card, Page } from "../ui/page.js";
import { Empty, Failed, Skeleton } from "../ui/states.js";
import { TaskCard } from "../ui/tasks.js";

const REFRESH_MS = 5_000;

export function TranscriptPage({ site, id }: { site: Site; id: string }): JSX.Element {
  const path = ofSite(site.id, `/sessions/${encodeURIComponent(id)}`);
  const loaded = useLoad((signal) => whole(path, signal), path, REFRESH_MS);
  const [isAsking, setAsking] = useState(false);
  const [receipt, setReceipt] = useState<Erasure | null>(null);
  const list = to(site.id, "conversations") + location.search;
  if (receipt !== null) return <Deleted {...receipt} id={id} list={list} />;
  const { data, error } = loaded;
  const isGone = error !== null && [404, 410].includes(error.status);
  const actions = data !== null && !isGone && (
    <button type="button" class="plain bad" onClick={() => setAsking(true)}>
      <Icon name="trash" /> Delete
    </button>
  );
  return (
    <Page of={id} title={titleFor(data, id)} lead={<Lead data={data} list={list} />} actions={actions}>
      {isGone ? <Gone list={list} /> : data !== null ? <Body site={site} data={data} /> : error !== null ? <Failed message={error.message} retry={loaded.reload} /> : <Skeleton rows={9} />}
      {isAsking && data !== null && (
        <Confirm
          title="Delete this conversation?"
          confirm="Delete for good"
          close={() => setAsking(false)}
          act={async () => setReceipt(await call<Erasure>("DELETE", path))}
        >
          <p>
            {count(data.messages.length, "message")}
            {data.tasks.length > 0 && `, ${count(data.tasks.length, "task")}`} and what is known of the visitor's page will be
            erased from this server and from the message log, and from the visitor's browser as soon as it comes back. This
            cannot be undone.
          </p>
        </Confirm>
      )}
    </Page>
  );
}

/** All of a conversation, however many answers it takes. */
async function whole(path: string, signal: AbortSignal): Promise<Transcript> {
  const first = await get<Transcript>(path, signal);
  let part = first;
  while (part.more && part.messages.length > 0) {
    part = await get<Transcript>(`${path}?since=${part.messages.at(-1)!.seq}`, signal);
    first.messages.push(...part.messages);
  }
  return first;
}

const TITLE_CHARS = 90;

/** What the visitor said first: it tells conversations apart better than an id does. */
function titleFor(data: Transcript | null, id: string): string {
  const first = data?.messages.find(({ role }) => role === "visitor")?.text.trim() ?? "";
  if (first === "") return `Conversation ${shortId(id)}`;
  return first.length > TITLE_CHARS ? `${first.slice(0, TITLE_CHARS)}…` : first;
}

function Lead({ data, list }: { data: Transcript | null; list: string }): JSX.Element {
  const first = data?.messages[0];
  const last = data?.messages.at(-1);
  return (
    <>
      <a href={list}>All conversations</a>
      {first && last && (
        <>
          {" "}
          · {moment(first.ts)} – {moment(last.ts)} · {count(data!.messages.length, "message")}
        </>
      )}
    </>
  );
}

function Gone({ list }: { list: string }): JSX.Element {
  return (
    <Empty title="This conversation is not here">
      It was deleted, or it never was. <a href={list}>All conversations</a>
    </Empty>
  );
}

function Body({ site, data }: { site: Site; data: Transcript }): JSX.Element {
  return (
    <div class="transcript">
      <section class="card talk" aria-label="Messages">
        <Chain site={site} id={data.continues} name="left">
          Continues an earlier conversation
        </Chain>
        {data.messages.length === 0 ? <Empty icon="chats" title="Nothing was said, or nothing was kept" /> : <Messages messages={data.messages} />}
        <Chain site={site} id={data.continuedBy} name="right">
          Went on in a later conversation
        </Chain>
      </section>
      <div class="about-session">
        <Facts data={data} />
        {data.tasks.map((task) => (
          <TaskCard key={task.taskId} task={task} />
        ))}
        <Context context={data.context} />
      </div>
    </div>
  );
}

function Chain({ site, id, name, children }: { site: Site; id: string | null; name: "left" | "right"; children: ComponentChildren }): JSX.Element | null {
  if (id === null) return null;
  return (
    <p class={`chain ${name}`}>
      <a href={to(site.id, "conversations", id)}>
        {name === "left" && <Icon name={name} />} {children} {name === "right" && <Icon name={name} />}
      </a>
    </p>
  );
}

function Facts({ data }: { data: Transcript }): JSX.Element {
  const facts: [string, string | undefined][] = [
    ["Session", data.sessionId],
    ["Visitor", data.visitorId ?? undefined],
    ["Began", moment(data.startedAt)],
    ["Last activity", moment(data.lastActivity)],
  ];
  return (
    <Card title="Details" aside={data.live ? <span class="live">Live</span> : undefined}>
      <dl class="details">
        {facts.map(
          ([name, value]) =>
            value && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
    </Card>
  );
}

function Context({ context }: { context: unknown }): JSX.Element | null {
  if (context === null || context === undefined) return null;
  const page = context as { url?: unknown; title?: unknown };
  return (
    <Card>
      <details>
        <summary>
          <Icon name="page" /> What the chat knows of the page
        </summary>
        {typeof page.title === "string" && <p class="soft">{page.title}</p>}
        {typeof page.url === "string" && <p class="soft break">{page.url}</p>}
        <pre tabIndex={0} aria-label="Page context as JSON">{JSON.stringify(context, null, 2)}</pre>
      </details>
    </Card>
  );
}

function Deleted({ deleted, receipt, id, list }: Erasure & { id: string; list: string }): JSX.Element {
  const at = receipt.deletedAt;
  const rows = Object.entries({ Sessions: deleted.sessions, Messages: deleted.messages, "Lines of the message log": deleted.logged, Tasks: deleted.tasks });
  return (
    <Page title="Conversation deleted" lead={`${shortId(id)}, ${moment(at)}`}>
      <Card title="Receipt">
        <p class="soft">This is what was erased. From now on the server refuses this session's id, and nothing can bring it back.</p>
        <dl class="details receipt">
          {rows.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
          <div>
            <dt>Session</dt>
            <dd>{id}</dd>
          </div>
          <div>
            <dt>Erased at</dt>
            <dd>{new Date(at).toISOString()}</dd>
          </div>
        </dl>
        <div class="actions">
          <button type="button" class="solid" onClick={() => navigate(list)}>
            Back to the conversations
          </button>
        </div>
      </Card>
    </Page>
  );
}
