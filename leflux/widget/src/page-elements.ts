// The interactive elements of the page: their roles, their accessible names, and what tells about a field. The content
// of a field or an editor is never read, nor what the page calls private.

import { member } from "./builtins.js";
import { truncate } from "./text.js";

/** The chat's own element. */
export const HOST = "leflux-widget";
const USABLE = "a[href],button,input,select,textarea,summary,[role]:not(form),[contenteditable=true]";
/** Elements whose content is the visitor's, and editors that show it in ordinary elements. */
const EDITORS =
  '[contenteditable]:not([contenteditable="false" i]),[role=textbox],[role=searchbox],.CodeMirror,.monaco-editor,.ace_editor';
/** What the page keeps from the chat. */
const PRIVATE = "[data-leflux-private]";
const EDITABLE = `input,textarea,select,${EDITORS}`;
const ROLES: Record<string, string> = { a: "link", button: "button", select: "combobox", textarea: "textbox", summary: "button" };
const INPUT_ROLES: Record<string, string> = {
  checkbox: "checkbox",
  radio: "radio",
  submit: "button",
  button: "button",
  reset: "button",
  image: "button",
  range: "slider",
};

const NAME_MAX = 120;

export type Usable = HTMLElement & { type?: string; autocomplete?: string; disabled?: boolean; href?: string; form?: HTMLFormElement | null };

export function usable(page: Document, selector: string = USABLE): Usable[] {
  const found = roots(page).flatMap((root) => [...root.querySelectorAll<Usable>(selector)]);
  return found.filter((element) => element.type !== "hidden" && !isInEditor(element) && element.getClientRects().length > 0);
}

/** The page, and what is inside of its open shadow roots and of its frames of the same origin. The chat is not of the page. */
export function roots(page: Document | ShadowRoot): (Document | ShadowRoot)[] {
  const inner = [...page.querySelectorAll("*")].flatMap((element) => {
    if (element.localName === HOST) return [];
    const root = element.shadowRoot ?? frameOf(element);
    return root === null ? [] : roots(root);
  });
  return [page, ...inner];
}

function frameOf(element: Element): Document | null {
  try {
    return /^i?frame$/.test(element.localName) ? (element as HTMLIFrameElement).contentDocument : null;
  } catch {
    return null;
  }
}

/** What an editor shows is the visitor's own. */
function isInEditor(element: Element): boolean {
  return element.parentElement !== null && isEdited(element.parentElement);
}

export function roleOf(element: Usable): string {
  const own = element.getAttribute("role");
  if (own !== null) return own;
  if (element.localName === "input") return INPUT_ROLES[element.type ?? ""] ?? "textbox";
  return ROLES[element.localName] ?? "textbox";
}

export function isField(element: Element): boolean {
  return /^(input|select|textarea)$/.test(element.localName);
}

/** True for an editor and for what is inside of one, also when the whole document is edited. */
function isEdited(node: Element): boolean {
  return (node as HTMLElement).isContentEditable || matches(node, EDITORS) || matches(node, `:is(${EDITORS}) *`);
}

/** Asks the prototype: the fields of a form hide its methods. */
function matches(node: Element, selector: string): boolean {
  return Element.prototype.matches.call(node, selector);
}

/** A form as if none of its fields had the name of a member. */
function plainForm<T extends Node>(node: T): T {
  return node instanceof HTMLFormElement ? (new Proxy(node, { get: member }) as T) : node;
}

/** Also for nodes of frames. */
function isElement(node: Node): node is HTMLElement {
  return node.nodeType === Node.ELEMENT_NODE;
}

/** True inside of what the page calls private, also from within shadow roots and frames. */
export function isPrivate(element: Element | null): boolean {
  for (let node: Element | null | undefined = element; node != null; ) {
    if (isKept(node)) return true;
    const root = node.getRootNode();
    node = root instanceof ShadowRoot ? root.host : frameElementOf(root as Document);
  }
  return false;
}

function isKept(element: Element): boolean {
  return Element.prototype.closest.call(element, PRIVATE) !== null;
}

function frameElementOf(page: Document): Element | null {
  try {
    return page.defaultView?.frameElement ?? null;
  } catch {
    return null;
  }
}

/** The text of `node` without the content of fields and editors, and without what is private. */
function textOf(given: Node | null | undefined): string {
  if (given == null) return "";
  if (isElement(given) && (isEdited(given) || matches(given, EDITABLE) || isKept(given))) return "";
  const node = plainForm(given);
  return node.nodeType === Node.TEXT_NODE ? (node.nodeValue ?? "") : [...node.childNodes].map(textOf).join("");
}

/** The text that `node` shows, without the content of editors and what is private. Fields have no inner text. */
export function visibleText(given: Node): string {
  return isElement(given) && isPrivate(given) ? "" : shownText(given);
}

function shownText(given: Node): string {
  const node = plainForm(given);
  if (node.nodeType === Node.TEXT_NODE) return node.nodeValue ?? "";
  if (!isElement(given) || !isElement(node) || isEdited(given) || matches(given, PRIVATE)) return "";
  const isRendered = node.getClientRects().length > 0;
  // biome-ignore lint/performance/useDomNodeTextContent: `textContent` includes hidden text.
  if (isRendered && node.querySelector(`${EDITORS},${PRIVATE}`) === null) return node.innerText;
  // `display: contents` has no box of its own.
  if (!isRendered && getComputedStyle(given as HTMLElement).display !== "contents") return "";
  return [...node.childNodes].map(shownText).join("\n").replace(/\s*\n\s*/g, "\n");
}

/** The texts of the elements that an attribute such as `aria-labelledby` names. */
export function referred(element: Element, attribute: string): string {
  const ids = (element.getAttribute(attribute) ?? "").split(/\s+/);
  const root = element.getRootNode() as Document;
  return ids.map((id) => textOf(root.getElementById?.(id))).join(" ");
}

export function nameOf(element: Usable): string {
  const labels = (element as HTMLInputElement).labels ?? [];
  const isButton = isField(element) && INPUT_ROLES[element.type ?? ""] === "button";
  const found = [
    referred(element, "aria-labelledby"),
    element.getAttribute("aria-label"),
    [...labels].map(textOf).join(" "),
    isButton ? (element as HTMLInputElement).value : textOf(element),
    element.querySelector(`img[alt]:not(${PRIVATE} *)`)?.getAttribute("alt"),
    element.getAttribute("placeholder"),
    element.title,
  ].find((text) => (text ?? "").trim() !== "");
  return plain(found ?? "");
}

/** The name as it is sent to the server. */
export function shortName(element: Usable): string {
  return truncate(nameOf(element), NAME_MAX);
}

export function plain(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** True when a click on this element submits a form. */
export function submits(element: Usable): boolean {
  return /^(submit|image)$/.test(element.type ?? "") && element.form != null;
}

export interface FieldFacts {
  type: string | undefined;
  hints: string[] | undefined;
  described: string | undefined;
}

/** What else tells whether a field may be filled: its attributes, the legend of its group, its description. */
export function factsOf(element: Usable): Partial<FieldFacts> {
  if (!isField(element) && !element.isContentEditable) return {};
  const { type, id, autocomplete } = element;
  const { maxLength = -1, inputMode } = element as HTMLInputElement;
  const [name, placeholder, title, pattern] = ["name", "placeholder", "title", "pattern"].map((key) => element.getAttribute(key) ?? "");
  const isNumeric = /^(tel|number)$/.test(type ?? "") || inputMode === "numeric" || /\\d|0-9/.test(pattern!);
  const legend = textOf(element.closest("fieldset")?.querySelector("legend"));
  const texts = [id, name, placeholder, title, autocomplete, legend, isNumeric && maxLength > 0 ? `digits ${maxLength}` : ""];
  const hints = [...new Set(texts.map((text) => truncate(plain(text ?? ""), NAME_MAX)).filter(Boolean))];
  const described = truncate(plain(referred(element, "aria-describedby")), NAME_MAX);
  return {
    type: /^(text|select-one|textarea)$/.test(type ?? "text") ? undefined : type,
    hints: hints.length > 0 ? hints : undefined,
    described: described || undefined,
  };
}
