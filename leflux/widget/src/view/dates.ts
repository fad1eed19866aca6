// Times and days as the visitor's language writes them.

import * as t from "#texts";

const DAY_MS = 86_400_000;

export class Dates {
  readonly #clock: Intl.DateTimeFormat;
  readonly #calendar: Intl.DateTimeFormat;

  /** A locale of another language than the texts, or one that is none, gives way to that of the texts. */
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
    const now = Date.now();
    if (day === dayOf(now)) return t.today;
    return day === dayOf(now - DAY_MS) ? t.yesterday : this.#calendar.format(ts);
  }
}

/** The day in the visitor's own time zone, to compare. */
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
