// Where a person of the site takes a conversation, speaks in it, and hands it back.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "../api.js";
import type { Watch } from "../conversation-watch.js";
import { ago } from "../format.js";
import { useSaidOutbox, type Waiting } from "../said-outbox.js";
import type { Transcript } from "../types.js";
import { asError } from "../use-load.js";
import { Confirm } from "./confirm.js";
import { Icon } from "./icons.js";
import { toast } from "./toast.js";

const MOST_CHARS = 5_000;

interface Props {
  path: string;
  data: Transcript;
  watch: Watch;
  reload: () => void;
}

export function AnswerBox({ path, data, watch, reload }: Props): JSX.Element | null {
  const outbox = useSaidOutbox(path, data.conversationId, reload);
  const end = useRef<HTMLDivElement>(null);
  const isYours = data.person?.isYou === true;
  const shown = data.messages.length + outbox.waiting.length;
  useEffect(() => {
    if (isYours) end.current?.scrollIntoView({ block: "nearest" });
  }, [isYours, shown]);
  if (!data.live) return null;
  return (
    <>
      {outbox.waiting.length > 0 && (
        <ol class="messages waiting" aria-label="Not sent yet">
          {outbox.waiting.map((item) => (
            <Unsent key={item.clientMessageId} item={item} retry={outbox.retry} discard={outbox.discard} />
          ))}
        </ol>
      )}
      <p class="typing-hint" role="status">{watch.isTyping ? "The visitor is typing…" : ""}</p>
      <div class="answer" ref={end}>
        {isYours ? <Composer path={path} watch={watch} say={outbox.say} reload={reload} name={data.person!.name} /> : <Take path={path} data={data} reload={reload} />}
      </div>
    </>
  );
}

function Unsent({ item, retry, discard }: { item: Waiting; retry: (id: string) => void; discard: (id: string) => void }): JSX.Element {
  const { clientMessageId, text, failed } = item;
  return (
    <li class="row" data-role="assistant" data-kind="person">
      <div class="bubble">
        <p dir="auto">{text}</p>
      </div>
      {failed === undefined ? (
        <p class="stamp">Sending…</p>
      ) : (
        <p class="stamp bad-text" role="alert">
          {failed}{" "}
          <button type="button" class="link" onClick={() => retry(clientMessageId)}>Try again</button>{" "}
          <button type="button" class="link" onClick={() => discard(clientMessageId)}>Discard</button>
        </p>
      )}
    </li>
  );
}

function Take({ path, data: { person }, reload }: { path: string; data: Transcript; reload: () => void }): JSX.Element {
  const [isAsking, setAsking] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const take = async (force: boolean): Promise<void> => {
    await call("POST", `${path}/take`, { body: { force } });
    reload();
  };
  const begin = (): void => {
    setBusy(true);
    take(false)
      .catch((raised: unknown) => {
        toast(asError(raised).message, true);
        reload();
      })
      .finally(() => setBusy(false));
  };
  if (person === null)
    return (
      <div class="answer-bar">
        <p class="soft">The chat answers here by itself. When you take over, it is silent and the visitor sees your name.</p>
        <button type="button" class="solid" onClick={begin} disabled={isBusy}>
          <Icon name="person" /> Take over
        </button>
      </div>
    );
  return (
    <div class="answer-bar">
      <p>
        <b>{person.name}</b> has this conversation <span class="soft">since {ago(person.since)}</span>
      </p>
      <button type="button" class="plain" onClick={() => setAsking(true)}>
        Take it over
      </button>
      {isAsking && (
        <Confirm title={`Take it from ${person.name}?`} confirm="Take over" busy="Taking over…" act={() => take(true)} close={() => setAsking(false)}>
          <p>{person.name} can no longer write here from then on, and sees that you have it. The visitor sees your name.</p>
        </Confirm>
      )}
    </div>
  );
}

function Composer({ path, watch, say, reload, name }: { path: string; watch: Watch; say: (text: string) => void; reload: () => void; name: string }): JSX.Element {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus({ preventScroll: true }), []);
  const send = (): void => {
    if (text.trim() === "") return;
    say(text.trim());
    setText("");
    field.current?.focus();
  };
  const release = (): void => {
    call("POST", `${path}/release`, { body: {} }).then(reload, (raised: unknown) => {
      toast(asError(raised).message, true);
      reload();
    });
  };
  return (
    <form
      class="answer-form"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div class="answer-head">
        <p>
          You answer as <b>{name}</b>
        </p>
        <button type="button" class="plain small" onClick={release}>
          Hand back
        </button>
      </div>
      <div class="answer-field">
        <textarea
          ref={field}
          rows={2}
          maxLength={MOST_CHARS}
          dir="auto"
          aria-label="Your message to the visitor"
          placeholder="Write to the visitor…"
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            watch.types();
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        <button type="submit" class="solid" disabled={text.trim() === ""}>
          Send
        </button>
      </div>
    </form>
  );
}
