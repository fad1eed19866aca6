// What the visitor sees of a task: how far it is, and what it asks. Running its steps is not done here.

import type { Connection } from "./connection.js";
import type { Desk } from "./env.js";
import type { Confirmation, TaskProgress } from "./types.js";
import type { ConfirmationRequired, Plan, Step, Task, TaskEnd } from "./wire.js";
import { EVENTS } from "./wire.js";

export class Progress {
  task: TaskProgress | null = null;
  confirmation: Confirmation | null = null;

  /** The server's state of things, which ends whatever was shown of another task. */
  state(task: Task | null | undefined): void {
    const shown = task?.status === "running" || task?.status === "held";
    if (this.task?.taskId !== task?.taskId || !shown) this.confirmation = null;
    this.task = shown ? show(task.taskId, task.steps, task.status as "running" | "held") : null;
  }

  /** After a reload a plan holds only what is left of the task. */
  plan({ taskId, actions }: Plan): void {
    this.task = show(taskId, actions, "running", this.task?.taskId === taskId ? this.task.total : 0);
  }

  confirm(asked: ConfirmationRequired): void {
    const { confirm_label: confirmLabel, cancel_label: cancelLabel, ...rest } = asked;
    this.confirmation = { ...rest, confirmLabel, cancelLabel };
  }

  /** What was asked is off the screen. */
  answered(): Partial<Confirmation> {
    const asked = this.confirmation ?? {};
    this.confirmation = null;
    return asked;
  }

  end(): void {
    this.task = this.confirmation = null;
  }
}

/** What the server says of tasks; the message of a task's end is one like any other. */
export function followTasks(
  connection: Connection,
  progress: Progress,
  sync: { message(message: unknown): void },
  desk: Pick<Desk, "emit" | "changed">,
): void {
  const ended = (how: "complete" | "aborted", end: TaskEnd): void => {
    progress.end();
    sync.message(end.message);
    desk.emit({ name: "task-end", how, end });
    desk.changed();
  };
  connection.on(EVENTS.plan, (plan: Plan) => {
    progress.plan(plan);
    desk.emit({ name: "plan", plan });
    desk.changed();
  });
  connection.on(EVENTS.confirmation, (asked: ConfirmationRequired) => {
    progress.confirm(asked);
    desk.changed();
  });
  connection.on(EVENTS.taskComplete, (end: TaskEnd) => ended("complete", end));
  connection.on(EVENTS.taskAborted, (end: TaskEnd) => ended("aborted", end));
}

function show(taskId: string, steps: readonly Step[], status: "running" | "held", known = 0): TaskProgress {
  const left = steps.filter((step) => step.status !== "done");
  const total = Math.max(known, steps.length);
  return { taskId, done: total - left.length, total, description: left[0]?.description ?? "", status };
}
