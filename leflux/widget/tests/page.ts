// A page with the parts that describe it and act on it. The test plays the server.
import { vi } from "vitest";
import type { BrowserStore } from "../src/browser-store.js";
import type { Chat } from "../src/chat.js";
import type { ChatEvent } from "../src/events.js";
import { PageInspector } from "../src/page-inspector.js";
import { PageReader } from "../src/page-reader.js";
import type { Plan, Step } from "../src/protocol.js";
import { memoryArea } from "../src/records.js";
import { TaskExecutor } from "../src/task-executor.js";
import { TaskJournal } from "../src/task-journal.js";
import { Progress } from "../src/task-progress.js";
import type { PageRules } from "../src/types.js";

export type Entry = { id: string; name: string };
// biome-ignore lint/suspicious/noExplicitAny: tests read payloads of every event.
type Said = { event: string; payload: Record<string, any> };

/** The page comes to rest at once: only the clock goes on. */
async function rest(ms: number): Promise<void> {
  vi.setSystemTime(Date.now() + ms);
}

export class Page {
  readonly said: Said[] = [];
  refuses = "";
  hosts: string[] = [];
  /** How many reports of a step stay without an answer; the page's description of itself is answered. */
  loses = 0;
  private readonly listeners: ((event: ChatEvent) => void)[] = [];
  readonly sync = { isJoined: true, ask: (event: string, payload: Said["payload"]) => this.ask(event, payload) };
  readonly progress = new Progress();
  /** `sessionStorage` */
  readonly session = memoryArea();
  readonly journal = new TaskJournal(() => this.session, "page", () => ({ url: location.href, type: "navigate" }));
  readonly chat = {
    sync: this.sync,
    visitor: { data: { name: "Ada" } },
    conversation: { key: "key" },
    on: (listener: (event: ChatEvent) => void) => void this.listeners.push(listener),
    progress: this.progress,
    tasks: { journal: this.journal },
    changed: () => undefined,
  } as unknown as Chat;
  /** As of a site that asks for the page at each page view. */
  rules: PageRules = { read: "view" };
  readonly reader = new PageReader(
    {
      store: { widget: () => ({ config: { context: this.rules } }) } as BrowserStore,
      url: () => location.href,
      readsPage: true,
      loadPage: () => Promise.resolve({ PageInspector }),
    },
    this.chat,
  );
  readonly inspector = new PageInspector(document, this.chat, this.reader);
  readonly executor = new TaskExecutor(document, this.chat, this.inspector, () => undefined, rest);

  private ask(event: string, payload: Said["payload"]): Promise<{ ok: boolean } | null> {
    this.said.push({ event, payload });
    if (this.loses > 0 && event !== "update_context") {
      this.loses -= 1;
      return Promise.resolve(null);
    }
    return Promise.resolve({ ok: event !== this.refuses });
  }

  /** The chat's event, as of a socket that has joined. */
  hear(event: ChatEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  run(...steps: Partial<Step>[]): Promise<void> {
    const actions = steps.map((step, index) => ({ id: `s${index}`, status: "pending", expectUrl: "", ...step }) as Step);
    return this.executor.start({ taskId: "t", actions, isSequence: true, hosts: this.hosts } as Plan);
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

/** Shows the page. Returns its element ids by name, and the clicks on it. */
export async function shop(page: Page, html: string): Promise<{ ids: Record<string, string>; clicked: string[] }> {
  show(html);
  const clicked: string[] = [];
  for (const button of document.querySelectorAll("button")) {
    button.addEventListener("click", () => clicked.push(button.id || button.textContent!));
  }
  await page.inspector.send();
  const { elements } = page.said.at(-1)!.payload["context"] as { elements: Entry[] };
  return { ids: Object.fromEntries(elements.map(({ name, id }) => [name, id])), clicked };
}

/** Lays the page out: each element in a row of its own, nothing over anything. */
function layOut(): void {
  const all = (): Element[] => [...document.body.querySelectorAll("*")];
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockImplementation(function (this: Element) {
    // happy-dom's `select` is a proxy, and `this` is what is behind it.
    const row = all().findIndex((element) => element === this || element.isEqualNode(this));
    return new DOMRect(10, 10 + 30 * row, 100, 20);
  });
  document.elementsFromPoint = (_, y) => all().filter((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return top < y && y < bottom;
  });
}

/** Opens a page with fake timers whose elements are all visible. */
export function open(): Page {
  vi.useFakeTimers();
  vi.spyOn(Element.prototype, "getClientRects").mockReturnValue([{}] as unknown as DOMRectList);
  layOut();
  return new Page();
}

export function close(page: Page): void {
  page.inspector.stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
}
