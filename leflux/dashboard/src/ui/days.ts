// UTC days, as in the analytics.

import { DAY } from "../format.js";
import type { Day } from "../types.js";

const dateOf = (ts: number): string => new Date(ts).toISOString().slice(0, 10);

/** The query `from=…&to=…` (ms, the end exclusive) for the last `span` days including today. */
export function lastDays(span: number): string {
  const end = Math.floor(Date.now() / DAY + 1) * DAY;
  return `from=${end - span * DAY}&to=${end}`;
}

/** The last `span` days, oldest first. Days without data are filled with zeros. */
export function complete(days: readonly Day[], span: number): Day[] {
  const known = new Map(days.map((day) => [day.date, day]));
  return Array.from({ length: span }, (_, index) => {
    const date = dateOf(Date.now() - (span - 1 - index) * DAY);
    return (
      known.get(date) ?? {
        date,
        sessions: 0,
        messages: 0,
        visitors: 0,
        restores: { full: 0, partial: 0, new: 0 },
        tasks: { done: 0, resumed: 0, aborted: 0 },
      }
    );
  });
}
