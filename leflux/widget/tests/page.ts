// A page with the parts that describe it and act on it; the server is played by what the test says.
import { vi } from "vitest";
import type { Chat } from "../src/chat.js";
import { Executor } from "../src/executor.js";
import { Inspector } from "../src/inspector.js";
import { Timers } from "../src/timers.js";
import type { Plan, Step } from "../src/wire.js";

export type Entry = { id: string; name: string };
type Said = { event: string; payload: Record<string, any> };

export class Page {
  readonly said: Said[] = [];
  refuses = "";
  readonly sync = { isJoined: true, ask: (event: string, payload: Said["payload"]) => this.ask(event, payload) };
  readonly chat = { sync: this.sync, visitor: { data: { name: "Ada" } } } as unknown as Chat;
  readonly timers = new Timers();
  readonly inspector = new Inspector(document, this.chat, this.timers);
  readonly executor = new Executor(document, this.chat, this.inspector, () => undefined);

  private ask(event: string, payload: Said["payload"]): Promise<{ ok: boolean }> {
    this.said.push({ event, payload });
    return Promise.resolve({ ok: event !== this.refuses });
  }

  run(...steps: Partial<Step>[]): Promise<void> {
    const actions = steps.map((step, index) => ({ id: `s${index}`, status: "pending", expectUrl: "", ...step }) as Step);
    return this.executor.start({ taskId: "t", actions, isSequence: true } as Plan);
  }

  get results(): (string | boolean)[] {
    return this.said.filter(({ event }) => event === "action_complete").map(({ payload }) => payload["result"].error ?? true);
  }

  events(): string[] {
    return this.said.map(({ event }) => event);
  }
}

export function show(html: string): void {
  document.body.innerHTML = html;
}

/** A page whose elements are all visible, by a clock that the test turns. */
export function open(): Page {
  vi.useFakeTimers();
  vi.spyOn(Element.prototype, "getClientRects").mockReturnValue([{}] as unknown as DOMRectList);
  return new Page();
}

export function close(page: Page): void {
  page.inspector.stop();
  page.timers.clear();
  vi.useRealTimers();
  vi.restoreAllMocks();
}
