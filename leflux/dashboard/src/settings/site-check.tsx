import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, ofSite } from "../api.js";
import type { Site, SiteCheck } from "../types.js";
import { Card } from "../ui/page.js";
import { Snippet } from "../ui/snippet.js";
import { asError } from "../use-load.js";
import { Field } from "./form.js";

const NAMES: Record<SiteCheck["name"], string> = {
  page: "Page",
  certificate: "Certificate",
  snippet: "Snippet",
  host: "Allowed host",
  policy: "Content-Security-Policy",
};
const STATES: Record<SiteCheck["state"], readonly [string, string]> = {
  good: ["Good", "done"],
  warning: ["Look at this", "running"],
  bad: ["Wrong", "aborted"],
};

export function SiteCheckCard({ site }: { site: Site }): JSX.Element {
  const [url, setUrl] = useState(`https://${site.allowedHosts[0] ?? "example.com"}/`);
  const [checks, setChecks] = useState<SiteCheck[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const check = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      setChecks((await call<{ checks: SiteCheck[] }>("POST", ofSite(site.id, "/check"), { body: { url } })).checks);
    } catch (raised) {
      setChecks(null);
      setError(asError(raised).message);
    }
    setBusy(false);
  };
  return (
    <Card title="Check my site">
      <form onSubmit={(event) => void check(event)} noValidate class="crawl-form">
        <Field label="Page" hint="The server looks at this page and says whether the chat can run on it." error={error}>
          {({ id, describedBy, isBad }) => (
            <input id={id} type="url" value={url} aria-describedby={describedBy} aria-invalid={isBad} onInput={(event) => setUrl(event.currentTarget.value)} />
          )}
        </Field>
        <button type="submit" class="solid" disabled={isBusy}>
          {isBusy ? "Checking…" : "Check my site"}
        </button>
      </form>
      <ul class="checks" aria-live="polite">
        {checks?.map((each) => (
          <li key={each.name}>
            <span class={`state ${STATES[each.state][1]}`}>{STATES[each.state][0]}</span>
            <div>
              <b>{NAMES[each.name]}</b>
              <p class="soft break">{each.text}</p>
              {each.fix !== null && <Snippet code={each.fix} label={`Add for ${NAMES[each.name]}`} />}
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}
