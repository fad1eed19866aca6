// What the page shows: for the visitor, who is told what came of a step, and for the expectations of a step.

import { plain, referred, roots, shortName, type Usable, usable, visibleText } from "./page-elements.js";
import { find } from "./page-search.js";
import { isVisible } from "./page-visibility.js";
import type { Expect, FieldProblem, Seen } from "./protocol.js";
import { truncate } from "./text.js";

const TEXT_MAX = 300;
const FIELDS_MAX = 10;
const ALERT = "[role=alert],[aria-live=assertive]";

const short = (text: string): string => truncate(plain(text), TEXT_MAX);

function shown(page: Document, selector: string): string[] {
  return usable(page, selector).filter(isVisible).map((element) => short(visibleText(element))).filter(Boolean);
}

export function alerts(page: Document): string[] {
  return shown(page, ALERT);
}

/** `known`: the alerts that the page has shown before. */
export function seen(page: Document, known: readonly string[] = []): Seen {
  return {
    title: short(page.title),
    heading: shown(page, "h1,h2,[role=heading]")[0] ?? "",
    status: shown(page, "[role=status],output")[0] ?? "",
    alert: alerts(page).find((text) => !known.includes(text)) ?? "",
  };
}

/** The fields that the page marks as invalid, with what it says of each. */
export function flagged(page: Document): FieldProblem[] {
  return problems(usable(page, "[aria-invalid=true]").filter(isVisible));
}

export function problems(fields: Iterable<Usable>): FieldProblem[] {
  return [...fields].slice(0, FIELDS_MAX).map((field) => {
    const told = referred(field, "aria-errormessage").trim() || referred(field, "aria-describedby").trim();
    const { validationMessage = "" } = field as HTMLInputElement;
    return { name: shortName(field), message: short(validationMessage || told) };
  });
}

function isAt({ location }: Document, address: string): boolean {
  const goal = new URL(address, location.href);
  const paths = [goal, location].map(({ origin, pathname }) => origin + pathname.replace(/\/$/, ""));
  return paths[0] === paths[1] && (goal.search === "" || goal.search === location.search);
}

/** Whether the page is as the step expects. */
export function holds(page: Document, { url, text, element, gone }: Expect): boolean {
  const has = (target: Expect["element"]): boolean => find(page, target ?? undefined) !== "element_missing";
  if (url && !isAt(page, url)) return false;
  if (text && !contains(page, text)) return false;
  return !(element && !has(element)) && !(gone && has(gone));
}

function contains(page: Document, text: string): boolean {
  const wanted = plain(text).toLowerCase();
  return roots(page).some((root) => {
    const nodes = "body" in root ? [root.body] : [...root.children];
    return nodes.some((node) => node !== null && plain(visibleText(node)).toLowerCase().includes(wanted));
  });
}
