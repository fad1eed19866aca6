// What the face says. A bundle holds one language: the build decides which file `#texts` is.

import texts from "#texts";

export type Texts = typeof texts;
export const t: Texts = texts;

/** The text with its `{name}` places filled. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}
