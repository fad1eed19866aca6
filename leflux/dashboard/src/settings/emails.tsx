import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, get, ofSite } from "../api.js";
import type { Emails, Site } from "../types.js";
import { Card } from "../ui/page.js";
import { Show } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { asError, useLoad } from "../use-load.js";
import { Field } from "./form.js";

const EVENTS: readonly (readonly [Emails["events"][number], string])[] = [
  ["person.asked", "A visitor asks for a person"],
  ["address.left", "A visitor leaves an address"],
];

export function EmailCard({ site }: { site: Site }): JSX.Element {
  const path = ofSite(site.id, "/email");
  const loaded = useLoad((signal) => get<Emails>(path, signal), path);
  return (
    <Card title="Email">
      <Show of={loaded} rows={2}>
        {(emails) =>
          emails.isAvailable ? (
            <EmailForm key={emails.version} path={path} emails={emails} changed={loaded.set} />
          ) : (
            <p class="soft">
              Whoever runs the server names a mail server in its configuration (<code>smtp</code>). Then this page takes the addresses that get an email when a visitor needs a person.
            </p>
          )
        }
      </Show>
    </Card>
  );
}

function EmailForm({ path, emails, changed }: { path: string; emails: Emails; changed: (emails: Emails) => void }): JSX.Element {
  const [text, setText] = useState(emails.addresses.join("\n"));
  const [events, setEvents] = useState(emails.addresses.length === 0 ? EVENTS.map(([name]) => name) : emails.events);
  const [error, setError] = useState<string | null>(null);
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    setError(null);
    const addresses = text.split(/[\s,;]+/).filter(Boolean);
    try {
      changed(await call<Emails>("PUT", path, { body: { addresses, events, version: emails.version } }));
      toast("Saved.");
    } catch (raised) {
      setError(asError(raised).message);
    }
  };
  return (
    <form onSubmit={(event) => void save(event)} noValidate>
      <Field label="Email addresses" hint="One a line." error={error}>
        {({ id, describedBy, isBad }) => (
          <textarea id={id} rows={2} value={text} aria-describedby={describedBy} aria-invalid={isBad} onInput={(event) => setText(event.currentTarget.value)} />
        )}
      </Field>
      <fieldset class="choices">
        <legend>Write when</legend>
        {EVENTS.map(([name, label]) => (
          <label key={name}>
            <input
              type="checkbox"
              checked={events.includes(name)}
              onChange={(event) => setEvents(event.currentTarget.checked ? [...events, name] : events.filter((each) => each !== name))}
            />{" "}
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <button type="submit" class="solid">
        Save the addresses
      </button>
    </form>
  );
}
