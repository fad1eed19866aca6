// The part that acts on the page and draws the whole of Markdown. Most pages never need it.

import { offer } from "./part-loader.js";
import { TaskExecutor } from "./task-executor.js";
import css from "./view/rich.css?inline";
import { markdown } from "./view/rich-markdown.js";
import { sign } from "./view/sign.js";
import { addStyle } from "./view/style-sheet.js";

export type Markdown = typeof markdown;

export interface More {
  TaskExecutor: typeof TaskExecutor;
  /** Adds the styles of rich Markdown to the shadow root, and returns what draws it. */
  renderer: (shadow: ShadowRoot) => Markdown;
  sign: typeof sign;
}

offer<More>("more", {
  TaskExecutor,
  sign,
  renderer: (shadow) => {
    addStyle(shadow)(css);
    return markdown;
  },
});
