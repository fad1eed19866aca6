import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "./icons.js";
import { toast } from "./toast.js";

/** Code with a copy button. */
export function Snippet({ code, label }: { code: string; label: string }): JSX.Element {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(code);
      setCopied(true);
      toast("Copied to the clipboard.");
    } catch {
      toast("This browser does not let the page copy. Select the text and copy it.", true);
    }
  };
  return (
    <div class="snippet">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it. */}
      <pre role="group" tabIndex={0} aria-label={label}>
        <code>{code}</code>
      </pre>
      <button type="button" class="plain" onClick={() => void copy()}>
        <Icon name={isCopied ? "check" : "copy"} /> {isCopied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
