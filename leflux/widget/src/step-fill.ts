// Sets the value of a field, as a person would: native fields, boxes, groups, and the widgets that pages build themselves.

import { nameOf, plain, roleOf, type Usable, usable } from "./page-elements.js";
import { isVisible } from "./page-visibility.js";
import type { Pause } from "./step-watch.js";

const OPENS_MS = 2_000;
const LOOK_MS = 50;
const OPTION = "[role=option],[role=menuitemradio],[role=treeitem]";
const POPUP = "[role=combobox],[aria-haspopup=listbox],[aria-haspopup=menu],[aria-haspopup=true]";
const OFF = /^(off|no|false|0|unchecked|)$/i;

/** Presses the element: pages open menus on any of these events. */
export function press(element: Usable): void {
  const at = { bubbles: true, cancelable: true, composed: true, button: 0, detail: 1 };
  const fire = (type: string, Kind: typeof MouseEvent = MouseEvent): void => void element.dispatchEvent(new Kind(type, at));
  const Pointer = typeof PointerEvent === "function" ? PointerEvent : MouseEvent;
  fire("pointerdown", Pointer);
  fire("mousedown");
  element.focus?.({ preventScroll: true });
  fire("pointerup", Pointer);
  fire("mouseup");
  element.click();
}

/** Moves a pretended pointer onto the element, for menus that open by it. */
export function hover(element: Element): void {
  for (const type of ["pointerover", "pointerenter", "mouseover", "mouseenter", "mousemove"]) {
    element.dispatchEvent(new MouseEvent(type, { bubbles: !type.endsWith("enter"), composed: true }));
  }
  (element as HTMLElement).focus?.({ preventScroll: true });
}

const isBox = (element: Usable): boolean => /^(checkbox|switch)$/.test(roleOf(element));

function isOn(element: Usable): boolean {
  return (element as unknown as HTMLInputElement).checked === true || element.getAttribute("aria-checked") === "true";
}

/** Resolves with false when the element takes no such value. */
export async function fill(element: Usable, text: string, isSelect: boolean, pause: Pause): Promise<boolean> {
  if (element.tagName === "SELECT") return choose(element as unknown as HTMLSelectElement, text);
  if (isBox(element)) {
    if (isOn(element) === OFF.test(text)) press(element);
    return isOn(element) !== OFF.test(text);
  }
  const group = /^(radiogroup|listbox|menu)$/.test(roleOf(element));
  if (group) return pick(usable(element.ownerDocument, `[role=radio],input[type=radio],${OPTION}`).filter((each) => element.contains(each)), text);
  if (isSelect || element.matches(`${POPUP}[aria-readonly=true]`)) {
    if (element.matches(POPUP) || element.hasAttribute("list")) return open(element, text, pause);
  }
  return write(element, text);
}

function choose(field: HTMLSelectElement, text: string): boolean {
  const options = [...field.options].filter(({ disabled }) => !disabled);
  const chosen =
    options.find((option) => option.value === text || option.text.trim() === text) ??
    options.find((option) => option.text.toLowerCase().includes(text.toLowerCase()));
  return chosen !== undefined && set(field, chosen.value);
}

/** Presses the one whose name is, begins like or contains the text. */
function pick(all: readonly Usable[], text: string): boolean {
  const wanted = plain(text).toLowerCase();
  const named = all.filter((each) => each.getAttribute("aria-disabled") !== "true" && isVisible(each));
  const names = named.map((each) => (nameOf(each) || plain(each.textContent ?? "")).toLowerCase());
  const tests = [(name: string) => name === wanted, (name: string) => name.startsWith(wanted), (name: string) => name.includes(wanted)];
  for (const test of tests) {
    const index = names.findIndex(test);
    if (index < 0) continue;
    press(named[index]!);
    return true;
  }
  return false;
}

/** Opens a combobox or a menu, and presses the option. */
async function open(element: Usable, text: string, pause: Pause): Promise<boolean> {
  const page = element.ownerDocument;
  const options = (): Usable[] => usable(page, OPTION);
  const until = Date.now() + OPENS_MS;
  const before = options();
  if (element.getAttribute("aria-expanded") !== "true") press(element);
  if (element.tagName === "INPUT") set(element as unknown as HTMLInputElement, text, ["input"]);
  for (;;) {
    const own = (element.getAttribute("aria-controls") ?? element.getAttribute("aria-owns") ?? "").split(/\s+/);
    const listed = options().filter((each) => own.includes(each.closest("[role=listbox],[role=menu]")?.id || "-") || !before.includes(each));
    if (pick(listed, text)) return true;
    if (Date.now() > until) break;
    await pause(LOOK_MS);
  }
  if (element.hasAttribute("list")) return write(element, text);
  element.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, composed: true }));
  return false;
}

function write(field: Usable, text: string): boolean {
  if ("value" in field && field.tagName !== "BUTTON") {
    const input = field as unknown as HTMLInputElement;
    const value = /^(date|month|time|datetime-local)$/.test(input.type) ? dated(input.type, text) : input.type === "number" ? text.replace(/\s/g, "") : text;
    const was = input.value;
    set(input, value);
    // The browser empties a field whose value it does not understand.
    if (value.trim() === "" || input.value !== "") return true;
    set(input, was);
    return false;
  }
  if (!field.isContentEditable) return false;
  field.focus({ preventScroll: true });
  field.ownerDocument.getSelection?.()?.selectAllChildren?.(field);
  // Editors listen to what the browser inserts. Those that prevent it have a model of their own.
  if (field.ownerDocument.execCommand?.("insertText", false, text) !== true) field.textContent = text;
  tell(field, ["input", "change"]);
  return true;
}

/** A date as its field wants it, from the ways to write one that mean only one day. */
function dated(type: string, text: string): string {
  const [, day, month, year] = /^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})$/.exec(text.trim()) ?? [];
  const two = (part: string | number): string => String(part).padStart(2, "0");
  if (type !== "date") return text.trim();
  if (year !== undefined) return `${year}-${two(month!)}-${two(day!)}`;
  const named = /[a-z]{3}/i.test(text) ? new Date(`${text} 12:00`) : null;
  return named === null || Number.isNaN(+named) ? text.trim() : `${named.getFullYear()}-${two(named.getMonth() + 1)}-${two(named.getDate())}`;
}

/** Sets the value through the element's own setter, so that frameworks notice. */
function set(field: HTMLInputElement | HTMLSelectElement, value: string, events = ["input", "change"]): boolean {
  field.focus({ preventScroll: true });
  const setter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value")?.set;
  if (setter === undefined) return false;
  setter.call(field, value);
  tell(field, events);
  return true;
}

function tell(field: Element, names: readonly string[]): void {
  for (const name of names) field.dispatchEvent(new Event(name, { bubbles: true, composed: name === "input" }));
}
