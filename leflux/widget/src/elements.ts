// What a visitor could use on the page, and what a person would call it. The widget itself is not part of the page.

import type { Target } from "./wire.js";

const USABLE = "a[href],button,input,select,textarea,summary,[role],[contenteditable=true]";
const ROLES: Record<string, string> = { A: "link", BUTTON: "button", SELECT: "combobox", TEXTAREA: "textbox", SUMMARY: "button" };
const INPUT_ROLES: Record<string, string> = {
  checkbox: "checkbox",
  radio: "radio",
  submit: "button",
  button: "button",
  reset: "button",
  image: "button",
  range: "slider",
};
const FORBIDDEN = /^(password|file|hidden)$/;
const FORBIDDEN_FILL =
  /cc-|passw|one.time|passcode|\b(pin|otp|cvv2?|cvc2?|csc|iban|bic|ssn|card (number|no)|(credit|debit|bank) card|account (number|no)|(verification|security|sms) code|kreditkarte|kartennummer|kontonummer|kennwort)\b/;
const CAPTCHA = ".g-recaptcha:not([data-size=invisible]),.h-captcha,.cf-turnstile,iframe[src*=captcha],iframe[src*=turnstile]";

export const NAME_MAX = 120;

export type Usable = HTMLElement & { type?: string; autocomplete?: string; disabled?: boolean; href?: string };

export function usable(page: Document): Usable[] {
  return [...page.querySelectorAll<Usable>(USABLE)].filter((element) => element.type !== "hidden" && element.getClientRects().length > 0);
}

export function roleOf(element: Usable): string {
  const own = element.getAttribute("role");
  if (own !== null) return own;
  if (element.tagName === "INPUT") return INPUT_ROLES[element.type ?? ""] ?? "textbox";
  return ROLES[element.tagName] ?? "textbox";
}

export function nameOf(element: Usable): string {
  const labels = (element as HTMLInputElement).labels ?? [];
  const ids = (element.getAttribute("aria-labelledby") ?? "").split(/\s+/);
  const named = ids.map((id) => element.ownerDocument.getElementById(id)?.textContent ?? "").join(" ");
  const isField = /^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName);
  const found = [
    named,
    element.getAttribute("aria-label"),
    [...labels].map((label) => label.textContent).join(" "),
    isField ? "" : element.textContent,
    roleOf(element) === "button" ? (element as HTMLInputElement).value : "",
    element.getAttribute("placeholder"),
    element.title,
  ].find((text) => (text ?? "").trim() !== "");
  return plain(found ?? "");
}

function plain(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** What is never filled in for a visitor: passwords, cards, bank accounts, one-time codes, files. */
export function isForbidden(element: Usable): boolean {
  const { type, autocomplete, id } = element;
  const words = [nameOf(element), id, element.getAttribute("name")].join(" ").replace(/[\W_]+/g, " ");
  return FORBIDDEN.test(type ?? "") || FORBIDDEN_FILL.test(`${autocomplete} ${words}`.toLowerCase());
}

/** It belongs to a form that wants to be sure of a person: that is for the visitor to send. */
export function asksForHuman(element: Usable): boolean {
  return element.matches(CAPTCHA) || element.closest("form")?.querySelector(CAPTCHA) != null;
}

/** The element that fits best: by its whole name, else by how the name begins, else by a part of it. */
export function find(page: Document, target: Target | undefined): Usable | null {
  const { role, name, label, selector } = target ?? {};
  if (selector !== undefined) return bySelector(page, selector);
  const wanted = plain(name ?? label ?? "").toLowerCase();
  if (wanted === "") return null;
  const named = usable(page)
    .filter((element) => role === undefined || roleOf(element) === role)
    .map((element) => [element, nameOf(element).toLowerCase()] as const);
  const fits = [(text: string) => text === wanted, (text: string) => text.startsWith(wanted), (text: string) => text.includes(wanted)];
  for (const fit of fits) {
    const hit = named.find(([, text]) => fit(text));
    if (hit !== undefined) return hit[0];
  }
  return null;
}

/** Whether a page calls it so: not only like it. */
function isCalled(element: Usable, { role, name, label }: Target): boolean {
  return (role === undefined || roleOf(element) === role) && calledOf(element) === plain(name ?? label ?? "").toLowerCase();
}

const calledOf = (element: Usable): string => plain(nameOf(element).slice(0, NAME_MAX)).toLowerCase();

/**
 * The element that a plan means by an id. It may be another one's since (`known`): then the only one that is called so,
 * or any of several links to one address.
 */
export function recognize(page: Document, known: Usable | null, target: Target = {}): Usable | null {
  if (known !== null && isCalled(known, target)) return known;
  if (!(target.name ?? target.label)) return null;
  const [first = null, ...others] = usable(page).filter((element) => isCalled(element, target));
  return others.every(({ href }) => href && href === first?.href) ? first : null;
}

function bySelector(page: Document, selector: string): Usable | null {
  try {
    return page.querySelector<Usable>(selector);
  } catch {
    return null;
  }
}
