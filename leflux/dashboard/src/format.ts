// Formats numbers and times.

const numbers = new Intl.NumberFormat();
const times = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const days = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const shortDays = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const moments = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const number = (value: number): string => numbers.format(value);
export const time = (ts: number): string => times.format(ts);
export const dayOf = (ts: number): string => days.format(ts);
export const moment = (ts: number): string => moments.format(ts);
/** Formats a UTC day, `YYYY-MM-DD`, as "3 Mar". */
export const shortDay = (date: string): string => shortDays.format(Date.parse(`${date}T00:00:00Z`));

export function count(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

export function ago(ts: number, now = Date.now()): string {
  const past = ts - now;
  if (past > -45_000) return "just now";
  if (past > -HOUR) return relative.format(Math.round(past / MINUTE), "minute");
  if (past > -DAY) return relative.format(Math.round(past / HOUR), "hour");
  if (past > -7 * DAY) return relative.format(Math.round(past / DAY), "day");
  return moment(ts);
}

export const UNITS = [
  ["seconds", 1_000],
  ["minutes", MINUTE],
  ["hours", HOUR],
  ["days", DAY],
] as const;

/** Formats a duration in the largest unit that gives a whole number: "30 minutes", "1 day". */
export function duration(ms: number): string {
  const [name, size] = unitOf(ms);
  const value = ms / size;
  return `${number(value)} ${value === 1 ? name.slice(0, -1) : name}`;
}

export function unitOf(ms: number): (typeof UNITS)[number] {
  return [...UNITS].reverse().find(([name, size]) => ms % size === 0 && (name !== "days" || ms >= 2 * DAY)) ?? UNITS[0];
}

export const millis = (ms: number | null): string => (ms === null ? "–" : `${number(Math.round(ms * 10) / 10)} ms`);

export function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${number(Math.round((part / whole) * 1000) / 10)} %`;
}

/** The address if it is safe for a link, else null. */
export function safeLink(text: unknown): string | null {
  if (typeof text !== "string" || !URL.canParse(text)) return null;
  return /^https?:$/.test(new URL(text).protocol) ? text : null;
}

/** A shortened id. */
export const shortId = (id: string): string => id.slice(0, 8);
