import type { JSX } from "preact";
import { get, ofSite } from "../api.js";
import type { PlaybookTask, Site } from "../types.js";
import { Card } from "../ui/page.js";
import { Empty, Show } from "../ui/states.js";
import { useLoad } from "../use-load.js";

export function Playbooks({ site }: { site: Site }): JSX.Element {
  const path = ofSite(site.id, "/playbook");
  const loaded = useLoad((signal) => get<{ tasks: PlaybookTask[] }>(path, signal), path);
  return (
    <div class="settings">
      <Show of={loaded} rows={8}>
        {({ tasks }) =>
          tasks.length === 0 ? (
            <Empty icon="task" title="No playbook">
              This server's agent runs no tasks. Whoever runs it can give it a playbook in its configuration.
            </Empty>
          ) : (
            tasks.map((task) => <Task key={task.id} task={task} />)
          )
        }
      </Show>
    </div>
  );
}

function Task({ task }: { task: PlaybookTask }): JSX.Element {
  return (
    <Card title={task.id}>
      <p class="soft">Runs when a visitor writes one of these:</p>
      <ul class="phrases">
        {task.match.map((phrase) => (
          <li key={phrase}>{phrase}</li>
        ))}
      </ul>
      <dl class="says">
        {(
          [
            ["Says first", task.say],
            ["Asks before", task.confirm],
            ["Says at the end", task.done],
          ] as const
        ).map(
          ([name, text]) =>
            text && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{text}</dd>
              </div>
            ),
        )}
      </dl>
      <ol class="plan">
        {task.steps.map((step, index) => (
          <li key={index}>
            <span>{step.description || step.action}</span>
            <code>{step.action}</code>
          </li>
        ))}
      </ol>
    </Card>
  );
}
