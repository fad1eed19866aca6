// Style sheets that a strict content security policy allows.

import { el, setText } from "./dom.js";

/** Adds a style sheet to the shadow root. Returns a function that sets its text. */
export function addStyle(shadow: ShadowRoot): (text: string) => void {
  if ("adoptedStyleSheets" in shadow) {
    const made = new CSSStyleSheet();
    shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, made];
    return (text) => made.replaceSync(text);
  }
  // Without constructable style sheets: a `style` element, if the page's policy allows it.
  const element = el("style", null);
  (shadow as ShadowRoot).append(element);
  return (text) => setText(element, text);
}
