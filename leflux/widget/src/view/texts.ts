// Helpers for the texts in `#texts`. The build resolves `#texts` to one language per bundle.

/** Replaces the `{name}` placeholders of `text`. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}
