import type { JSX } from "preact";
import type { Site } from "../types.js";
import { Card } from "../ui/page.js";
import { Snippet } from "../ui/snippet.js";
import { TurnedAway } from "../ui/turned-away.js";
import { SiteCheckCard } from "./site-check.js";

const OPTIONS = [
  ["data-no-visitor-id", "sets no visitor cookie; visitors are then not counted"],
  ["data-no-user-memory", "keeps no name, email or phone in the visitor's browser"],
  ["data-locale=\"de\"", "fixes the language, instead of taking the page's or the browser's"],
] as const;

export function Install({ site }: { site: Site }): JSX.Element {
  return (
    <div class="settings">
      <TurnedAway site={site} />
      <Card title="Embed snippet">
        <p class="soft">
          Paste it before <code>&lt;/body&gt;</code> on every page. It loads after the page, in less than 35 KB.
        </p>
        <Snippet code={site.snippet} label="Embed snippet" />
        <p class="soft">The tag takes these, when you need them:</p>
        <dl class="options">
          {OPTIONS.map(([name, what]) => (
            <div key={name}>
              <dt>
                <code>{name}</code>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </Card>
      <SiteCheckCard site={site} />
      <Card title="Allowed hosts">
        <p class="soft">The chat answers on these hosts only. Whoever runs the server sets them in its configuration.</p>
        <ul class="hosts">
          {site.allowedHosts.map((host) => (
            <li key={host}>
              <code>{host}</code>
            </li>
          ))}
        </ul>
      </Card>
    </div>
  );
}
