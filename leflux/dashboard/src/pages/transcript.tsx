import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, get, ofSite } from "../api.js";
import { useConversation, type Watch } from "../conversation-watch.js";
import { count, moment, shortId } from "../format.js";
import { navigate, to } from "../router.js";
import type { Erasure, Site, Transcript } from "../types.js";
import { AnswerBox } from "../ui/answer-box.js";
import { Confirm } from "../ui/confirm.js";
import { Icon } from "../ui/icons.js";
import { Messages } from "../ui/messages.js";
import { Card, Page } from "../ui/page.js";
import { Empty, Failed, Skeleton } from "../ui/states.js";
import { TaskCard } from "../ui/task-card.js";
import { useLoad } from "../use-load.js";

const REFRESH_MS = 5_000;

export function TranscriptPage({ site, id }: { site: Site; id: string }): JSX.Element {
  const path = ofSite(site.id, `/sessions/${encodeURIComponent(id)}`);
  const loaded = useLoad((signal) => whole(path, signal), path, REFRESH_MS);
  const [isAsking, setAsking] = useState(false);
  const [receipt, setReceipt] = useState<Erasure | null>(null);
  const watch = useConversation(site.id, loaded.data?.conversationId ?? id, loaded.data?.live === true, loaded.reload);
  const list = to(site.id, "conversations") + location.search;
  const { data, error } = loaded;
  const conversationId = data?.conversationId ?? id;
  // A session id, which the server accepts too, does not stay in the address.
  useEffect(() => {
    if (conversationId !== id) navigate(to(site.id, "conversations", conversationId) + location.search, true);
  }, [conversationId, id]);
  if (receipt !== null) return <Deleted {...receipt} list={list} />;
  const isGone = error !== null && [404, 410].includes(error.status);
  const actions = data !== null && !isGone && (
    <button type="button" class="plain bad" onClick={() => setAsking(true)}>
      <Icon name="trash" /> Delete
    </button>
  );
  return (
    <Page of={id} title={titleFor(data, id)} lead={<Lead data={data} list={list} />} actions={actions}>
      {isGone ? <Gone list={list} /> : data !== null ? <Body site={site} data={data} path={path} watch={watch} reload={loaded.reload} /> : error !== null ? <Failed message={error.message} retry={loaded.reload} /> : <Skeleton rows={9} />}
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

/** Loads all messages of a conversation, in as many calls as needed. */
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

/** The first message of the visitor, as the title: it is more telling than an id. */
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

function Body({ site, data, path, watch, reload }: { site: Site; data: Transcript; path: string; watch: Watch; reload: () => void }): JSX.Element {
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
        <AnswerBox path={path} data={data} watch={watch} reload={reload} />
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
    ["Conversation", data.conversationId],
    ["Visitor", data.visitorId ?? undefined],
    ["Began", moment(data.startedAt)],
    ["Last activity", moment(data.lastActivity)],
    ["Answered by", data.person === null ? undefined : data.person.isYou ? `You, as ${data.person.name}` : data.person.name],
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
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it. */}
        <pre role="group" tabIndex={0} aria-label="Page context as JSON">{JSON.stringify(context, null, 2)}</pre>
      </details>
    </Card>
  );
}

function Deleted({ deleted, receipt, list }: Erasure & { list: string }): JSX.Element {
  const id = receipt.conversationId;
  const at = receipt.deletedAt;
  const rows = Object.entries({ Sessions: deleted.sessions, Messages: deleted.messages, "Lines of the message log": deleted.logged, Tasks: deleted.tasks });
  return (
    <Page title="Conversation deleted" lead={`${shortId(id)}, ${moment(at)}`}>
      <Card title="Receipt">
        <p class="soft">This is what was erased. From now on the server refuses the session, and nothing can bring it back.</p>
        <dl class="details receipt">
          {rows.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
          <div>
            <dt>Conversation</dt>
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
