// A little Markdown, built from elements and never from markup: bold, italic, code, lists and links. Whatever else
// a text holds stays text. Every scan moves forward only, so that no text makes it slow.

const SAFE = new Set(["http:", "https:", "mailto:"]);
const MAX_LINE = 4_000;
const FENCE = /^```[\w+#.-]*\s*$/;

/** The text as nodes. */
export function markdown(text: string): DocumentFragment {
  const out = document.createDocumentFragment();
  const lines = text.split("\n");
  let at = 0;
  while (at < lines.length) {
    const line = lines[at]!;
    if (FENCE.test(line)) at = codeBlock(lines, at, out);
    else if (bullet(line) !== null) at = list(lines, at, out);
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

function bullet(line: string): { ordered: boolean; text: string } | null {
  const match = /^ {0,3}(?:([-*•])|(\d{1,3})[.)]) +/.exec(line);
  return match === null ? null : { ordered: match[2] !== undefined, text: line.slice(match[0].length) };
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
    if (line.trim() === "" || FENCE.test(line) || bullet(line) !== null) break;
    if (at > start) p.append(document.createElement("br"));
    inline(line.replace(/^#{1,6} /, ""), p);
    at += 1;
  }
  out.appendChild(p);
  return at;
}

const MARK = /[*_`[h]/g;

function inline(text: string, parent: Node): void {
  let plain = 0;
  let at = 0;
  const keep = (end: number): void => {
    if (end > plain) parent.appendChild(document.createTextNode(text.slice(plain, end)));
  };
  const limit = Math.min(text.length, MAX_LINE);
  while (at < limit) {
    MARK.lastIndex = at;
    const found = MARK.exec(text);
    if (found === null || found.index >= limit) break;
    at = found.index;
    const piece = span(text, at);
    if (piece === null) {
      at += 1;
      continue;
    }
    keep(at);
    parent.appendChild(piece.node);
    at = plain = piece.end;
  }
  keep(text.length);
}

function span(text: string, at: number): { node: Node; end: number } | null {
  const char = text[at];
  if (char === "`") return wrapped(text, at, "`", "code");
  if (char === "*") return text[at + 1] === "*" ? wrapped(text, at, "**", "strong") : wrapped(text, at, "*", "em");
  if (char === "_") return /\w/.test(text[at - 1] ?? "") ? null : wrapped(text, at, "_", "em");
  if (char === "[") return namedLink(text, at);
  return bareLink(text, at);
}

function wrapped(text: string, at: number, mark: string, tag: string): { node: Node; end: number } | null {
  const start = at + mark.length;
  const end = text.slice(start, start + 1_000).indexOf(mark);
  if (end < 1 || text[start] === " ") return null;
  const node = document.createElement(tag);
  node.textContent = text.slice(start, start + end);
  return { node, end: start + end + mark.length };
}

function namedLink(text: string, at: number): { node: Node; end: number } | null {
  const match = /^\[([^\]\n]{1,300})\]\(([^\s()]{1,1000})\)/.exec(text.slice(at, at + 1_310));
  if (match === null) return null;
  const node = link(match[2]!, match[1]!);
  return node === null ? null : { node, end: at + match[0].length };
}

function bareLink(text: string, at: number): { node: Node; end: number } | null {
  if (/\w/.test(text[at - 1] ?? "")) return null;
  const match = /^https?:\/\/[^\s<>"'`]{1,1000}/.exec(text.slice(at, at + 1_010));
  if (match === null) return null;
  const url = match[0].replace(/[.,;:!?)\]}*_]+$/, "");
  const node = link(url, url);
  return node === null ? null : { node, end: at + url.length };
}

/** Null for an address that is no place to go to. */
export function link(address: string, label: string): HTMLAnchorElement | null {
  let url: URL;
  try {
    url = new URL(address, document.baseURI);
  } catch {
    return null;
  }
  if (!SAFE.has(url.protocol)) return null;
  const anchor = document.createElement("a");
  anchor.href = url.href;
  anchor.textContent = label;
  if (url.origin !== location.origin) {
    anchor.target = "_blank";
    anchor.rel = "noopener noreferrer";
  }
  return anchor;
}
