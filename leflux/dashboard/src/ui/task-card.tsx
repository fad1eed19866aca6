import type { JSX } from "preact";
import type { Step, Task } from "../types.js";
import { Icon, type IconName } from "./icons.js";
import { Card } from "./page.js";

const STATES = { running: "Running", held: "Waiting for the page", done: "Done", aborted: "Aborted" } as const;
const ICONS: Partial<Record<Step["status"], IconName>> = { done: "check", failed: "close", started: "right" };
const SAID = { pending: "not run", started: "started", done: "done", failed: "failed" } as const;

export function TaskCard({ task }: { task: Task }): JSX.Element {
  return (
    <Card title="Task" aside={<span class={`state ${task.status}`}>{STATES[task.status] ?? task.status}</span>}>
      <ol class="steps">
        {task.steps.map((step) => (
          <li key={step.id} class={step.status}>
            <i>{ICONS[step.status] && <Icon name={ICONS[step.status]!} />}</i>
            <span>
              {step.description || step.action}
              <span class="sr">: {SAID[step.status] ?? step.status}</span>
            </span>
          </li>
        ))}
      </ol>
    </Card>
  );
}
