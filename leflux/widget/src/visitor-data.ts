// The visitor's name, email and the like, kept so that an agent need not ask again.

import type { BrowserStore } from "./browser-store.js";
import type { Message } from "./types.js";

const ASKED = ["name", "email", "phone"];

export class VisitorData {
  /** With `keeps` false, nothing is stored and earlier data is deleted. */
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

  /** Stores values by name. An empty value removes its name. */
  save(data: Record<string, string>, ttlMs: number): void {
    if (!this.keeps) return;
    const known = Object.entries({ ...this.data, ...data }).filter(([, value]) => typeof value === "string" && value !== "");
    this.store.saveUserData(Object.fromEntries(known), this.now() + ttlMs);
  }

  /** Stores `text` if `question` asked for the visitor's data. */
  saveAnswer(question: Message | undefined, text: string, ttlMs: number): void {
    const ask = question?.kind === "question" ? (question.data as { ask?: unknown } | null)?.ask : null;
    if (ASKED.includes(ask as string)) this.save({ [ask as string]: text.trim() }, ttlMs);
  }
}
