// Builds elements without markup, so that text stays text.

type Props = Record<string, string | null>;

/** `part` names the element for the page's CSS and for tests. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  part: string | null,
  props: Props = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  setAll(element, part === null ? props : { part, class: part, ...props });
  element.append(...children);
  return element;
}

export function setAll(element: Element, props: Props): void {
  for (const [name, value] of Object.entries(props)) set(element, name, value);
}

/** Sets an attribute, or removes it (null). Writes only when the value differs. */
export function set(element: Element, name: string, value: string | null): void {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

export function show(element: Element, isShown: boolean): void {
  set(element, "hidden", isShown ? null : "");
}

export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const PATHS = {
  chat: "M4 5.5A2.5 2.5 0 0 1 6.5 3h11A2.5 2.5 0 0 1 20 5.5v8a2.5 2.5 0 0 1-2.5 2.5H11l-4.6 4.1a.6.6 0 0 1-1-.45V16A2.5 2.5 0 0 1 4 13.5z",
  close: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  down: "M6 9.5l6 6 6-6",
  stop: "M7.5 7.5h9v9h-9z",
  send: "M5 12.5l14-7-5 14-3-5.5z",
  more: "M12 6v.01M12 12v.01M12 18v.01",
  dock: "M4 5.5h16v13H4zM14.5 5.5v13",
  check: "M5.5 12.5l4.2 4.2 8.8-9.2",
  copy: "M9 9h11v11H9zM5 15V4h11",
  clock: "M12 7v5.2l3.2 2M12 3.8a8.2 8.2 0 1 0 0 16.4 8.2 8.2 0 0 0 0-16.4z",
} as const;

export function icon(name: keyof typeof PATHS, filled = false): SVGElement {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  setAll(svg, { viewBox: "0 0 24 24", "aria-hidden": "true", class: filled ? "icon filled" : "icon" });
  const path = document.createElementNS(ns, "path");
  set(path, "d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A button with an icon and the accessible name `label`. */
export function button(part: string | null, label: string, glyph: SVGElement, act: () => void): HTMLButtonElement {
  const element = el("button", part, { type: "button", "aria-label": label, title: label }, glyph);
  element.addEventListener("click", act);
  return element;
}

/** A button with a visible label. */
export function textButton(part: string | null, look: string, label: string, act: () => void): HTMLButtonElement {
  const element = el("button", part, { type: "button", class: look }, label);
  element.addEventListener("click", act);
  return element;
}
