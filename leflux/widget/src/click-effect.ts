// Where a click or a filled form would lead: never to another site, and never to a script.

import { submits, type Usable } from "./page-elements.js";

export type Refusal = "forbidden_url" | "foreign_form";

/** Asks the prototype: a form's own properties may be replaced by its fields. */
function attribute(element: Element, name: string): string | null {
  return Element.prototype.getAttribute.call(element, name);
}

/** True for a page of the site. `hosts`: its host names; one that begins with a dot stands for all names that end with it. */
function isOwn(address: string, base: string, hosts: readonly string[]): boolean {
  try {
    const { protocol, hostname } = new URL(address, base);
    const isSite = hostname === location.hostname || hosts.some((host) => (host[0] === "." ? hostname.endsWith(host) : hostname === host));
    return /^https?:$/.test(protocol) && isSite;
  } catch {
    return false;
  }
}

/** The element and all that hears of a click on it, also outside of the shadow root or the slot that it is in. */
function reached(element: Element): Element[] {
  const path: Element[] = [];
  let node: Node | null = element;
  for (; node !== null; node = (node as Element).assignedSlot ?? node.parentNode ?? (node as Partial<ShadowRoot>).host ?? null) {
    if (node instanceof Element) path.push(node);
  }
  return path;
}

/** Where a link leads, and whom it tells. The address of a link in an SVG may be animated. */
function addressesOf(link: Element): string[] {
  const animated = link.querySelector("set,animate") === null ? [] : ["javascript:"];
  const pings = (attribute(link, "ping") ?? "").split(/\s+/);
  return [attribute(link, "href") ?? attribute(link, "xlink:href") ?? "", ...animated, ...pings].filter((address) => address !== "");
}

/** Why the element must not be clicked, or null. The click reaches its links, its label's control, and its form. */
export function clickRefusal(element: Usable, hosts: readonly string[]): Refusal | null {
  const path = reached(element);
  const control = (path.find((each) => each.localName === "label") as HTMLLabelElement | undefined)?.control as Usable | null | undefined;
  const addresses = path.filter((each) => /^(a|area)$/.test(each.localName)).flatMap(addressesOf);
  if (!addresses.every((address) => isOwn(address, element.baseURI, hosts))) return "forbidden_url";
  const button = path.find((each) => /^(button|input)$/.test(each.localName)) as Usable | undefined;
  const leads = [button, control].every((each) => each == null || !submits(each) || isOwn(goal(each), element.baseURI, hosts));
  return leads ? null : "foreign_form";
}

/** Why personal data must not be typed into the field, or null: its form belongs to another site. */
export function fillRefusal(field: Usable, hosts: readonly string[]): Refusal | null {
  const { form } = field;
  if (form == null) return null;
  const first = [...field.ownerDocument.querySelectorAll<Usable>("button,input")].find((each) => each.form === form && submits(each));
  const goals = [attribute(form, "action"), first === undefined ? null : goal(first)];
  return goals.every((address) => isOwn(address || location.href, field.baseURI, hosts)) ? null : "foreign_form";
}

/** Where the form is sent when this button is pressed. */
function goal(button: Usable): string {
  return attribute(button, "formaction") || attribute(button.form!, "action") || location.href;
}
