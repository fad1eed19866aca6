// A view on a page that records its actions.

import type { ShownMessage, View, ViewActions, ViewState } from "../../src/types.js";
import { createView } from "../../src/view/index.js";

export type Call = [keyof ViewActions, ...unknown[]];

const NAMES = [
  "open", "close", "dock", "undock", "send", "retry", "discard", "clear", "forget", "confirm", "cancelTask", "used", "undo", "askAgain", "stop",
] as const satisfies readonly (keyof ViewActions)[];

export const NOON = new Date(2026, 4, 5, 12).getTime();

export function message(key: string, changes: Partial<ShownMessage> = {}): ShownMessage {
  return { key, id: `id-${key}`, seq: 1, role: "assistant", text: `text of ${key}`, ts: NOON, status: "sent", ...changes };
}

export const CALM: ViewState = {
  open: true, docked: false, expanded: false, launcherVisible: true, messages: [], typing: false, writing: false, notice: null, person: null,
  readOnly: false, unread: 0, config: {}, locale: "en", maxChars: 5_000, clockOffset: 0, task: null, confirmation: null,
  removal: null,
};

export class Screen {
  readonly calls: Call[] = [];
  /** `refuses` or `throws`: what sending does. */
  refuses = "";
  readonly view: View;
  readonly shadow: ShadowRoot;

  constructor() {
    const actions = Object.fromEntries(NAMES.map((name) => [name, (...args: unknown[]) => this.act([name, ...args])]));
    this.view = createView(document, actions as unknown as ViewActions, () => new Promise(() => undefined));
    this.shadow = document.querySelector("leflux-widget")!.shadowRoot!;
  }

  private act(call: Call): boolean {
    if (call[0] === "send" && this.refuses === "throws") throw new Error("cannot save");
    this.calls.push(call);
    return call[0] !== "send" || this.refuses === "";
  }

  render(changes: Partial<ViewState> = {}): void {
    this.view.render({ ...CALM, ...changes });
  }

  /** The recorded actions except `used`. */
  asked(): Call[] {
    return this.calls.filter(([name]) => name !== "used");
  }

  part<T extends HTMLElement = HTMLElement>(name: string): T {
    return this.shadow.querySelector<T>(`[part="${name}"]`)!;
  }

  parts(name: string): HTMLElement[] {
    return [...this.shadow.querySelectorAll<HTMLElement>(`[part="${name}"]`)];
  }

  all(selector: string): HTMLElement[] {
    return [...this.shadow.querySelectorAll<HTMLElement>(selector)];
  }

  /** Finds a button by its text or accessible name. */
  button(label: string): HTMLButtonElement {
    return this.all("button").find((b) => b.textContent === label || b.getAttribute("aria-label") === label) as HTMLButtonElement;
  }

  spoken(): string[] {
    return this.all("[aria-live=polite] > p").map((p) => p.textContent ?? "");
  }

  get input(): HTMLTextAreaElement {
    return this.part<HTMLTextAreaElement>("input");
  }

  get focused(): Element | null {
    return this.shadow.activeElement;
  }

  type(text: string): void {
    this.input.value = text;
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  press(key: string, on: HTMLElement = this.input, more: KeyboardEventInit = {}): KeyboardEvent {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true, ...more });
    on.dispatchEvent(event);
    return event;
  }

  close(): void {
    this.view.destroy();
  }
}
