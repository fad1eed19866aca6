// What the face says is in `#texts`: a bundle holds one language, and the build decides which file that is.

/** The text with its `{name}` places filled. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}
