import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get, ofSite } from "../api.js";
import { ROOT } from "../router.js";
import type { SiteConfig as Appearance, Settings, Site } from "../types.js";
import { Card } from "../ui/page.js";
import { Banner, Show } from "../ui/states.js";
import { useLoad } from "../use-load.js";
import { type Change, Conflict } from "./conflict.js";
import { useDraft } from "./draft.js";
import { Field, SaveBar, Switch } from "./form.js";

type TextName = "title" | "subtitle" | "greeting" | "placeholder" | "launcherLabel";

const TEXTS: readonly [TextName, string, string, number][] = [
  ["title", "Title", "Stands at the top of the chat.", 60],
  ["subtitle", "Subtitle", "A second, quieter line below it.", 100],
  ["greeting", "Greeting", "What a visitor reads before the first message.", 300],
  ["placeholder", "Placeholder", "Stands in the empty input.", 80],
  ["launcherLabel", "Launcher label", "Beside the launcher's icon; left empty, the icon stands alone.", 30],
];
const ACCENT = "#5b4bdb";
const MAX_CHIPS = 6;

export function AppearanceSettings({ site }: { site: Site }): JSX.Element {
  const path = ofSite(site.id, "/settings");
  const loaded = useLoad((signal) => get<Settings>(path, signal), path);
  const draft = useDraft(path, loaded, () => get<Settings>(path));
  return (
    <Show of={loaded} rows={10}>
      {(base) =>
        draft && (
          <form
            class="settings with-preview"
            noValidate
            onSubmit={(event) => {
              event.preventDefault();
              void draft.save();
            }}
          >
            <div>
              <Conflict draft={draft} changes={draft.newer === null ? [] : changed(base.config, draft.newer.config)} />
              {draft.wrong[""] && <Banner kind="bad">{draft.wrong[""]}</Banner>}
              <Form config={draft.value.config} wrong={draft.wrong} set={(changes) => draft.set({ config: cleaned({ ...draft.value.config, ...changes }) })} />
              <SaveBar isDirty={draft.isDirty} isBusy={draft.isBusy} undo={draft.undo} />
            </div>
            <Preview config={draft.value.config} />
          </form>
        )
      }
    </Show>
  );
}

/** Removes empty values, so that the widget's defaults apply. */
function cleaned(config: Appearance): Appearance {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== "" && value !== undefined)) as Appearance;
}

interface FormProps {
  config: Appearance;
  wrong: Record<string, string>;
  set: (changes: Partial<Appearance>) => void;
}

function Form({ config, wrong, set }: FormProps): JSX.Element {
  const error = (name: string): string | undefined => wrong[name] ?? wrong[`config.${name}`];
  return (
    <>
      <Card title="Words">
        {TEXTS.map(([name, label, hint, maxLength]) => (
          <Field key={name} label={label} hint={hint} error={error(name)}>
            {({ id, describedBy, isBad }) => (
              <input
                id={id}
                type="text"
                maxLength={maxLength}
                value={config[name] ?? ""}
                aria-describedby={describedBy}
                aria-invalid={isBad}
                onInput={(event) => set({ [name]: event.currentTarget.value })}
              />
            )}
          </Field>
        ))}
        <Chips chips={config.chips ?? []} error={error("chips")} set={(chips) => set({ chips })} />
      </Card>
      <Card title="Looks">
        <Field label="Colour" hint="The chat makes sure that text on it can be read." error={error("primaryColor")}>
          {({ id, describedBy }) => (
            <div class="color">
              <input id={id} type="color" value={config.primaryColor ?? ACCENT} aria-describedby={describedBy} onInput={(event) => set({ primaryColor: event.currentTarget.value })} />
              <code>{config.primaryColor ?? ACCENT}</code>
            </div>
          )}
        </Field>
        <Choice name="theme" label="Theme" value={config.theme ?? "auto"} options={{ auto: "Like the system", light: "Light", dark: "Dark" }} set={(theme) => set({ theme })} />
        <Choice name="position" label="Position" value={config.position ?? "right"} options={{ right: "Right", left: "Left" }} set={(position) => set({ position })} />
        <Switch
          label="Hide the launcher"
          hint="The chat then opens only when your page calls window.LeFlux.open()."
          isOn={config.hideLauncher ?? false}
          change={(hideLauncher) => set({ hideLauncher })}
        />
      </Card>
    </>
  );
}

function Chips({ chips, error, set }: { chips: string[]; error: string | undefined; set: (chips: string[]) => void }): JSX.Element {
  // Keep blank lines during typing.
  const [text, setText] = useState(() => chips.join("\n"));
  const lines = (typed: string): string[] => typed.split("\n").map((line) => line.trim()).filter(Boolean).slice(0, MAX_CHIPS);
  useEffect(() => {
    if (lines(text).join("\n") !== chips.join("\n")) setText(chips.join("\n"));
  }, [chips.join("\n")]);
  return (
    <Field label="Suggestions" hint={`Offered before the first message, one a line, at most ${MAX_CHIPS}.`} error={error}>
      {({ id, describedBy, isBad }) => (
        <textarea
          id={id}
          rows={4}
          value={text}
          aria-describedby={describedBy}
          aria-invalid={isBad}
          onInput={(event) => {
            setText(event.currentTarget.value);
            set(lines(event.currentTarget.value));
          }}
        />
      )}
    </Field>
  );
}

interface ChoiceProps<T extends string> {
  name: string;
  label: string;
  value: T;
  options: Record<T, string>;
  set: (value: T) => void;
}

function Choice<T extends string>({ name, label, value, options, set }: ChoiceProps<T>): JSX.Element {
  return (
    <fieldset class="choices row-wise">
      <legend>{label}</legend>
      {(Object.entries(options) as [T, string][]).map(([each, text]) => (
        <label key={each}>
          <input type="radio" name={name} checked={each === value} onChange={() => set(each)} />
          {text}
        </label>
      ))}
    </fieldset>
  );
}

/** The widget in preview mode, in a frame. It stores nothing and calls no server. */
function Preview({ config }: { config: Appearance }): JSX.Element {
  const frame = useRef<HTMLIFrameElement>(null);
  const [isReady, setReady] = useState(false);
  useEffect(() => {
    const hear = (event: MessageEvent): void => {
      if (event.source === frame.current?.contentWindow && (event.data as { previewReady?: boolean }).previewReady) setReady(true);
    };
    addEventListener("message", hear);
    return () => removeEventListener("message", hear);
  }, []);
  useEffect(() => {
    if (isReady) frame.current?.contentWindow?.postMessage({ preview: config }, location.origin);
  }, [isReady, config]);
  return (
    <aside class="preview" aria-label="Preview">
      <div>
        <iframe ref={frame} src={`${ROOT}preview.html`} title="Preview of the chat" />
      </div>
    </aside>
  );
}

function changed(before: Appearance, after: Appearance): Change[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Appearance>;
  const said = (value: unknown): string => (value === undefined ? "nothing" : Array.isArray(value) ? value.join(", ") : String(value));
  return [...names].filter((name) => said(before[name]) !== said(after[name])).map((name) => [name, said(before[name]), said(after[name])]);
}
