import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, get, ofSite } from "../api.js";
import { watchCrawl } from "../crawl-progress.js";
import { count, number } from "../format.js";
import type { Crawl, Site } from "../types.js";
import { Icon } from "../ui/icons.js";
import { Card } from "../ui/page.js";
import { Show } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { asError, useLoad } from "../use-load.js";
import { Field } from "./form.js";

/** While a crawl runs, poll at this interval too, in case the socket misses an update. */
const HEAL_MS = 5_000;

/** The demo site is served from this page's origin. */
function startOf({ allowedHosts }: Site): string {
  if (allowedHosts.includes(location.hostname)) return `${location.origin}/`;
  return `https://${allowedHosts[0] ?? "example.com"}/`;
}

export function Knowledge({ site }: { site: Site }): JSX.Element {
  const path = ofSite(site.id, "/crawl");
  const [isRunning, setRunning] = useState(false);
  const loaded = useLoad((signal) => get<Crawl>(path, signal), path, isRunning ? HEAL_MS : 0);
  useEffect(() => watchCrawl(site.id, loaded.set, loaded.reload), [path]);
  useEffect(() => setRunning(loaded.data?.state === "running"), [loaded.data]);
  const [url, setUrl] = useState(startOf(site));
  const [error, setError] = useState<string | null>(null);
  const start = async (event: Event): Promise<void> => {
    event.preventDefault();
    setError(null);
    try {
      loaded.set(await call<Crawl>("POST", path, { body: { url } }));
      toast("The crawl has begun.");
    } catch (raised) {
      setError(asError(raised).message);
    }
  };
  return (
    <div class="settings">
      <Card title="Read the site">
        <form onSubmit={(event) => void start(event)} noValidate class="crawl-form">
          <Field label="Start at" hint="Every page that can be reached from here by links, on your allowed hosts, is read and can be answered from." error={error}>
            {({ id, describedBy, isBad }) => (
              <input id={id} type="url" value={url} aria-describedby={describedBy} aria-invalid={isBad} onInput={(event) => setUrl(event.currentTarget.value)} />
            )}
          </Field>
          <button type="submit" class="solid" disabled={isRunning}>
            {isRunning ? "Reading…" : "Read the site"}
          </button>
        </form>
      </Card>
      <Card title="Progress">
        <Show of={loaded} rows={3}>
          {(crawl) => <Progress crawl={crawl} />}
        </Show>
      </Card>
    </div>
  );
}

function Progress({ crawl }: { crawl: Crawl }): JSX.Element {
  const isRunning = crawl.state === "running";
  // A finished crawl may have skipped pages, such as pages marked noindex.
  const end = crawl.state === "done" ? crawl.done + crawl.failed : crawl.found;
  if (crawl.state === "idle") return <p class="soft">The site has not been read yet.</p>;
  return (
    <>
      <div class="bar">
        <progress max={Math.max(end, 1)} value={crawl.done + crawl.failed} aria-label="Pages read" />
      </div>
      <p class="crawl-status">
        <b class="state-word" role="status">
          {isRunning ? "Reading" : crawl.state}
        </b>{" "}
        · {crawl.state === "done" ? `${count(crawl.done, "page")} read` : `${number(crawl.done)} of ${count(crawl.found, "page")}`}
      </p>
      <p class="soft">{crawl.pages === 0 ? "The chat has no page to answer from yet." : `The chat answers from ${count(crawl.pages, "page")}.`}</p>
      {crawl.error !== null && (
        <p class="bad-text">
          <Icon name="warn" /> {crawl.error}
        </p>
      )}
      {crawl.failed > 0 && (
        <p class="bad-text">
          <Icon name="warn" /> {count(crawl.failed, "page")} could not be read
        </p>
      )}
      <p class="soft current">{isRunning ? (crawl.current ?? "") : ""}</p>
    </>
  );
}
