import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

let isFirst = true;

interface Props {
  title: string;
  /** Identifies the view if its title is loaded later. */
  of?: string;
  lead?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
}

/** One view. Sets the document's title, and moves the focus to its heading on navigation. */
export function Page({ title, of, lead, actions, children }: Props): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · LeFlux`;
  }, [title]);
  useEffect(() => {
    if (!isFirst) {
      heading.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst = false;
  }, [of ?? title]);
  return (
    <>
      <header class="page-head">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {lead && <p class="soft">{lead}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

export function Card({ title, aside, children, flush = false }: { title?: string; aside?: ComponentChildren; children: ComponentChildren; flush?: boolean }): JSX.Element {
  return (
    <section class={flush ? "card flush" : "card"}>
      {title && (
        <div class="card-head">
          <h2>{title}</h2>
          {aside}
        </div>
      )}
      {children}
    </section>
  );
}
