// The events of the chat, and their listeners.

import type { Plan, TaskEnd } from "./protocol.js";
import type { Message, SiteConfig } from "./types.js";

export type ChatEvent =
  | { name: "change" | "widget" | "taken-over" | "reindex" | "joined" | "proceed" | "stopped" | "stepped-down" }
  | { name: "cleared"; everything: boolean }
  | { name: "config"; config: SiteConfig }
  | { name: "message" | "reply"; message: Message }
  | { name: "restored"; how: "full" | "cached" | "new" }
  | { name: "typing"; on: boolean }
  | { name: "plan"; plan: Plan }
  | { name: "task-end"; how: "complete" | "aborted"; end: TaskEnd }
  | { name: "error"; code: string };

export class Emitter {
  private readonly listeners = new Set<(event: ChatEvent) => void>();

  /** Adds a listener. Returns a function that removes it. */
  on(listener: (event: ChatEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(event: ChatEvent): void {
    for (const listener of [...this.listeners]) listener(event);
  }

  changed(): void {
    this.emit({ name: "change" });
  }
}
