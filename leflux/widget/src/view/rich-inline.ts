// Renders the marks inside a line of Markdown: emphasis, code, links. It runs in linear time.

import { el } from "./dom.js";
import { link } from "./link.js";

const SPECIAL = /\\[!-/:-@[-`{-~]|`+|\*{1,3}|_{1,3}|~~|!?\[|<(?:https?:|mailto:|tel:)[^\s<>]{1,1000}>|\bhttps?:\/\/[^\s<>"'`]{1,1000}|\n/g;
const LINK = /!?\[((?:[^[\]]|\[[^[\]]{0,100}\]){0,300})\]\(\s*(?:<([^<>\n]{1,1000})>|([^\s()<>]{0,1000}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,300}){0,3}))(?:\s+["'][^"'\n]{0,200}["'])?\s*\)/y;
/** A link that is still being written. */
const HALF_LINK = /^!?\[([^[\]\n]{0,300})(?:\]?$|\]\([^\s)]*$)/;
const WORD = /[\p{L}\p{N}]/u;
const TAGS: Record<string, string> = { "**": "strong", __: "strong", "*": "em", _: "em", "~~": "del" };
const MOST_LEVELS = 6;

/** Appends `text` to `parent`. `open`: the text is still being written, so a mark without its end lasts to the end. */
export function inline(text: string, parent: Element, open = false, level = 0): void {
  const marks = [...text.matchAll(SPECIAL)];
  /** Marks without an end, which need not be looked for again. */
  const endless = new Set<string>();
  let plain = 0;
  const put = (from: number, to: number, ...nodes: (Node | string)[]): void => {
    parent.append(text.slice(plain, from), ...nodes);
    plain = to;
  };
  marks.forEach((found, index) => {
    const [mark] = found;
    const at = found.index;
    const end = at + mark.length;
    if (at < plain) return;
    if (mark === "\n") put(at, end, el("br", null));
    else if (mark[0] === "\\") put(at, end, mark.slice(1));
    else if (mark[0] === "<") put(at, end, link(mark.slice(1, -1), mark.slice(1, -1)) ?? mark);
    else if (mark[0] === "h") {
      const url = bare(mark);
      put(at, at + url.length, link(url, url) ?? url);
    } else if (mark.endsWith("[")) {
      LINK.lastIndex = at;
      const whole = LINK.exec(text);
      const half = whole === null && open ? HALF_LINK.exec(text.slice(at)) : null;
      const node = whole && labelled(whole[2] ?? whole[3]!, whole[1]!, level);
      if (node) put(at, at + whole![0].length, node);
      else if (half !== null) put(at, text.length, half[1]!);
    } else if (!endless.has(mark) && (mark[0] === "`" || opens(text, at, mark))) {
      const close = marks.find((other, place) => place > index && other[0] === mark && (mark[0] === "`" || closes(text, other.index, mark)));
      const stop = close?.index ?? (open && level === 0 ? text.length : -1);
      if (close === undefined) endless.add(mark);
      if (stop > end) put(at, stop + (close ? mark.length : 0), span(mark, text.slice(end, stop), open && !close, level));
    }
  });
  parent.append(text.slice(plain));
}

/** Inside a word there are no marks, except bold ones: `2*3*4`, `Kund*innen`, `snake_case`. */
function opens(text: string, at: number, mark: string): boolean {
  const [before, after] = [text[at - 1] ?? "", text[at + mark.length] ?? ""];
  if (after.trim() === "") return false;
  return mark === "**" || mark === "~~" ? !(/\d/.test(before) && /\d/.test(after)) : !WORD.test(before);
}

function closes(text: string, at: number, mark: string): boolean {
  const [before, after] = [text[at - 1] ?? "", text[at + mark.length] ?? ""];
  return before.trim() !== "" && (mark === "**" || mark === "~~" || !WORD.test(after));
}

function span(mark: string, text: string, open: boolean, level: number): Element {
  if (mark[0] === "`") return el("code", null, {}, /^ .*\S.* $/.test(text) ? text.slice(1, -1) : text);
  if (mark.length === 3) return wrap("strong", (node) => node.append(wrap("em", (inner) => inside(text, inner, open, level))));
  return wrap(TAGS[mark]!, (node) => inside(text, node, open, level));
}

function wrap(tag: string, fill: (node: Element) => void): Element {
  const node = document.createElement(tag);
  fill(node);
  return node;
}

function inside(text: string, node: Element, open: boolean, level: number): void {
  if (level < MOST_LEVELS) inline(text, node, open, level + 1);
  else node.append(text);
}

/** An address in the text, without the punctuation after it. */
function bare(found: string): string {
  const url = found.replace(/[.,;:!?\]}*_~]+$/, "");
  return url.endsWith(")") && !url.includes("(") ? bare(url.slice(0, -1)) : url;
}

/** A link whose label has marks of its own. A link inside of it would lead elsewhere, so it becomes text. */
function labelled(address: string, label: string, level: number): HTMLAnchorElement | null {
  if (address === "") return null;
  return link(address, label, (anchor) => {
    inside(label, anchor, false, level);
    for (const inner of anchor.querySelectorAll("a")) inner.replaceWith(...inner.childNodes);
  });
}
