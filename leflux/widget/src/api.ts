// The public API `window.LeFlux`, and the events for the page.

import type { LeFluxApi, LeFluxEvent, LeFluxState } from "../leflux.js";
import type { Chat } from "./chat.js";
import type { ChatEvent } from "./events.js";
import { dispatch } from "./listen.js";
import type { Message } from "./types.js";
import type { Widget } from "./widget.js";

type Handler = (detail: unknown) => void;

/** Dispatches events to the page: as `leflux:<name>` on `window`, and to the handlers added with `on`. */
export class Announcer {
  private readonly handlers = new Map<string, Set<Handler>>();

  private hasWarned = false;

  constructor(
    private readonly page: Window,
    private readonly debug: boolean,
  ) {}

  dispatch(name: LeFluxEvent, detail: unknown = null): void {
    if (this.debug) console.debug("leflux", name, detail);
    for (const handler of [...(this.handlers.get(name) ?? [])]) {
      try {
        handler(detail);
      } catch (error) {
        // Report the page's error to the page without stopping the chat.
        setTimeout(() => {
          throw error;
        });
      }
    }
    dispatch(this.page, new CustomEvent(`leflux:${name}`, { detail }));
  }

  /** Says something once in the console. */
  warn(text: string): void {
    if (!this.hasWarned) console.warn(text);
    this.hasWarned = true;
  }

  on(name: string, handler: Handler): void {
    this.handlers.set(name, (this.handlers.get(name) ?? new Set()).add(handler));
  }

  off(name: string, handler: Handler): void {
    this.handlers.get(name)?.delete(handler);
  }
}

/** Translates an event of the chat into the page's event. */
export function announce(event: ChatEvent, announcer: Announcer): void {
  if (event.name === "message" || event.name === "reply") announcer.dispatch(event.name, event.message);
  else if (event.name === "restored") announcer.dispatch("restored", { how: event.how });
  else if (event.name === "typing") announcer.dispatch(event.on ? "typing-start" : "typing-end");
  else if (event.name === "error") {
    if (event.code === "host_not_registered") announcer.warn(`LeFlux: add ${location.hostname} to the site's hosts: allowed_hosts: [${location.hostname}]`);
    announcer.dispatch("error", { error: event.code });
  }
  else if (event.name === "task-end") announcer.dispatch("task_complete", { ...event.end, success: event.how === "complete" });
  else if (event.name === "taken-over" || event.name === "cleared") announcer.dispatch(event.name);
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
    open: (options) => {
      widget.change({ open: true });
      if (options?.focus === true) widget.focus();
    },
    close: () => widget.change({ open: false }),
    toggle: () => widget.change({ open: !widget.isOpen }),
    stop: () => chat.stop(),
    send: (text) => {
      widget.removal.finish();
      return chat.say(String(text));
    },
    ask: (text) => {
      widget.removal.finish();
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

/** Sends `text` and resolves with the next reply. Rejects when the text is not accepted or the conversation is cleared first. */
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
