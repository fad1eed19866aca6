// Keeps events inside the widget from the page's handlers, which could read what is typed, take the focus, or act on a
// shortcut. The default action of an event stays. The widget's own handlers get a copy that does not leave the shadow root.

import { listen } from "./listen.js";

/** Events for which the widget has handlers. */
const COPIED = ["keydown", "input", "pointerdown", "click", "contextmenu"];
const STOPPED = [
  "keypress", "keyup", "beforeinput", "compositionstart", "compositionupdate", "compositionend", "paste", "copy", "cut",
  "wheel", "focus", "blur", "focusin", "focusout", "mousedown", "touchstart", "touchmove", "selectstart", "dragstart",
];
const KEPT = [
  "key", "code", "keyCode", "isComposing", "repeat", "ctrlKey", "shiftKey", "altKey", "metaKey",
  "button", "clientX", "clientY", "pointerType", "detail",
];

/** `name`: the tag of the widget's host. Returns a function that stops. */
export function shieldEvents(page: Window, name: string): () => void {
  const shield = (event: Event): void => {
    if (!event.composedPath().some((target) => (target as Element).localName === name)) return;
    // On the window and in the capture phase: before all handlers of elements, and those that the window gets later.
    event.stopImmediatePropagation();
    if (COPIED.includes(event.type) && handle(event)) event.preventDefault();
  };
  const types = [...COPIED, ...STOPPED];
  const stops = types.map((type) => listen(page, type, shield, { capture: true, passive: /^(wheel|touch)/.test(type) }));
  return () => {
    for (const stop of stops) stop();
  };
}

/** Runs the widget's handlers. Returns true when one of them prevents the default action. */
function handle(event: Event): boolean {
  const target = event.composedPath()[0] as Node;
  // A plain event: in Firefox a copy of a keyboard or pointer event would leave the shadow root, and come back here.
  const copy = new Event(event.type, { bubbles: true, cancelable: true });
  for (const key of KEPT) {
    const value = event[key as keyof Event];
    // Without a prototype: the page may have added a `get` to all objects.
    if (value !== undefined) Object.defineProperty(copy, key, { __proto__: null, value } as PropertyDescriptor);
  }
  const root = target.getRootNode();
  let isPrevented = false;
  // The copy must not follow a link a second time.
  const last = (): void => {
    isPrevented = copy.defaultPrevented;
    if (event.type === "click") copy.preventDefault();
  };
  root.addEventListener(event.type, last);
  const isDone = target.dispatchEvent(copy);
  root.removeEventListener(event.type, last);
  return isPrevented || (!isDone && event.type !== "click");
}
