import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, get, ofSite } from "../api.js";
import { count, DAY, duration, HOUR } from "../format.js";
import type { Privacy, Site } from "../types.js";
import { Confirm } from "../ui/confirm.js";
import { Card } from "../ui/page.js";
import { Banner, Show } from "../ui/states.js";
import { asError, useLoad } from "../use-load.js";
import { type Change, Conflict } from "./conflict.js";
import { type Draft, useDraft } from "./draft.js";
import { DurationField, Field, SaveBar, Switch } from "./form.js";

const PREVIEW_MS = 300;

interface Doomed {
  sessions: number;
  messages: number;
}

type Preview = { days: number; doomed: Doomed } | { days: number; error: string } | null;

export function PrivacySettings({ site }: { site: Site }): JSX.Element {
  const path = ofSite(site.id, "/privacy");
  const loaded = useLoad((signal) => get<Privacy>(path, signal), path);
  const draft = useDraft(path, loaded, () => get<Privacy>(path));
  const preview = usePreview(site, draft?.value.logRetentionDays ?? null);
  const [isAsking, setAsking] = useState(false);
  const doomed = preview !== null && "doomed" in preview && preview.days === draft?.value.logRetentionDays ? preview.doomed : null;
  return (
    <Show of={loaded} rows={10}>
      {(base) =>
        draft && (
          <form
            class="settings"
            noValidate
            onSubmit={(event) => {
              event.preventDefault();
              const isNewRule = draft.value.logRetentionDays !== base.logRetentionDays;
              if (isNewRule && doomed !== null && doomed.sessions > 0) setAsking(true);
              else void draft.save();
            }}
          >
            <Conflict draft={draft} changes={draft.newer === null ? [] : changed(base, draft.newer)} />
            {draft.wrong[""] && <Banner kind="bad">{draft.wrong[""]}</Banner>}
            <Retention draft={draft} />
            <Log draft={draft} preview={preview} />
            <SaveBar isDirty={draft.isDirty} isBusy={draft.isBusy} undo={draft.undo} />
            {isAsking && doomed !== null && (
              <Confirm title="Delete older conversations?" confirm="Save and delete" act={draft.save} close={() => setAsking(false)}>
                <p>
                  {sentence(doomed)} are older than {count(draft.value.logRetentionDays ?? 0, "day")} and will be erased from the
                  message log. This cannot be undone.
                </p>
              </Confirm>
            )}
          </form>
        )
      }
    </Show>
  );
}

function Retention({ draft }: { draft: Draft<Privacy> }): JSX.Element {
  const { value, set, wrong } = draft;
  return (
    <Card title="Session retention">
      <DurationField
        label="In the visitor's browser"
        hint={`A visitor who comes back within ${said(value.clientTtlMs)} still sees the conversation; after that their browser forgets it.`}
        ms={value.clientTtlMs}
        error={wrong["clientTtlMs"]}
        change={(clientTtlMs) => set({ clientTtlMs })}
      />
      <DurationField
        label="On the server, when idle"
        hint={`After ${said(value.idleTtlMs)} without a message the server lets the session go; the next message starts a new one that continues it.`}
        ms={value.idleTtlMs}
        error={wrong["idleTtlMs"]}
        change={(idleTtlMs) => set({ idleTtlMs })}
      />
      <DurationField
        label="The visitor's own details"
        hint={`Name, email and phone that a visitor has typed stay in their browser for ${said(value.userDataTtlMs)}, so that they need not type them again.`}
        ms={value.userDataTtlMs}
        error={wrong["userDataTtlMs"]}
        change={(userDataTtlMs) => set({ userDataTtlMs })}
      />
      <div class="actions">
        <button type="button" class="plain" onClick={() => set({ clientTtlMs: HOUR, idleTtlMs: HOUR / 6, userDataTtlMs: DAY })}>
          Use short times, for private matters
        </button>
      </div>
    </Card>
  );
}

function Log({ draft, preview }: { draft: Draft<Privacy>; preview: Preview }): JSX.Element {
  const { value, set, wrong } = draft;
  const days = value.logRetentionDays;
  return (
    <Card title="Message log">
      <Switch
        label="Keep a log of messages"
        hint={
          value.messageLog
            ? "Conversations are kept after their session has ended, and are shown here. Analytics count them."
            : "What is said from now on is gone when its session ends. What was logged before stays until it is deleted."
        }
        isOn={value.messageLog}
        change={(messageLog) => set({ messageLog })}
      />
      <fieldset class="choices">
        <legend>How long the log is kept</legend>
        <label>
          <input type="radio" name="keep" checked={days === null} onChange={() => set({ logRetentionDays: null })} />
          For ever, until you delete it
        </label>
        <label>
          <input type="radio" name="keep" checked={days !== null} onChange={() => set({ logRetentionDays: days ?? 90 })} />
          For a number of days
        </label>
      </fieldset>
      {days !== null && <Days days={days} error={wrong["logRetentionDays"]} set={(logRetentionDays) => set({ logRetentionDays })} />}
      {days !== null && <Forecast days={days} preview={preview} />}
    </Card>
  );
}

function Days({ days, error, set }: { days: number; error: string | undefined; set: (days: number) => void }): JSX.Element {
  return (
    <Field label="Days" hint="A conversation is deleted when its last message is older than this." error={error}>
      {({ id, describedBy, isBad }) => (
        <input
          id={id}
          class="short"
          type="number"
          inputMode="numeric"
          min={1}
          step={1}
          value={Number.isNaN(days) ? "" : days}
          aria-describedby={describedBy}
          aria-invalid={isBad}
          onInput={(event) => set(event.currentTarget.valueAsNumber)}
        />
      )}
    </Field>
  );
}

function Forecast({ days, preview }: { days: number; preview: Preview }): JSX.Element {
  const isOurs = preview !== null && preview.days === days;
  return (
    <p class="forecast" role="status">
      {!isOurs
        ? "Counting what this would delete…"
        : "error" in preview
          ? preview.error
          : preview.doomed.sessions === 0
            ? "This rule would delete nothing now."
            : `This rule would delete ${sentence(preview.doomed)} now.`}
    </p>
  );
}

const sentence = ({ sessions, messages }: Doomed): string => `${count(sessions, "conversation")} with ${count(messages, "message")}`;
const said = (ms: number): string => (ms > 0 ? duration(ms) : "…");

/** The number of sessions that a rule of `days` would delete now, loaded shortly after the last change. */
function usePreview(site: Site, days: number | null): Preview {
  const [preview, setPreview] = useState<Preview>(null);
  useEffect(() => {
    if (days === null || Number.isNaN(days)) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      call<Doomed>("POST", ofSite(site.id, "/privacy/preview"), { body: { logRetentionDays: days }, signal: abort.signal }).then(
        (doomed) => setPreview({ days, doomed }),
        (raised: unknown) => !abort.signal.aborted && setPreview({ days, error: asError(raised).message }),
      );
    }, PREVIEW_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [site.id, days]);
  return preview;
}

function changed(before: Privacy, after: Privacy): Change[] {
  const names = { clientTtlMs: "In the visitor's browser", idleTtlMs: "On the server, when idle", userDataTtlMs: "The visitor's own details" } as const;
  const changes: Change[] = [];
  for (const name of ["clientTtlMs", "idleTtlMs", "userDataTtlMs"] as const) {
    if (before[name] !== after[name]) changes.push([names[name], duration(before[name]), duration(after[name])]);
  }
  const onOff = (isOn: boolean): string => (isOn ? "on" : "off");
  const kept = (days: number | null): string => (days === null ? "for ever" : count(days, "day"));
  if (before.messageLog !== after.messageLog) changes.push(["Message log", onOff(before.messageLog), onOff(after.messageLog)]);
  if (before.logRetentionDays !== after.logRetentionDays)
    changes.push(["How long the log is kept", kept(before.logRetentionDays), kept(after.logRetentionDays)]);
  return changes;
}
