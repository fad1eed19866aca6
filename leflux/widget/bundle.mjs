// One script out of the sources below `src`, in one language.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build, transform } from "esbuild";
import { minify } from "terser";
import { ALIASES, leaner } from "./lean.mjs";
import { INTERNAL } from "./names.mjs";

const here = import.meta.dirname;
export const ENGLISH = "en";

/** `file.css?inline` is the minified text of the file, as it is for vitest. */
const inlineCss = {
  name: "inline-css",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.css\?inline$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path.replace("?inline", "")),
      namespace: "inline-css",
    }));
    onLoad({ filter: /.*/, namespace: "inline-css" }, async ({ path }) => {
      const css = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true, target: "safari15" });
      return { contents: css.code.trim(), loader: "text" };
    });
  },
};

/** The bytes of `src/<entry>`; `options` are esbuild's. */
export async function bundle(entry, language = ENGLISH, options = {}) {
  const result = await build({
    entryPoints: [join(here, "src", entry)],
    alias: { ...ALIASES, "#texts": join(here, "src/texts", `${language}.json`) },
    plugins: [inlineCss, leaner],
    bundle: true,
    minify: true,
    format: "iife",
    target: ["es2022"],
    // socket.io-client reaches some of them in brackets.
    mangleProps: INTERNAL,
    mangleQuoted: true,
    charset: "utf8",
    legalComments: "none",
    write: false,
    logLevel: "warning",
    ...options,
  });
  // No getter here does more than look, and no function expression is called with `new`.
  const compress = { passes: 2, pure_getters: true, unsafe_arrows: true };
  const { code } = await minify(result.outputFiles[0].text, { ecma: 2022, compress });
  return new TextEncoder().encode(code);
}
