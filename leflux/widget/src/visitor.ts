// What the visitor tells of themselves, so that it need not be asked again.

import type { BrowserStore } from "./storage.js";
import type { Message } from "./types.js";

const ASKED = ["name", "email", "phone"];

export class Visitor {
  private known: Record<string, string> = {};

  /** With `keeps` false, what is told lives only as long as the page. */
  constructor(
    private readonly store: BrowserStore,
    private readonly keeps: boolean,
    private readonly now: () => number,
  ) {}

  get data(): Record<string, string> {
    return this.keeps ? this.store.userData(this.now()) : { ...this.known };
  }

  /** Adds to what is known; an empty value removes it. */
  tell(data: Record<string, string>, ttlMs: number): void {
    const told = Object.entries({ ...this.data, ...data }).filter(([, value]) => typeof value === "string" && value !== "");
    this.known = Object.fromEntries(told);
    if (this.keeps) this.store.saveUserData(this.known, this.now() + ttlMs);
  }

  /** `text` answers `question`, if that is one about the visitor. */
  answer(question: Message | undefined, text: string, ttlMs: number): void {
    const ask = question?.kind === "question" ? (question.data as { ask?: unknown } | null)?.ask : null;
    if (typeof ask === "string" && ASKED.includes(ask)) this.tell({ [ask]: text.trim() }, ttlMs);
  }

  forget(): void {
    this.known = {};
  }
}
