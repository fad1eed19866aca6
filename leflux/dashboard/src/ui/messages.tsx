// A transcript rendered as in the chat, by the widget's Markdown. Visitors' messages are plain text; nothing becomes
// markup.

import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { markdown } from "../../../widget/src/view/markdown.js";
import { dayOf, safeLink, time } from "../format.js";
import type { Message } from "../types.js";

const NAMES = { visitor: "Visitor", assistant: "Chat", system: "System" } as const;
const KINDS: Record<string, string> = { question: "Question", task: "Task", aborted: "Aborted", notice: "Notice", error: "Error" };

export function Messages({ messages }: { messages: readonly Message[] }): JSX.Element {
  let day = "";
  return (
    <ol class="messages">
      {messages.map((message) => {
        const its = dayOf(message.ts);
        const isNewDay = its !== day;
        day = its;
        return (
          <li key={message.id} class="row" data-role={message.role} data-kind={message.kind}>
            {isNewDay && (
              <p class="divider">
                <span>{its}</span>
              </p>
            )}
            <Bubble message={message} />
          </li>
        );
      })}
    </ol>
  );
}

function Bubble({ message }: { message: Message }): JSX.Element {
  const kind = message.kind === "person" ? nameOf(message.data) : message.kind === undefined ? null : (KINDS[message.kind] ?? message.kind);
  return (
    <>
      <div class="bubble">
        <span class="sr">{NAMES[message.role] ?? message.role}: </span>
        {kind && <b class="kind">{kind}</b>}
        {message.role === "visitor" ? <p dir="auto">{message.text}</p> : <Said text={message.text} />}
      </div>
      <Sources data={message.data} />
      <p class="stamp">
        <time dateTime={new Date(message.ts).toISOString()}>{time(message.ts)}</time>
      </p>
    </>
  );
}

/** The person who has written a message. */
const nameOf = (data: unknown): string => String((data as { name?: unknown } | null | undefined)?.name ?? "Person");

function Said({ text }: { text: string }): JSX.Element {
  const said = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const nodes = markdown(text);
    // Open links in a new tab, so that the transcript stays open.
    for (const anchor of nodes.querySelectorAll("a")) Object.assign(anchor, { target: "_blank", rel: "noopener noreferrer" });
    said.current?.replaceChildren(nodes);
  }, [text]);
  return <div class="said" dir="auto" ref={said} />;
}

function Sources({ data }: { data: unknown }): JSX.Element | null {
  const sources = (data as { sources?: unknown } | null | undefined)?.sources;
  if (!Array.isArray(sources) || sources.length === 0) return null;
  return (
    <ul class="sources" aria-label="Sources">
      {sources.slice(0, 10).map((source: unknown, index) => {
        const { title, url } = (source ?? {}) as { title?: unknown; url?: unknown };
        const link = safeLink(url);
        const label = String(title || url || "Source");
        return (
          <li key={index}>
            {link === null ? (
              <span>{label}</span>
            ) : (
              <a href={link} target="_blank" rel="noopener noreferrer">
                {label}
              </a>
            )}
          </li>
        );
      })}
    </ul>
  );
}
