// A button that copies a block of code.

import { button, icon, set } from "./dom.js";

const SHOWN_MS = 1_500;

export function copyButton(code: HTMLElement, label: string): HTMLButtonElement {
  const node = button(null, label, icon("copy"), () => {
    void navigator.clipboard?.writeText(code.textContent ?? "").then(() => {
      set(node, "data-done", "");
      setTimeout(() => set(node, "data-done", null), SHOWN_MS);
    });
  });
  set(node, "class", "copy");
  return node;
}
