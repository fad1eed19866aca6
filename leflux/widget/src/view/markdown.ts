// Renders the Markdown of most messages as elements, never as markup: bold, italic, code, lists and links. It runs in
// linear time. A text with more than that is drawn by `rich-markdown.ts`, once it has been loaded.

import { link } from "./link.js";

/** Tables, quotes, headings, rules, nested or interrupted lists, images, escapes, several marks at once. */
const RICH =
  /^(?: {0,3}>| {0,3}#{1,6} |.*\|.*\|| {0,3}(?:```|~~~)| {0,3}(?:---|\*\*\*|___|===)| +(?:[-*+•]|\d+[.)]) |\+ )|\n\s*\n {0,3}(?!1[.)])\d+[.)] |!\[|~~|\\[!-/:-@[-`{-~]|<(?:http|mailto|tel)|\]\([^)]*\(|__|\*\*\S[^*]*\*[^*]/m;

export function isRich(text: string): boolean {
  return RICH.test(text);
}

const FENCE = /^```[\w+#.-]*\s*$/;

/** Renders `text` as nodes. */
export function markdown(text: string, _open?: boolean, _copy?: string): DocumentFragment {
  const out = document.createDocumentFragment();
  const lines = text.split("\n");
  let at = 0;
  while (at < lines.length) {
    const line = lines[at]!;
    if (FENCE.test(line)) at = codeBlock(lines, at, out);
    else if (bullet(line)?.first === true) at = list(lines, at, out);
    else if (line.trim() === "") at += 1;
    else at = paragraph(lines, at, out);
  }
  return out;
}

function codeBlock(lines: string[], start: number, out: Node): number {
  let end = start + 1;
  while (end < lines.length && !FENCE.test(lines[end]!)) end += 1;
  const pre = document.createElement("pre");
  const code = document.createElement("code");
  code.textContent = lines.slice(start + 1, end).join("\n");
  pre.append(code);
  pre.tabIndex = 0;
  out.appendChild(pre);
  return end + 1;
}

/** An item of a list. A list begins with 1: other numbers may be a date. */
function bullet(line: string): { ordered: boolean; first: boolean; text: string } | null {
  const match = /^ {0,3}(?:[-*•]|(\d{1,9})[.)]) +/.exec(line);
  return match === null ? null : { ordered: match[1] !== undefined, first: Number(match[1] ?? 1) === 1, text: line.slice(match[0].length) };
}

function list(lines: string[], start: number, out: Node): number {
  const ordered = bullet(lines[start]!)!.ordered;
  const parent = document.createElement(ordered ? "ol" : "ul");
  let at = start;
  for (let item = bullet(lines[at]!); item !== null && item.ordered === ordered; item = bullet(lines[at] ?? "")) {
    const li = document.createElement("li");
    inline(item.text, li);
    parent.append(li);
    at += 1;
  }
  out.appendChild(parent);
  return at;
}

function paragraph(lines: string[], start: number, out: Node): number {
  const p = document.createElement("p");
  let at = start;
  while (at < lines.length) {
    const line = lines[at]!;
    if (line.trim() === "" || FENCE.test(line) || bullet(line)?.first === true) break;
    if (at > start) p.append(document.createElement("br"));
    inline(line.replace(/^#{1,6} /, ""), p);
    at += 1;
  }
  out.appendChild(p);
  return at;
}

// Each alternative ends where its own mark comes again, or at a bound, so that no text is scanned twice over.
const INLINE =
  /`([^`]{1,1000})`|\*\*([^\s*][^*]{0,1000})\*\*|\*([^\s*][^*]{0,1000})\*|\b_([^\s_][^_]{0,1000})_\b|\[([^\]]{1,300})\]\(([^\s()]{1,1000})\)|\bhttps?:\/\/[^\s<>"'`]{1,1000}/g;

const WORD = /[\p{L}\p{N}]/u;

function inline(text: string, parent: Element): void {
  let plain = 0;
  for (const match of text.matchAll(INLINE)) {
    // Inside a word a star is a star: `2*3*4`, `Kund*innen`.
    if (match[3] !== undefined && WORD.test((text[match.index - 1] ?? " ") + (text[match.index + match[0].length] ?? " "))) continue;
    const [node, length] = span(match);
    if (node === null) continue;
    parent.append(text.slice(plain, match.index), node);
    plain = match.index + length;
  }
  parent.append(text.slice(plain));
}

/** The element, and the number of characters that it replaces. */
function span([all, code, bold, stress, line, label, address]: RegExpMatchArray): [Element | null, number] {
  if (label !== undefined) return [link(address!, label), all.length];
  const inner = code ?? bold ?? stress ?? line;
  if (inner === undefined) {
    const url = all.replace(/[.,;:!?)\]}*_]+$/, "");
    return [link(url, url), url.length];
  }
  const element = document.createElement(code ? "code" : bold ? "strong" : "em");
  element.textContent = inner;
  return [element, all.length];
}
