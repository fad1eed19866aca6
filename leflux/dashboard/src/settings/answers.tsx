import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { get, ofSite } from "../api.js";
import { count, moment } from "../format.js";
import { to } from "../router.js";
import type { OwnerAnswer, OwnerAnswers, Site, Unanswered, UnansweredQuestion } from "../types.js";
import { Card } from "../ui/page.js";
import { Banner, Empty, Show } from "../ui/states.js";
import { useLoad } from "../use-load.js";
import { Conflict } from "./conflict.js";
import { type Draft, useDraft } from "./draft.js";
import { Field, SaveBar } from "./form.js";

export function Answers({ site }: { site: Site }): JSX.Element {
  const path = ofSite(site.id, "/answers");
  const loaded = useLoad((signal) => get<OwnerAnswers>(path, signal), path);
  const draft = useDraft(path, loaded, () => get<OwnerAnswers>(path));
  const missed = useLoad((signal) => get<Unanswered>(ofSite(site.id, "/unanswered"), signal), site.id);
  return (
    <Show of={loaded} rows={8}>
      {() =>
        draft && (
          <form
            class="settings"
            noValidate
            onSubmit={(event) => {
              event.preventDefault();
              void draft.save();
            }}
          >
            <Conflict draft={draft} changes={[]} />
            {draft.wrong[""] && <Banner kind="bad">{draft.wrong[""]}</Banner>}
            <Card title="Not answered yet">
              <Show of={missed} rows={4}>
                {({ questions }) => <Missed site={site} questions={questions} draft={draft} />}
              </Show>
            </Card>
            <Written draft={draft} />
            <SaveBar isDirty={draft.isDirty} isBusy={draft.isBusy} undo={draft.undo} />
          </form>
        )
      }
    </Show>
  );
}

function Missed({ site, questions, draft }: { site: Site; questions: UnansweredQuestion[]; draft: Draft<OwnerAnswers> }): JSX.Element {
  const { answers } = draft.value;
  const open = questions.filter(({ question }) => !answers.some((one) => one.question === question));
  if (open.length === 0) {
    return (
      <Empty icon="chats" title="Nothing is open">
        Questions that the chat could not answer are listed here.
      </Empty>
    );
  }
  return (
    <ul class="missed">
      {open.map(({ question, count: times, lastAsked, conversationId }) => (
        <li key={question}>
          <div>
            <b>{question}</b>
            <p class="soft">
              Asked {count(times, "time")}, last on <a href={to(site.id, "conversations", conversationId)}>{moment(lastAsked)}</a>
            </p>
          </div>
          <button type="button" class="plain" onClick={() => draft.set({ answers: [...answers, { question, text: "", url: "" }] })}>
            Answer
          </button>
        </li>
      ))}
    </ul>
  );
}

function Written({ draft }: { draft: Draft<OwnerAnswers> }): JSX.Element {
  const { answers } = draft.value;
  const change = (place: number, changes: Partial<OwnerAnswer>): void =>
    draft.set({ answers: answers.map((one, index) => (index === place ? { ...one, ...changes } : one)) });
  return (
    <Card title="Your answers">
      {answers.length === 0 && <p class="soft">You have written none yet. An answer holds from the next question on.</p>}
      {answers.map((one, place) => (
        <One
          key={place}
          answer={one}
          wrong={draft.wrong[`answers[${place}]`] ?? draft.wrong[`answers[${place}].url`]}
          change={(changes) => change(place, changes)}
          remove={() => draft.set({ answers: answers.filter((_, index) => index !== place) })}
        />
      ))}
      <button type="button" class="plain" onClick={() => draft.set({ answers: [...answers, { question: "", text: "", url: "" }] })}>
        Add an answer
      </button>
    </Card>
  );
}

interface OneProps {
  answer: OwnerAnswer;
  wrong: string | undefined;
  change: (changes: Partial<OwnerAnswer>) => void;
  remove: () => void;
}

function One({ answer, wrong, change, remove }: OneProps): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  // The answer to a question that was picked from the list is what comes next.
  useEffect(() => {
    if (answer.question !== "" && answer.text === "" && answer.url === "") field.current?.focus();
  }, []);
  return (
    <fieldset class="owner-answer">
      <Field label="When a visitor asks">
        {({ id }) => <input id={id} type="text" maxLength={500} value={answer.question} onInput={(event) => change({ question: event.currentTarget.value })} />}
      </Field>
      <Field label="Answer" error={wrong}>
        {({ id, describedBy, isBad }) => (
          <textarea
            ref={field}
            id={id}
            rows={3}
            maxLength={2000}
            aria-describedby={describedBy}
            aria-invalid={isBad}
            value={answer.text}
            onInput={(event) => change({ text: event.currentTarget.value })}
          />
        )}
      </Field>
      <Field label="Or point to a page" hint="An address on your site.">
        {({ id, describedBy }) => (
          <input id={id} type="url" value={answer.url} aria-describedby={describedBy} onInput={(event) => change({ url: event.currentTarget.value })} />
        )}
      </Field>
      <button type="button" class="plain" onClick={remove}>
        Remove
      </button>
    </fieldset>
  );
}
