// A confirmation in the browser's modal dialog, which traps the focus and restores it.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { asError } from "../use-load.js";
import { Banner } from "./states.js";

interface Props {
  title: string;
  children: ComponentChildren;
  confirm: string;
  /** The button's label while it acts. */
  busy?: string;
  /** The confirmed action. The dialog shows its error and stays open. */
  act: () => Promise<void>;
  close: () => void;
}

export function Confirm({ title, children, confirm, busy = "Deleting…", act, close }: Props): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const isOver = useRef(false);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    const box = dialog.current!;
    box.showModal();
    return () => {
      isOver.current = true;
      box.close();
      if (opener?.isConnected) opener.focus();
    };
  }, []);
  const run = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await act();
      close();
    } catch (raised) {
      setError(asError(raised).message);
      setBusy(false);
    }
  };
  return (
    <dialog
      ref={dialog}
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-text`}
      onCancel={(event) => {
        // Remove the dialog by rendering. A dialog closed by the browser reports it later, when it may be open again.
        event.preventDefault();
        close();
      }}
      onClose={() => !isOver.current && close()}
    >
      <h2 id={`${id}-title`}>{title}</h2>
      <div id={`${id}-text`} class="prose">
        {children}
      </div>
      {error && <Banner kind="bad">{error}</Banner>}
      <div class="actions end">
        <button type="button" class="plain" onClick={close} disabled={isBusy}>
          Cancel
        </button>
        <button type="button" class="danger" onClick={() => void run()} disabled={isBusy}>
          {isBusy ? busy : confirm}
        </button>
      </div>
    </dialog>
  );
}
