// The task as all tabs show it: its progress, its stop, and what a tab that gives it up has done of it.

import type { Env } from "./env.js";
import type { ChatEvent } from "./events.js";
import type { Ack, Task } from "./protocol.js";
import { EVENTS } from "./protocol.js";
import type { Hint } from "./tabs.js";
import type { TaskJournal } from "./task-journal.js";
import type { Progress } from "./task-progress.js";
import { stringify } from "./text.js";

/** What `TaskTabs` needs of the chat. */
interface TaskHost {
  readonly isLeader: boolean;
  readonly conversation: { readonly sessionId: string | null };
  readonly sync: { rejoin(): Promise<void>; ask(event: string, payload: object): Promise<Ack<object> | null> };
  on(listener: (event: ChatEvent) => void): unknown;
  emit(event: ChatEvent): void;
  changed(): void;
}

export class TaskTabs {
  readonly journal: TaskJournal;
  private told = "";

  constructor(
    private readonly env: Env,
    private readonly progress: Progress,
    private readonly host: TaskHost,
  ) {
    this.journal = env.journal;
    host.on(({ name }) => name === "change" && this.tell());
  }

  private get sessionId(): string | null {
    return this.host.conversation.sessionId;
  }

  /** Shows the task of before the reload until the server has answered. */
  load(): void {
    this.progress.task = this.journal.shown;
  }

  wake(): void {
    this.env.tabs.send({ type: "task?" });
  }

  /** Takes over the server's state. A task that the visitor has stopped is over, though the server may not know yet. */
  state(task: Task | null): void {
    const isLive = task?.status === "running" || task?.status === "held";
    this.progress.state(this.journal.isStopped(task?.taskId) ? null : task);
    if (!isLive) this.journal.clear();
  }

  /** The leader tells the other tabs, and the journal, what is shown. */
  tell(isAsked = false): void {
    const { task, confirmation } = this.progress;
    const next = stringify({ task, confirmation });
    if (!this.host.isLeader || (next === this.told && !isAsked)) return;
    this.told = next;
    if (task !== null) this.journal.show(task);
    this.env.tabs.send({ type: "task", sessionId: this.sessionId, task, confirmation });
  }

  /** Stops the task in every tab at once. The server hears of it now, or with the next join. */
  stop(): void {
    const taskId = this.progress.task?.taskId;
    if (taskId === undefined) return;
    this.env.tabs.send({ type: "stop", taskId });
    this.stopped(taskId);
  }

  private stopped(taskId: string): void {
    this.journal.stop(taskId);
    this.progress.end();
    this.host.emit({ name: "stopped" });
    void this.host.sync.ask(EVENTS.sequenceComplete, { taskId, result: { success: false, results: [] } });
    this.host.changed();
  }

  /** Another tab is the leader now: this one acts no more. */
  giveUp(): void {
    const journal = this.journal.giveUp();
    this.host.emit({ name: "stepped-down" });
    if (journal !== null) this.env.tabs.send({ type: "journal", sessionId: this.sessionId, journal });
  }

  /** Returns false for a hint about something else. */
  heard(hint: Hint): boolean {
    if (hint.type === "stop") this.stopped(hint.taskId);
    else if (hint.type === "task?") this.tell(true);
    else if (hint.type !== "task" && hint.type !== "journal") return false;
    else if (hint.sessionId !== this.sessionId) return true;
    else if (hint.type === "task" && !this.host.isLeader) {
      Object.assign(this.progress, { task: hint.task, confirmation: hint.confirmation });
      this.host.changed();
    } else if (hint.type === "journal" && this.host.isLeader) {
      this.journal.adopt(hint.journal);
      void this.host.sync.rejoin();
    }
    return true;
  }
}
