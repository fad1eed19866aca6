// Finds the element that a step means.

import { nameOf, plain, roleOf, shortName, type Usable, usable } from "./page-elements.js";
import { isVisible } from "./page-visibility.js";
import type { Target } from "./protocol.js";

/** The element, or why there is none to use. */
export type Found = Usable | "element_missing" | "ambiguous";

/** Finds the element whose name equals the target's, else begins with it, else contains it. */
export function find(page: Document, target: Target | undefined): Found {
  const { role, name, label, selector } = target ?? {};
  if (selector !== undefined) return bySelector(page, selector);
  const wanted = plain(name ?? label ?? "").toLowerCase();
  if (wanted === "") return "element_missing";
  const named = visible(page)
    .filter((element) => role === undefined || roleOf(element) === role)
    .map((element) => [element, nameOf(element).toLowerCase()] as const);
  const same = named.filter(([, text]) => text === wanted).map(([element]) => element);
  if (same.length > 0) return only(same);
  for (const matches of [(text: string) => text.startsWith(wanted), (text: string) => text.includes(wanted)]) {
    const hit = named.find(([, text]) => matches(text));
    if (hit !== undefined) return hit[0];
  }
  return "element_missing";
}

function visible(page: Document): Usable[] {
  return usable(page).filter(isVisible);
}

/** One element, the innermost of nested ones, or one of several links to the same address. */
function only(all: Usable[]): Found {
  const [first, ...others] = all.filter((element) => !all.some((other) => other !== element && element.contains(other)));
  if (first === undefined) return "element_missing";
  return others.every(({ href }) => href && href === first.href) ? first : "ambiguous";
}

/** True when role and name match exactly. */
function isCalled(element: Usable, { role, name, label }: Target): boolean {
  const isSo = plain(shortName(element)) === plain(name ?? label ?? "");
  return isSo && (role === undefined || roleOf(element) === role);
}

/** Finds the element that a plan refers to by id: `known`, as long as it matches the target, else the only one that does. */
export function recognize(page: Document, known: Usable | null, target: Target = {}): Found {
  if (known !== null && isCalled(known, target)) return isVisible(known) ? known : "element_missing";
  if (!(target.name ?? target.label)) return "element_missing";
  return only(visible(page).filter((element) => isCalled(element, target)));
}

function bySelector(page: Document, selector: string): Found {
  try {
    const hits = usable(page, selector).filter(isVisible);
    return hits[0] ?? "element_missing";
  } catch {
    return "element_missing";
  }
}
