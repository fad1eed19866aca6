// What the visitor tells of themselves, so that it need not be asked again.

import type { BrowserStore } from "./storage.js";
import type { Message } from "./types.js";

const ASKED = ["name", "email", "phone"];

export class Visitor {
  /** With `keeps` false nothing is known beyond the conversation itself, and what was kept before is dropped. */
  constructor(
    private readonly store: BrowserStore,
    private readonly keeps: boolean,
    private readonly now: () => number,
  ) {
    if (!keeps) store.userData(Infinity);
  }

  get data(): Record<string, string> {
    return this.store.userData(this.now());
  }

  /** Adds to what is known; an empty value removes it. */
  tell(data: Record<string, string>, ttlMs: number): void {
    if (!this.keeps) return;
    const told = Object.entries({ ...this.data, ...data }).filter(([, value]) => typeof value === "string" && value !== "");
    this.store.saveUserData(Object.fromEntries(told), this.now() + ttlMs);
  }

  /** `text` answers `question`, if that is one about the visitor. */
  answer(question: Message | undefined, text: string, ttlMs: number): void {
    const ask = question?.kind === "question" ? (question.data as { ask?: unknown } | null)?.ask : null;
    if (ASKED.includes(ask as string)) this.tell({ [ask as string]: text.trim() }, ttlMs);
  }
}
