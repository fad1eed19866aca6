// Who hears of a site's conversations: email addresses, webhooks, and what was delivered.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, get, ofSite } from "../api.js";
import { ago, count, moment } from "../format.js";
import type { Delivery, Site, Webhook, Webhooks } from "../types.js";
import { Confirm } from "../ui/confirm.js";
import { Card } from "../ui/page.js";
import { Snippet } from "../ui/snippet.js";
import { Banner, Empty, Show } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { asError, useLoad } from "../use-load.js";
import { EmailCard } from "./emails.js";
import { Field } from "./form.js";

const FRESH_MS = 5_000;
const EVENTS: readonly [string, string][] = [
  ["conversation.started", "A conversation begins"],
  ["message.received", "A visitor writes a message"],
  ["person.asked", "A visitor asks for a person"],
  ["question.unanswered", "The chat has no answer"],
  ["task.ended", "A task is done or aborted"],
  ["conversation.deleted", "A conversation is erased"],
];
const STATES: Record<Delivery["state"], readonly [string, string]> = {
  delivered: ["Delivered", "done"],
  waiting: ["Waiting", "running"],
  failed: ["Given up", "aborted"],
};

interface Changed {
  id?: string;
  url: string;
  events: string[];
  enabled: boolean;
  newSecret?: boolean;
}

const nameOf = (event: string): string => EVENTS.find(([name]) => name === event)?.[1] ?? event;

export function NoticeSettings({ site }: { site: Site }): JSX.Element {
  const path = ofSite(site.id, "/webhooks");
  const loaded = useLoad((signal) => get<Webhooks>(path, signal), path);
  const [shown, setShown] = useState<Webhook | null>(null);
  /** Saves all endpoints; a secret in the answer is shown until the page is left. Throws `ApiError`. */
  const save = async (endpoints: Changed[]): Promise<void> => {
    const now = loaded.data;
    if (now === null) return;
    try {
      const after = await call<Webhooks>("PUT", path, { body: { endpoints, version: now.version } });
      setShown(after.endpoints.find((each) => each.secret !== null) ?? null);
      loaded.set(after);
    } catch (raised) {
      const error = asError(raised);
      if (error.status === 409) loaded.reload();
      throw error;
    }
  };
  return (
    <div class="settings">
      {shown?.secret && (
        <Banner kind="note">
          <h2>The secret of {shown.url}</h2>
          <p>Copy it now: it is not shown again. Your server checks each notice's signature with it.</p>
          <Snippet code={shown.secret} label="Webhook secret" />
        </Banner>
      )}
      <EmailCard site={site} />
      <Card title="Webhooks" flush>
        <Show of={loaded} rows={2}>
          {(data) => <Endpoints endpoints={data.endpoints} save={save} />}
        </Show>
      </Card>
      <Card title="Add a webhook">{loaded.data && <AddForm endpoints={loaded.data.endpoints} save={save} />}</Card>
      <Deliveries site={site} />
    </div>
  );
}

type Save = (endpoints: Changed[]) => Promise<void>;

function Endpoints({ endpoints, save }: { endpoints: Webhook[]; save: Save }): JSX.Element {
  if (endpoints.length === 0) return <Empty title="No endpoint yet">Each one is sent what happens in conversations, signed, as soon as it happens.</Empty>;
  return (
    <ul class="entries">
      {endpoints.map((endpoint) => (
        <Endpoint
          key={endpoint.id}
          endpoint={endpoint}
          change={(changes) => save(endpoints.map((each) => (each.id === endpoint.id ? { ...each, ...changes } : each)))}
          remove={() => save(endpoints.filter((each) => each.id !== endpoint.id))}
        />
      ))}
    </ul>
  );
}

interface EndpointProps {
  endpoint: Webhook;
  change: (changes: Partial<Changed>) => Promise<void>;
  remove: () => Promise<void>;
}

const ASKED = {
  secret: ["Make a new secret?", "New secret", "The old secret holds no more from now on. Your server needs the new one."],
  remove: ["Remove this endpoint?", "Remove", "What waits for it is dropped."],
} as const;

function Endpoint({ endpoint, change, remove }: EndpointProps): JSX.Element {
  const [asked, setAsked] = useState<keyof typeof ASKED | null>(null);
  const [title, confirm, text] = ASKED[asked ?? "remove"];
  const flip = (): Promise<void> => change({ enabled: !endpoint.enabled }).catch((error) => toast(asError(error).message, true));
  return (
    <li class="endpoint">
      <b class="break">{endpoint.url}</b>
      <p class="soft">{endpoint.events.map(nameOf).join(" · ")}</p>
      {endpoint.stopped !== null && <p class="bad-text">Switched off by the server: {endpoint.stopped}</p>}
      <div class="actions">
        <span class={endpoint.enabled ? "state done" : "state aborted"}>{endpoint.enabled ? "On" : "Off"}</span>
        <button type="button" class="plain" onClick={() => void flip()}>
          {endpoint.enabled ? "Switch off" : "Switch on"}
        </button>
        <button type="button" class="plain" onClick={() => setAsked("secret")}>
          New secret
        </button>
        <button type="button" class="plain bad" onClick={() => setAsked("remove")}>
          Remove
        </button>
      </div>
      {asked !== null && (
        <Confirm title={title} confirm={confirm} busy="One moment…" act={() => (asked === "secret" ? change({ newSecret: true }) : remove())} close={() => setAsked(null)}>
          <p>{text}</p>
        </Confirm>
      )}
    </li>
  );
}

function AddForm({ endpoints, save }: { endpoints: Webhook[]; save: Save }): JSX.Element {
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState<string[]>(["person.asked", "question.unanswered"]);
  const [error, setError] = useState<string | null>(null);
  const add = async (event: Event): Promise<void> => {
    event.preventDefault();
    setError(null);
    try {
      await save([...endpoints, { url, events, enabled: true }]);
      setUrl("");
    } catch (raised) {
      setError(asError(raised).message);
    }
  };
  const toggle = (name: string, isOn: boolean): void => setEvents(EVENTS.map(([each]) => each).filter((each) => (each === name ? isOn : events.includes(each))));
  return (
    <form onSubmit={(event) => void add(event)} noValidate>
      <Field label="Address" hint="It begins with https:// and is answered with a status of 200 to 299. A redirect is not followed." error={error}>
        {({ id, describedBy, isBad }) => (
          <input id={id} type="url" value={url} placeholder="https://example.com/hooks" aria-describedby={describedBy} aria-invalid={isBad} onInput={(event) => setUrl(event.currentTarget.value)} />
        )}
      </Field>
      <fieldset class="choices">
        <legend>Tell it when</legend>
        {EVENTS.map(([name, text]) => (
          <label key={name}>
            <input type="checkbox" checked={events.includes(name)} onChange={(event) => toggle(name, event.currentTarget.checked)} /> <span>{text}</span>
          </label>
        ))}
      </fieldset>
      <button type="submit" class="solid" disabled={url === "" || events.length === 0}>
        Add the endpoint
      </button>
    </form>
  );
}

function Deliveries({ site }: { site: Site }): JSX.Element {
  const path = ofSite(site.id, "/webhooks/deliveries");
  const loaded = useLoad((signal) => get<{ deliveries: Delivery[] }>(path, signal), path, FRESH_MS);
  return (
    <Card title="Deliveries" flush>
      <Show of={loaded} rows={3}>
        {({ deliveries }) =>
          deliveries.length === 0 ? (
            <Empty title="Nothing was sent yet" />
          ) : (
            <ul class="entries">
              {deliveries.map((delivery) => (
                <Row key={delivery.id + delivery.state} delivery={delivery} path={path} reload={loaded.reload} />
              ))}
            </ul>
          )
        }
      </Show>
    </Card>
  );
}

function Row({ delivery, path, reload }: { delivery: Delivery; path: string; reload: () => void }): JSX.Element {
  const [word, look] = STATES[delivery.state];
  const retry = async (): Promise<void> => {
    try {
      await call("POST", `${path}/${delivery.id}/retry`);
      toast("It is sent again.");
      reload();
    } catch (error) {
      toast(asError(error).message, true);
    }
  };
  const next = delivery.nextAttempt === null ? "" : `next attempt ${moment(delivery.nextAttempt)}`;
  const about = [ago(delivery.createdAt), delivery.attempts === 0 ? "" : count(delivery.attempts, "attempt"), delivery.error ?? "", next];
  return (
    <li>
      <b>{nameOf(delivery.event)}</b>
      <p class="soft break">{about.filter(Boolean).join(" · ")}</p>
      <div class="actions">
        <span class={`state ${look}`}>{word}</span>
        {delivery.state !== "delivered" && (
          <button type="button" class="plain" onClick={() => void retry()}>
            Retry
          </button>
        )}
      </div>
    </li>
  );
}
