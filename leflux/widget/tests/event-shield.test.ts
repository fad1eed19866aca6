// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { shieldEvents } from "../src/event-shield.js";

let host: HTMLElement;
let field: HTMLInputElement;
let link: HTMLAnchorElement;
let stop: () => void;
const heard = vi.fn();
const spies: [EventTarget, string][] = [];

const PRIVATE = [
  "keydown", "keypress", "keyup", "beforeinput", "input", "paste", "copy", "cut", "contextmenu", "wheel", "focus", "focusin",
  "compositionend", "mousedown", "pointerdown", "click",
];

beforeEach(() => {
  heard.mockReset();
  host = document.createElement("leflux-widget");
  const shadow = host.attachShadow({ mode: "open" });
  field = document.createElement("input");
  link = document.createElement("a");
  shadow.append(field, link);
  document.body.append(host);
  stop = shieldEvents(window, "leflux-widget");
});

afterEach(() => {
  stop();
  host.remove();
  for (const [target, type] of spies.splice(0)) {
    target.removeEventListener(type, heard, true);
    target.removeEventListener(type, heard);
  }
});

function spy(type: string): void {
  for (const target of [window, document, document.body]) {
    target.addEventListener(type, heard, true);
    target.addEventListener(type, heard);
    spies.push([target, type]);
  }
}

const fire = (type: string, on: EventTarget = field, Kind: new (type: string, init: object) => Event = Event, init: object = {}): boolean =>
  on.dispatchEvent(new Kind(type, { bubbles: true, composed: true, cancelable: true, ...init }));

it.each(PRIVATE)("the page does not see a %s inside the widget", (type) => {
  spy(type);
  fire(type);
  expect(heard).not.toHaveBeenCalled();
});

it.each(PRIVATE)("the page sees its own %s", (type) => {
  spy(type);
  fire(type, document.body);
  expect(heard).toHaveBeenCalled();
});

it("the widget's own handlers get the key once, and can prevent its default action", () => {
  const keys: string[] = [];
  field.addEventListener("keydown", (event) => {
    keys.push(`${event.key} ${event.shiftKey} ${event.isComposing}`);
    event.preventDefault();
  });
  expect(fire("keydown", field, KeyboardEvent, { key: "Enter", shiftKey: true, isComposing: true })).toBe(false);
  expect(keys).toEqual(["Enter true true"]);
});

it("what nobody prevents keeps its default action, also where the widget stops the event", () => {
  field.addEventListener("keydown", (event) => event.stopPropagation());
  expect(fire("keydown", field, KeyboardEvent, { key: "a" })).toBe(true);
  expect(fire("paste")).toBe(true);
});

it("a link is followed once", () => {
  const clicks = vi.fn();
  link.addEventListener("click", clicks);
  expect(fire("click", link, MouseEvent)).toBe(true);
  expect(clicks).toHaveBeenCalledTimes(1);
  expect(clicks.mock.calls[0]![0].defaultPrevented).toBe(true);
});

it("a page that traps the focus cannot take it from the widget", () => {
  const trap = (event: Event): void => {
    if (event.target === host) document.body.focus();
    heard();
  };
  document.addEventListener("focusin", trap);
  fire("focusin");
  document.removeEventListener("focusin", trap);
  expect(heard).not.toHaveBeenCalled();
});
