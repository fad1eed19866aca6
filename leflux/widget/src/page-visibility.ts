// Whether a person could see and press an element.

import { HOST, nameOf, plain, type Usable } from "./page-elements.js";

/** Smaller elements, in CSS pixels, are for screen readers or traps. */
const LEAST = 2;

const CLIPPED = /inset\((50|100)%|circle\(0|rect\(([01]px,? ?){4}\)/;

type Checks = { checkVisibility?: (options: object) => boolean };

/** A styled check box is invisible itself; its label is what a person presses. */
function faces(element: Usable): Element[] {
  const labels = /^(checkbox|radio)$/.test(element.type ?? "") ? (element as HTMLInputElement).labels : null;
  return [element, ...(labels ?? [])];
}

export function isVisible(element: Usable): boolean {
  return faces(element).some(isShown);
}

function isShown(element: Element): boolean {
  const { width, height, right, bottom } = element.getBoundingClientRect();
  const { defaultView: view } = element.ownerDocument;
  const isOnPage = right + view!.scrollX > 0 && bottom + view!.scrollY > 0;
  return width >= LEAST && height >= LEAST && isOnPage && isOpaque(element);
}

function isOpaque(element: Element): boolean {
  const options = { opacityProperty: true, visibilityProperty: true, checkOpacity: true, checkVisibilityCSS: true };
  if ((element as Checks).checkVisibility?.(options) === false) return false;
  if (/hidden|collapse/.test(getComputedStyle(element).visibility)) return false;
  for (let node: Element | null = element; node !== null; node = above(node)) {
    const { opacity, clipPath, clip } = getComputedStyle(node);
    // Nearly transparent elements and those clipped away look the same as invisible ones.
    if ((opacity !== "" && Number(opacity) < 0.1) || CLIPPED.test(`${clipPath} ${clip}`)) return false;
  }
  return true;
}

/** The parent, also through the boundary of a shadow root or a frame. */
export function above(node: Element): Element | null {
  const root = node.getRootNode() as Partial<ShadowRoot>;
  return node.parentElement ?? root.host ?? (node.ownerDocument.defaultView?.frameElement as Element | null) ?? null;
}

/** What lies over the element, by its name; null when a person could press the element. */
export function cover(element: Usable): string | null {
  let over: Element | null = null;
  for (const face of faces(element)) {
    const { left, top, width, height } = face.getBoundingClientRect();
    for (const [x, y] of [[0.5, 0.5], [0.2, 0.5], [0.8, 0.5], [0.5, 0.2], [0.5, 0.8]] as const) {
      const hit = outside(face, left + width * x, top + height * y) ?? topmost(face.ownerDocument, left + width * x, top + height * y);
      if (hit !== null && belongs(hit, element)) return null;
      over ??= hit;
    }
  }
  return over === null ? "" : describe(over);
}

/** The page's topmost element: the chat itself is not in the way. */
function topmost(page: Document, x: number, y: number): Element | null {
  let hit = page.elementsFromPoint(x, y).find((each) => each.localName !== HOST) ?? null;
  for (;;) {
    const inner: Element | null = hit?.shadowRoot?.elementFromPoint?.(x, y) ?? null;
    if (inner === null || inner === hit || inner.getRootNode() !== hit!.shadowRoot) return hit;
    hit = inner;
  }
}

/** What lies over the frame that the element is in. */
function outside(element: Element, x: number, y: number): Element | null {
  const frame = element.ownerDocument.defaultView?.frameElement;
  if (frame == null) return null;
  const { left, top } = frame.getBoundingClientRect();
  const hit = topmost(frame.ownerDocument, left + frame.clientLeft + x, top + frame.clientTop + y);
  return hit === frame ? null : hit;
}

function belongs(hit: Element, element: Usable): boolean {
  const label = hit.closest("label");
  for (let node: Element | null = hit; node !== null; node = above(node)) if (node === element) return true;
  return element.contains(hit) || label?.control === element || (hit.contains(element) && hit.matches("label,a,button"));
}

/** The name of a dialog or banner, else how its text begins. */
function describe(over: Element): string {
  const banner = over.closest<Usable>("[role=dialog],[role=alertdialog],[aria-label],dialog") ?? (over as Usable);
  return plain(nameOf(banner)).slice(0, 80);
}
