// The progress of a task and its open question, as the visitor sees them.

import type { Connection } from "./connection.js";
import type { ChatEvent } from "./events.js";
import type { ConfirmationRequired, Plan, Step, Task, TaskEnd } from "./protocol.js";
import { EVENTS } from "./protocol.js";
import type { Confirmation, TaskProgress } from "./types.js";

export class Progress {
  task: TaskProgress | null = null;
  confirmation: Confirmation | null = null;
  /** The addresses that the server has given for the steps. */
  given: string[] = [];

  /** Takes over the server's state, which replaces any other task. */
  state(task: Task | null | undefined): void {
    const shown = task?.status === "running" || task?.status === "held";
    if (this.task?.taskId !== task?.taskId || !shown) this.confirmation = null;
    this.task = shown ? show(task.taskId, task.steps, task.status as "running" | "held") : null;
    this.given = shown ? addresses(task.steps) : [];
  }

  /** Shows a plan. After a reload it contains only the remaining steps. */
  plan({ taskId, actions }: Plan): void {
    const isSame = this.task?.taskId === taskId;
    this.task = show(taskId, actions, "running", isSame ? this.task!.total : 0);
    this.given = [...(isSame ? this.given : []), ...addresses(actions)];
  }

  confirm(asked: ConfirmationRequired): void {
    const { confirm_label: confirmLabel, cancel_label: cancelLabel, ...rest } = asked;
    this.confirmation = { ...rest, confirmLabel, cancelLabel };
  }

  /** Removes the question and returns it. */
  answered(): Partial<Confirmation> {
    const asked = this.confirmation ?? {};
    this.confirmation = null;
    return asked;
  }

  end(): void {
    this.task = this.confirmation = null;
  }
}

/** What `followTasks` needs of the chat. */
interface TaskHost {
  readonly tasks: { state(task: Task | null): void };
  emit(event: ChatEvent): void;
  changed(): void;
}

/** Handles the server's task events. The message that ends a task is an ordinary message. */
export function followTasks(
  connection: Connection,
  progress: Progress,
  sync: { message(message: unknown): void },
  host: TaskHost,
): void {
  const ended = (how: "complete" | "aborted", end: TaskEnd): void => {
    host.tasks.state(null);
    sync.message(end.message);
    host.emit({ name: "task-end", how, end });
    host.changed();
  };
  connection.on(EVENTS.plan, (plan: Plan) => {
    progress.plan(plan);
    host.emit({ name: "plan", plan });
    host.changed();
  });
  connection.on(EVENTS.confirmation, (asked: ConfirmationRequired) => {
    progress.confirm(asked);
    host.changed();
  });
  connection.on(EVENTS.taskComplete, (end: TaskEnd) => ended("complete", end));
  connection.on(EVENTS.taskAborted, (end: TaskEnd) => ended("aborted", end));
}

function addresses(steps: readonly Step[]): string[] {
  return [...new Set(steps.flatMap(({ url, expectUrl }) => [url ?? "", expectUrl]).filter(Boolean))];
}

function show(taskId: string, steps: readonly Step[], status: "running" | "held", known = 0): TaskProgress {
  const left = steps.filter((step) => step.status !== "done");
  const total = Math.max(known, steps.length);
  return { taskId, done: total - left.length, total, description: left[0]?.description ?? "", status };
}
