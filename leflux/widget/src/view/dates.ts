// Formats times and days in the visitor's language.

import * as t from "#texts";

const DAY_MS = 86_400_000;

export class Dates {
  readonly #clock: Intl.DateTimeFormat;
  readonly #calendar: Intl.DateTimeFormat;
  /** How far the clock that dates the messages is ahead of the browser's. */
  offset = 0;

  /** An invalid locale, or one of another language than the texts, is replaced with the texts' language. */
  constructor(locale: string) {
    const tag = isLocale(locale) && locale.toLowerCase().split("-")[0] === t.lang ? locale : t.lang;
    this.#clock = new Intl.DateTimeFormat(tag, { hour: "numeric", minute: "2-digit" });
    this.#calendar = new Intl.DateTimeFormat(tag, { weekday: "long", day: "numeric", month: "long" });
  }

  time(ts: number): string {
    return this.#clock.format(ts);
  }

  day(ts: number): string {
    const day = dayOf(ts);
    const now = Date.now() + this.offset;
    if (day === dayOf(now)) return t.today;
    return day === dayOf(now - DAY_MS) ? t.yesterday : this.#calendar.format(ts);
  }
}

/** The day in the visitor's time zone, for comparison. */
export function dayOf(ts: number): string {
  return new Date(ts).toDateString();
}

function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
