// The address of a page as the server may know it: without fragment and credentials, and with a mark in place of each
// value of the query that the site does not allow. The key of the marks never leaves the browser, so the server can tell
// whether two addresses of one visitor are the same, and cannot find out a value.

import { truncate } from "./text.js";

const URL_MAX = 4_096;
const NAME = /^[\w.[\]%-]{1,40}$/;
/** A part of a path that is nobody's word: a token or an e-mail address. */
const SECRET_PART = /(?=\w*\d)(?=\w*[a-z])\w{20,}|@|%40/i;

export interface AddressRules {
  /** The names of query values that the site allows. */
  allowed: readonly string[];
  /** Addresses that the server itself has given for the steps of a task. They are told as they were given. */
  given: readonly string[];
  key: string;
}

export function toldAddress(href: string, { allowed, given, key }: AddressRules): string {
  const known = given.find((one) => pageOf(one) === pageOf(href));
  if (known !== undefined) return known;
  const { protocol, host, pathname, search } = new URL(href);
  const mark = (text: string): string => (text === "" ? "" : `~${digest(key, text)}`);
  const path = pathname.split("/").map((part) => (SECRET_PART.test(part) ? mark(part) : part));
  const query = search.slice(1).split("&").map((pair) => {
    const [name, ...value] = pair.split("=");
    if (allowed.includes(name!)) return pair;
    return value.length > 0 && NAME.test(name!) ? `${name}=${mark(value.join("="))}` : mark(pair);
  });
  return truncate(`${protocol}//${host}${path.join("/")}${search === "" ? "" : `?${query.join("&")}`}`, URL_MAX);
}

/** What the server compares. */
function pageOf(address: string): string {
  try {
    const { origin, pathname, search } = new URL(address);
    return origin + pathname.replace(/\/$/, "") + search;
  } catch {
    return "";
  }
}

/** 53 bits of a keyed digest (cyrb53): the same text has the same mark in one conversation, and in no other. */
function digest(key: string, text: string): string {
  let [one, two] = [0xdeadbeef, 0x41c6ce57];
  for (const char of key + text + key) {
    const code = char.codePointAt(0)!;
    one = Math.imul(one ^ code, 2654435761);
    two = Math.imul(two ^ code, 1597334677);
  }
  one = Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(two ^ (two >>> 13), 3266489909);
  two = Math.imul(two ^ (two >>> 16), 2246822507) ^ Math.imul(one ^ (one >>> 13), 3266489909);
  return (4294967296 * (2097151 & two) + (one >>> 0)).toString(36);
}
