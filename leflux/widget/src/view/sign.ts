// Shows who of the site has written a message.

import type { ShownMessage } from "../types.js";
import { setAll } from "./dom.js";

/** Puts the name and the initials of the person to a message's row. */
export function sign(row: HTMLElement, { kind, data }: ShownMessage): void {
  if (kind !== "person") return;
  const name = String((data as { name?: unknown } | null | undefined)?.name ?? "");
  const initials = name.replace(/(\S)\S*\s*/gu, "$1").slice(0, 2);
  setAll(row, { "data-name": name, "data-initials": initials });
  row.querySelector(".meta")?.setAttribute("data-name", name);
  row.firstElementChild?.setAttribute("aria-label", `${name} ${row.querySelector("time")?.textContent ?? ""}`);
}
