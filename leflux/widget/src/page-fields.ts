// Which fields are never filled in: cards, bank accounts, passwords, one-time codes, files. The server applies the same
// rule to the same lists (`leflux/tasks/sensitive.py`).

import lists from "../../tasks/sensitive_fields.json";
import { factsOf, isField, nameOf, type Usable } from "./page-elements.js";

const FORBIDDEN = /^(password|file|hidden)$/;
/** Letters that Unicode does not decompose. */
const LETTERS: Record<string, string> = { ł: "l", Ł: "l", ø: "o", Ø: "o", ß: "ss", ı: "i" };

type List = keyof typeof lists;

/** Lower-case words, separated and surrounded by single spaces: without accents, camelCase and invisible characters. */
function normalize(text: string): string {
  const plain = text
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .replace(/[łŁøØßı]/g, (letter) => LETTERS[letter]!)
    .normalize("NFKD")
    .replace(/[\p{M}\p{Cf}]/gu, "")
    .toLowerCase();
  return ` ${plain.replace(/[^\p{L}\p{N}]+/gu, " ").trim()} `;
}

const needles = {} as Record<List, string[]>;

/** True when a word of the list is in a text that `normalize` has returned. */
function finds(list: List, words: string): boolean {
  // An entry that begins with `*` is found inside of other words too.
  needles[list] ??= lists[list].map((entry) => (entry[0] === "*" ? normalize(entry).trim() : normalize(entry)));
  return needles[list].some((needle) => words.includes(needle));
}

function wordsOf(element: Usable, ...more: string[]): string {
  return [nameOf(element), ...(factsOf(element).hints ?? []), ...more].map(normalize).join("|");
}

/** A description tells of a card only: one that promises a code by SMS may belong to any field. */
function isCard(element: Usable): boolean {
  return finds("card", wordsOf(element, factsOf(element).described ?? ""));
}

function siblings(element: Usable): Usable[] {
  const fields = [...element.ownerDocument.querySelectorAll<Usable>("input,select,textarea")];
  return element.form == null ? fields : fields.filter(({ form }) => form === element.form);
}

export function isForbidden(element: Usable): boolean {
  if (FORBIDDEN.test(element.type ?? "")) return true;
  const words = wordsOf(element);
  const lists: List[] = ["card", "secret", "bank", "pan"];
  if (lists.some((list) => finds(list, words)) || isCard(element)) return true;
  if (finds("code", words) && finds("digits", words)) return true;
  return isField(element) && finds("expiry", words) && siblings(element).some(isCard);
}
