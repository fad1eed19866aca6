// The state of panel, launcher and draft. All tabs of the browser show the same.

import type { BrowserStore, WidgetState } from "./browser-store.js";
import type { Chat } from "./chat.js";
import type { StorageProblem } from "./records.js";
import { Removal, type RemovalHost } from "./removal.js";
import { siteConfig } from "./site-config.js";
import type { Tabs } from "./tabs.js";
import { stringify } from "./text.js";
import { Timers } from "./timers.js";
import type { CreateView, SiteConfig, View, ViewActions, ViewState } from "./types.js";

const DRAFT_MS = 300;
/** The least time between the first and the second rendering. */
const FIRST_MS = 30;

export class Widget {
  /** The last failure of the browser's storage. */
  storageProblem: StorageProblem | null = null;
  private state: WidgetState;
  readonly removal: Removal;
  private launcherShown: boolean | null = null;
  private readonly view: View;
  private readonly timers = new Timers();
  private draft = "";
  /** What was typed when the conversation was removed. It goes with it. */
  private oldDraft: string | null = null;
  private isDrawing = false;
  private wantsFocus = false;

  /** `notify` is called with `open`, `close`, `expand` and `collapse`, also for changes in another tab. */
  constructor(
    page: Document,
    createView: CreateView,
    private readonly chat: Chat,
    private readonly store: BrowserStore,
    private readonly tabs: Tabs,
    private readonly locale: string,
    private readonly notify: (name: string) => void,
  ) {
    this.state = store.widget();
    this.removal = new Removal(store, this.removalHost(), () => Date.now());
    this.view = createView(page, this.actions());
  }

  private removalHost(): RemovalHost {
    const { chat, tabs } = this;
    return {
      get isLeader() {
        return chat.isLeader;
      },
      get sessionId() {
        return chat.conversation.sessionId;
      },
      get sessionIds() {
        return chat.conversation.sessionIds;
      },
      clear: (at) => chat.clear(true, at),
      forgetVisitor: () => chat.forgetVisitor(),
      erase: (sessionId) => chat.sync.erase(sessionId),
      changed: () => {
        this.noteDraft();
        tabs.send({ type: "widget" });
        this.redraw();
      },
    };
  }

  get isOpen(): boolean {
    return this.state.open;
  }

  get isExpanded(): boolean {
    return this.state.open && this.state.docked;
  }

  /** Renders for the first time. */
  paint(): void {
    this.removal.load();
    this.draft = this.store.draft();
    this.view.render(this.viewState());
    if (this.draft !== "") this.view.setDraft(this.draft);
    this.isDrawing = true;
    this.timers.set("first", FIRST_MS, () => this.draw());
  }

  /** Schedules one rendering for all changes of this task. */
  redraw(): void {
    if (this.isDrawing) return;
    this.isDrawing = true;
    queueMicrotask(() => this.draw());
  }

  private draw(): void {
    this.isDrawing = false;
    this.view.render(this.viewState());
    if (this.wantsFocus) this.view.focusInput();
    this.wantsFocus = false;
  }

  viewState(): ViewState {
    const { chat, state } = this;
    const { seq, messages } = chat.conversation.transcript;
    const seen = Math.min(state.seen, seq);
    const removal = this.removal.pending;
    const unread = state.open || removal !== null ? 0 : messages.filter((message) => message.role !== "visitor" && message.seq > seen).length;
    return {
      open: state.open,
      docked: state.docked,
      expanded: this.isExpanded,
      launcherVisible: this.launcherShown ?? state.config.hideLauncher !== true,
      messages: removal === null ? chat.shown : [],
      typing: chat.sync.typing && removal === null,
      writing: (chat.sync.typing || chat.conversation.transcript.stream !== null) && removal === null,
      notice: chat.notice ?? this.storageProblem,
      readOnly: chat.readOnly,
      unread,
      config: state.config,
      locale: this.locale,
      maxChars: chat.conversation.messageChars,
      clockOffset: chat.conversation.clockOffset,
      task: removal === null ? chat.progress.task : null,
      confirmation: removal === null ? chat.progress.confirmation : null,
      removal,
    };
  }

  private actions(): ViewActions {
    const { chat } = this;
    return {
      open: () => this.change({ open: true }),
      close: () => this.change({ open: false }),
      dock: () => this.change({ docked: true }),
      undock: () => this.change({ docked: false }),
      send: (text) => {
        const isTaken = this.send(text) !== null;
        // The view empties the input after this.
        queueMicrotask(() => this.saveDraft());
        return isTaken;
      },
      retry: (key) => chat.outbox.retry(key),
      discard: (key) => chat.outbox.remove(key),
      clear: () => this.removal.begin("clear"),
      forget: () => this.removal.begin("forget"),
      undo: () => this.removal.undo(),
      pageKnown: () => chat.page.known(),
      askAgain: () => void this.send(this.lastSaid() ?? ""),
      stop: () => chat.stop(),
      confirm: (yes) => chat.confirm(yes),
      cancelTask: () => chat.tasks.stop(),
      used: () => {
        chat.used();
        this.timers.set("draft", DRAFT_MS, () => this.saveDraft());
      },
    };
  }

  /** Sends a message, unless it is a draft that another tab has just sent. A text that is not accepted goes back into the input. */
  send(text: string): string | null {
    if (this.dropSentDraft()) return null;
    this.removal.finish();
    const id = this.chat.say(text);
    if (id === null && this.view.draft() === "") this.view.setDraft(text);
    return id;
  }

  /** Removes a draft from another page view that another tab has sent since. */
  private dropSentDraft(): boolean {
    const { draft, store } = this;
    const last = this.lastSaid();
    const isSent = draft !== "" && draft === this.view.draft() && store.persistent && store.draft() === "" && last === draft.trim();
    if (isSent) {
      this.draft = "";
      this.view.setDraft("");
    }
    return isSent;
  }

  private lastSaid(): string | undefined {
    return this.chat.shown.filter(({ role }) => role === "visitor").at(-1)?.text;
  }

  change(change: Partial<WidgetState>): void {
    const seen = this.chat.conversation.transcript.seq;
    this.store.saveWidget({ ...this.store.widget(), ...this.state, ...change, seen });
    this.tabs.send({ type: "widget" });
    this.apply({ ...this.state, ...change, seen });
  }

  configure(sent: SiteConfig): void {
    const config = siteConfig(sent);
    if (stringify(config) === stringify(this.state.config)) return;
    this.state = { ...this.state, config };
    this.store.saveWidget(this.state);
    this.redraw();
  }

  /** Loads the panel's state after a change in another tab. */
  reload(): void {
    if (this.store.persistent) this.apply(this.store.widget());
    this.removal.load();
    this.noteDraft();
    this.dropSentDraft();
  }

  private noteDraft(): void {
    this.oldDraft = this.removal.pending === null ? null : (this.oldDraft ?? this.view.draft());
  }

  /** The conversation is gone, and with it what was typed before. */
  dropDraft(): void {
    this.draft = "";
    if (this.oldDraft === null || this.view.draft() === this.oldDraft) this.view.setDraft("");
    else this.saveDraft();
  }

  private apply(state: WidgetState): void {
    const [wasOpen, wasExpanded] = [this.isOpen, this.isExpanded];
    this.state = state;
    if (wasOpen !== this.isOpen) this.notify(this.isOpen ? "open" : "close");
    if (wasExpanded !== this.isExpanded) this.notify(this.isExpanded ? "expand" : "collapse");
    this.redraw();
  }

  showLauncher(visible: boolean): void {
    this.launcherShown = visible;
    this.redraw();
  }

  /** Focuses the input after the next rendering. */
  focus(): void {
    this.wantsFocus = true;
    this.redraw();
  }

  /** Stores the draft if it changed in this tab; otherwise it would overwrite another tab's draft. */
  saveDraft(): void {
    const draft = this.view.draft();
    if (draft === this.draft) return;
    this.draft = draft;
    this.store.saveDraft(draft);
  }

  destroy(): void {
    this.timers.clear();
    this.removal.stop();
    this.view.destroy();
  }
}
