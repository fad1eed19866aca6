// The parts that the settings' forms share.

import type { ComponentChildren, JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { UNITS, unitOf } from "../format.js";

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: string | null | undefined;
  children: (ids: { id: string; describedBy: string; isBad: boolean }) => ComponentChildren;
}

/** A labelled control with a hint and an error. */
export function Field({ label, hint, error, children }: FieldProps): JSX.Element {
  const id = useId();
  return (
    <div class={error ? "field wrong" : "field"}>
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {children({ id, describedBy: `${id}-hint ${id}-error`, isBad: Boolean(error) })}
      <p class="wrong-text" id={`${id}-error`} role="alert">
        {error}
      </p>
    </div>
  );
}

interface DurationProps {
  label: string;
  hint: string;
  ms: number;
  error?: string | null | undefined;
  change: (ms: number) => void;
}

export function DurationField({ label, hint, ms, error, change }: DurationProps): JSX.Element {
  const [unit, setUnit] = useState(() => unitOf(ms));
  const [name, size] = ms % unit[1] === 0 ? unit : unitOf(ms);
  return (
    <Field label={label} hint={hint} error={error}>
      {({ id, describedBy, isBad }) => (
        <div class="duration">
          <input
            id={id}
            type="number"
            inputMode="numeric"
            min={1}
            step={1}
            value={Number.isNaN(ms) ? "" : ms / size}
            aria-describedby={describedBy}
            aria-invalid={isBad}
            onInput={(event) => change(event.currentTarget.valueAsNumber * size)}
          />
          <select
            aria-label={`${label}: unit`}
            value={name}
            onChange={(event) => {
              const next = UNITS.find(([each]) => each === event.currentTarget.value) ?? UNITS[0];
              setUnit(next);
              change((ms / size) * next[1]);
            }}
          >
            {UNITS.map(([each]) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </div>
      )}
    </Field>
  );
}

interface SwitchProps {
  label: string;
  hint: string;
  isOn: boolean;
  change: (isOn: boolean) => void;
}

export function Switch({ label, hint, isOn, change }: SwitchProps): JSX.Element {
  const id = useId();
  return (
    <div class="field switch">
      {/* biome-ignore lint/a11y/useAriaPropsForRole: a native checkbox states whether it is checked. */}
      <input id={id} type="checkbox" role="switch" checked={isOn} aria-describedby={`${id}-hint`} onChange={(event) => change(event.currentTarget.checked)} />
      <label for={id}>{label}</label>
      <p class="hint" id={`${id}-hint`}>
        {hint}
      </p>
    </div>
  );
}

interface SaveProps {
  isDirty: boolean;
  isBusy: boolean;
  undo: () => void;
}

export function SaveBar({ isDirty, isBusy, undo }: SaveProps): JSX.Element {
  return (
    <div class={isDirty ? "save-bar dirty" : "save-bar"}>
      <p class="soft" role="status">
        {isBusy ? "Saving…" : isDirty ? "Not saved yet" : "Everything is saved"}
      </p>
      <button type="button" class="plain" disabled={!isDirty || isBusy} onClick={undo}>
        Undo
      </button>
      <button type="submit" class="solid" disabled={!isDirty || isBusy}>
        Save
      </button>
    </div>
  );
}
