// `window.LeFlux`, and the events that the page hears.

import type { LeFluxApi, LeFluxEvent, LeFluxState } from "../leflux.js";
import type { Chat } from "./chat.js";
import type { ChatEvent } from "./env.js";
import type { Message } from "./types.js";
import type { Widget } from "./widget.js";

type Handler = (detail: unknown) => void;

/** Tells the page what happens: each event is `leflux:<name>` on `window`, and calls the handlers of `on`. */
export class Announcer {
  private readonly handlers = new Map<string, Set<Handler>>();

  constructor(
    private readonly page: Window,
    private readonly debug: boolean,
  ) {}

  tell(name: LeFluxEvent, detail: unknown = null): void {
    if (this.debug) console.debug("leflux", name, detail);
    for (const handler of [...(this.handlers.get(name) ?? [])]) {
      try {
        handler(detail);
      } catch (error) {
        // The page's mistake is the page's to see, and does not stop the chat.
        setTimeout(() => {
          throw error;
        });
      }
    }
    this.page.dispatchEvent(new CustomEvent(`leflux:${name}`, { detail }));
  }

  on(name: string, handler: Handler): void {
    this.handlers.set(name, (this.handlers.get(name) ?? new Set()).add(handler));
  }

  off(name: string, handler: Handler): void {
    this.handlers.get(name)?.delete(handler);
  }
}

/** What happens in the chat, as the page is told. */
export function announce(event: ChatEvent, announcer: Announcer): void {
  if (event.name === "message" || event.name === "reply") announcer.tell(event.name, event.message);
  else if (event.name === "restored") announcer.tell("restored", { how: event.how });
  else if (event.name === "typing") announcer.tell(event.on ? "typing-start" : "typing-end");
  else if (event.name === "error") announcer.tell("error", { error: event.code });
  else if (event.name === "task-end") announcer.tell("task_complete", { ...event.end, success: event.how === "complete" });
  else if (event.name === "taken-over" || event.name === "cleared") announcer.tell(event.name);
}

export interface Parts {
  chat: Chat;
  widget: Widget;
  announcer: Announcer;
  isReady: () => boolean;
  destroy: () => void;
}

export function makeApi({ chat, widget, announcer, isReady, destroy }: Parts): LeFluxApi {
  return {
    open: () => widget.change({ open: true }),
    close: () => widget.change({ open: false }),
    toggle: () => widget.change({ open: !widget.isOpen }),
    send: (text) => chat.say(String(text)),
    ask: (text) => {
      widget.change({ open: true });
      return answerTo(chat, String(text));
    },
    setVisitorData: (data) => chat.setVisitorData(data),
    dock: () => widget.change({ docked: true }),
    undock: () => widget.change({ docked: false }),
    clearConversation: () => chat.clear(),
    showLauncher: (visible = true) => widget.showLauncher(visible),
    reindex: () => chat.emit({ name: "reindex" }),
    destroy,
    isReady,
    isOpen: () => widget.isOpen,
    isExpanded: () => widget.isExpanded,
    getSessionId: () => chat.conversation.sessionId,
    getState: () => publicState(chat, widget),
    on: (name, handler) => announcer.on(name, handler as Handler),
    off: (name, handler) => announcer.off(name, handler as Handler),
  };
}

export function publicState(chat: Chat, widget: Widget): LeFluxState {
  const { open, docked, expanded, typing, readOnly, notice, unread } = widget.viewState();
  const { sessionId, transcript } = chat.conversation;
  const waiting = chat.outbox.messages.length;
  return {
    sessionId, open, docked, expanded, typing, readOnly, notice, unread, waiting,
    connected: chat.sync.isJoined,
    seq: transcript.seq,
  };
}

/** The first reply that follows on `text`. Rejects when it is not taken, or the conversation is cleared before. */
function answerTo(chat: Chat, text: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    let asked = Infinity;
    const stop = chat.on((event) => {
      if (event.name === "message" && event.message.clientMessageId === id) asked = event.message.seq;
      if (event.name === "reply" && event.message.seq > asked) {
        stop();
        resolve(event.message);
      } else if (event.name === "cleared") {
        stop();
        reject(new Error("the conversation was cleared"));
      }
    });
    const id = chat.say(text);
    if (id !== null) return;
    stop();
    reject(new Error("the message was not taken"));
  });
}
