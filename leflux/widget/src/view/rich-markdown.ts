// Renders Markdown (CommonMark with GFM's tables) as elements, never as markup. It runs in linear time. A part of a text
// that is still being written is drawn as it will look at its end.

import { copyButton } from "./copy.js";
import { el } from "./dom.js";
import { inline } from "./rich-inline.js";

const FENCE = /^ {0,3}(```|~~~)[\w+#.-]*\s*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)(?:\s+#+)?\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,80}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)([-*+•]|(\d{1,9})[.)])(?: +|$)/;
const UNDERLINE = /^ {0,3}(?:=+|-{2,})\s*$/;
const DELIMITERS = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;
/** A line that does not yet tell what it begins. */
const UNDECIDED = /^\s*(?:[-*+•>#`~=_|]+|\d{1,9}[.)]?)\s*$/;
const MOST_LEVELS = 8;

interface Options {
  level: number;
  /** The text is still being written. */
  open: boolean;
  copy: string;
}

interface Lines extends Options {
  all: string[];
  at: number;
  /** The number that continues the last ordered list. */
  next: number;
}

/** Renders `text` as nodes. `copy`: the label of the button that copies code. */
export function markdown(text: string, open = false, copy = ""): DocumentFragment {
  const all = (open ? text.replace(/\n$/, "") : text).split("\n");
  if (open) while (all.length > 0 && (UNDECIDED.test(all.at(-1)!) || isHeader(all))) all.pop();
  return blocks(all, { level: 0, open, copy });
}

/** The last line may be the first of a table. */
function isHeader(all: string[]): boolean {
  return /^ *\|/.test(all.at(-1)!) && !/^ *\|/.test(all.at(-2) ?? "");
}

function blocks(all: string[], options: Options): DocumentFragment {
  const out = document.createDocumentFragment();
  const lines: Lines = { all, at: 0, next: 1, ...options };
  while (lines.at < all.length) {
    const line = all[lines.at]!;
    if (line.trim() === "") lines.at += 1;
    else out.append(block(line, lines));
  }
  return out;
}

function block(line: string, lines: Lines): Node {
  const heading = HEADING.exec(line);
  if (FENCE.test(line)) return codeBlock(lines);
  if (heading !== null) {
    lines.at += 1;
    return title(heading[1]!.length, heading[2]!, isLast(lines));
  }
  if (RULE.test(line)) {
    lines.at += 1;
    return el("hr", null);
  }
  if (lines.level < MOST_LEVELS) {
    if (QUOTE.test(line)) return quote(lines);
    if (beginsList(lines)) return list(lines);
  }
  if (line.includes("|") && isTable(lines)) return table(lines);
  return paragraph(lines);
}

const isLast = ({ all, at, open }: Lines): boolean => open && at >= all.length;

const nested = (lines: Lines): Options => ({ level: lines.level + 1, open: isLast(lines), copy: lines.copy });

function title(level: number, text: string, open: boolean): Node {
  const node = document.createElement(`h${Math.min(level + 2, 6)}`);
  inline(text, node, open);
  return node;
}

function codeBlock(lines: Lines): Node {
  const mark = lines.all[lines.at]!.trim().slice(0, 3);
  const start = lines.at + 1;
  let end = start;
  while (end < lines.all.length && lines.all[end]!.trim() !== mark) end += 1;
  lines.at = end + 1;
  const code = el("code", null, {}, lines.all.slice(start, end).join("\n"));
  return el("div", null, { class: "code" }, el("pre", null, { tabindex: "0" }, code), copyButton(code, lines.copy));
}

/** True when the line begins a block, and so ends a paragraph. */
function interrupts(line: string): boolean {
  const item = ITEM.exec(line);
  const isItem = item !== null && item[0].length < line.length && (item[3] === undefined || item[3] === "1");
  return line.trim() === "" || FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || isItem;
}

function quote(lines: Lines): Node {
  const inner: string[] = [];
  for (let line = lines.all[lines.at]; line !== undefined; line = lines.all[++lines.at]) {
    // A line without the mark may go on with the quoted paragraph.
    if (!QUOTE.test(line) && (interrupts(line) || inner.at(-1)!.trim() === "")) break;
    inner.push(line.replace(QUOTE, ""));
  }
  return el("blockquote", null, {}, blocks(inner, nested(lines)));
}

/** A number begins a list when it is 1, goes on with the list before, or is followed by the next one: a date does not. */
function beginsList({ all, at, next }: Lines): boolean {
  const item = ITEM.exec(all[at]!);
  if (item === null || item[1]!.length > 3) return false;
  const number = item[3];
  if (number === undefined || Number(number) <= 1 || Number(number) === next) return true;
  const follower = all.slice(at + 1, at + 20).find((line) => ITEM.test(line) && !line.startsWith("  "));
  return Number(ITEM.exec(follower ?? "")?.[3]) === Number(number) + 1;
}

function list(lines: Lines): Node {
  const [, , mark, number] = ITEM.exec(lines.all[lines.at]!)!;
  const kind = mark!.slice(-1);
  const parent = document.createElement(number === undefined ? "ul" : "ol");
  if (number !== undefined) {
    (parent as HTMLOListElement).start = Number(number);
    lines.next = Number(number);
  }
  for (let item = ITEM.exec(lines.all[lines.at]!); item !== null; item = ITEM.exec(lines.all[lines.at] ?? "")) {
    if (item[1]!.length > 3 || item[2]!.slice(-1) !== kind || RULE.test(lines.all[lines.at]!)) break;
    parent.append(listItem(lines, item));
    if (number !== undefined) lines.next += 1;
    const after = lines.all.findIndex((line, index) => index >= lines.at && line.trim() !== "");
    if (after > 0 && ITEM.exec(lines.all[after]!)?.[2]?.endsWith(kind)) lines.at = after;
  }
  return parent;
}

function listItem(lines: Lines, [all, indent]: RegExpExecArray): Node {
  const inner = [lines.all[lines.at]!.slice(all.length).replace(/^\[ \] /, "☐ ").replace(/^\[x\] /i, "☑ ")];
  const least = Math.min(all.length, indent!.length + 2);
  for (lines.at += 1; lines.at < lines.all.length; lines.at += 1) {
    const line = lines.all[lines.at]!;
    const depth = line.search(/\S/);
    if (depth >= 0 && depth < least && (ITEM.test(line) || interrupts(line) || inner.at(-1)!.trim() === "")) break;
    inner.push(line.slice(Math.min(Math.max(depth, 0), all.length)));
  }
  const li = el("li", null, {}, blocks(inner, nested(lines)));
  const first = li.firstElementChild;
  if (first?.localName === "p") first.replaceWith(...first.childNodes);
  return li;
}

function cells(line: string): string[] {
  const escaped = line.trim().replaceAll("\\|", "\0");
  return escaped.replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim().replaceAll("\0", "|"));
}

function isTable({ all, at }: Lines): boolean {
  const line = all[at + 1] ?? "";
  return line.includes("-") && DELIMITERS.test(line) && cells(line).length === cells(all[at]!).length;
}

function table(lines: Lines): Node {
  const width = cells(lines.all[lines.at]!).length;
  const row = (tag: "th" | "td"): Node => {
    const found = cells(lines.all[lines.at]!);
    lines.at += 1;
    return el("tr", null, { dir: "auto" }, ...Array.from({ length: width }, (_, index) => filled(tag, found[index] ?? "", isLast(lines))));
  };
  const body = [row("th")];
  for (lines.at += 1; lines.at < lines.all.length && !interrupts(lines.all[lines.at]!); ) body.push(row("td"));
  return el("div", null, { class: "table", tabindex: "0" }, el("table", null, {}, ...body));
}

function filled(tag: "th" | "td", text: string, open: boolean): Node {
  const node = el(tag, null);
  inline(text, node, open);
  return node;
}

function paragraph(lines: Lines): Node {
  const start = lines.at;
  do lines.at += 1;
  while (lines.at < lines.all.length && !interrupts(lines.all[lines.at]!) && !UNDERLINE.test(lines.all[lines.at]!) && !isTable(lines));
  const text = lines.all.slice(start, lines.at).map((line) => line.trim()).join("\n");
  const line = lines.all[lines.at] ?? "";
  if (UNDERLINE.test(line) && line.trim() !== "") {
    lines.at += 1;
    return title(line.includes("=") ? 1 : 2, text, false);
  }
  const p = el("p", null);
  inline(text, p, isLast(lines));
  return p;
}
