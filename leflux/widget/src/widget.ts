// What the visitor sees of the chat: panel, launcher, draft. All tabs of the browser show the same.

import { type Chat, MAX_CHARS } from "./chat.js";
import type { Trouble } from "./records.js";
import type { BrowserStore, WidgetState } from "./storage.js";
import type { Tabs } from "./tabs.js";
import { Timers } from "./timers.js";
import type { CreateView, SiteConfig, View, ViewActions, ViewState } from "./types.js";
import { EVENTS } from "./wire.js";

const DRAFT_MS = 300;
/** What is painted first is not drawn again before it is in sight. */
const FIRST_MS = 30;

export class Widget {
  /** What the browser cannot keep. */
  storageTrouble: Trouble | null = null;
  private state: WidgetState;
  private launcherShown: boolean | null = null;
  private readonly view: View;
  private readonly timers = new Timers();
  private draft = "";
  private isDrawing = false;

  /** `told` hears `open`, `close`, `expand` and `collapse`, also when it happened in another tab. */
  constructor(
    page: Document,
    createView: CreateView,
    private readonly chat: Chat,
    private readonly store: BrowserStore,
    private readonly tabs: Tabs,
    private readonly locale: string,
    private readonly told: (name: string) => void,
  ) {
    this.state = store.widget();
    this.view = createView(page, this.actions());
  }

  get isOpen(): boolean {
    return this.state.open;
  }

  get isExpanded(): boolean {
    return this.state.open && this.state.docked;
  }

  /** Draw now, for the first time. */
  paint(): void {
    this.draft = this.store.draft();
    this.view.render(this.viewState());
    if (this.draft !== "") this.view.setDraft(this.draft);
    this.isDrawing = true;
    this.timers.set("first", FIRST_MS, () => this.draw());
  }

  /** Draw soon: everything that changes in one turn is drawn once. */
  redraw(): void {
    if (this.isDrawing) return;
    this.isDrawing = true;
    queueMicrotask(() => this.draw());
  }

  private draw(): void {
    this.isDrawing = false;
    this.view.render(this.viewState());
  }

  viewState(): ViewState {
    const { chat, state } = this;
    const { seq, messages } = chat.conversation.transcript;
    const seen = Math.min(state.seen, seq);
    const unread = state.open ? 0 : messages.filter((message) => message.role !== "visitor" && message.seq > seen).length;
    return {
      open: state.open,
      docked: state.docked,
      expanded: this.isExpanded,
      launcherVisible: this.launcherShown ?? state.config.hideLauncher !== true,
      messages: chat.shown,
      typing: chat.sync.typing,
      notice: chat.notice ?? this.storageTrouble,
      readOnly: chat.readOnly,
      unread,
      config: state.config,
      locale: this.locale,
      maxChars: MAX_CHARS,
      task: chat.progress.task,
      confirmation: chat.progress.confirmation,
    };
  }

  private actions(): ViewActions {
    const { chat } = this;
    return {
      open: () => this.change({ open: true }),
      close: () => this.change({ open: false }),
      dock: () => this.change({ docked: true }),
      undock: () => this.change({ docked: false }),
      send: (text) => void this.send(text),
      retry: (key) => chat.outbox.retry(key),
      discard: (key) => chat.outbox.remove(key),
      clear: () => chat.clear(),
      forget: () => void chat.forget(),
      confirm: (yes) => chat.confirm(yes),
      cancelTask: () => this.cancelTask(),
      used: () => {
        chat.used();
        this.timers.set("draft", DRAFT_MS, () => this.saveDraft());
      },
    };
  }

  /** What is not taken goes back to where it was typed. */
  send(text: string): string | null {
    const id = this.chat.say(text);
    if (id === null && this.view.draft() === "") this.view.setDraft(text);
    this.saveDraft();
    return id;
  }

  private cancelTask(): void {
    const taskId = this.chat.progress.task?.taskId;
    void this.chat.sync.ask(EVENTS.sequenceComplete, { taskId, result: { success: false, results: [] } });
  }

  change(change: Partial<WidgetState>): void {
    const seen = this.chat.conversation.transcript.seq;
    this.store.saveWidget({ ...this.store.widget(), ...this.state, ...change, seen });
    this.tabs.tell({ type: "widget" });
    this.apply({ ...this.state, ...change, seen });
  }

  configure(config: SiteConfig): void {
    if (JSON.stringify(config) === JSON.stringify(this.state.config)) return;
    this.state = { ...this.state, config };
    this.store.saveWidget(this.state);
    this.redraw();
  }

  /** Another tab has opened, closed or docked the panel. */
  follow(): void {
    if (this.store.persistent) this.apply(this.store.widget());
  }

  private apply(state: WidgetState): void {
    const [wasOpen, wasExpanded] = [this.isOpen, this.isExpanded];
    this.state = state;
    if (wasOpen !== this.isOpen) this.told(this.isOpen ? "open" : "close");
    if (wasExpanded !== this.isExpanded) this.told(this.isExpanded ? "expand" : "collapse");
    this.redraw();
  }

  showLauncher(visible: boolean): void {
    this.launcherShown = visible;
    this.redraw();
  }

  focus(): void {
    this.view.focusInput();
  }

  /** Only what was typed here: another tab's draft is not this one's to throw away. */
  saveDraft(): void {
    const draft = this.view.draft();
    if (draft === this.draft) return;
    this.draft = draft;
    this.store.saveDraft(draft);
  }

  destroy(): void {
    this.timers.clear();
    this.view.destroy();
  }
}
