// Bundles one entry point of `src` in one language.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build, transform } from "esbuild";
import { minify } from "terser";

const here = import.meta.dirname;
export const ENGLISH = "en";

/** The built-ins that an entry point does not take from the page. */
const BUILTINS = { "index.ts": ["builtins.ts"], "more-part.ts": ["builtins.ts"], "page-part.ts": ["builtins.ts"], "socket-client.ts": ["socket-builtins.ts"] };

/** Resolves `file.css?inline` to the minified text of the file, as vitest does. */
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

/** Returns the bundle of `src/<entry>`. `define` and `options` go to esbuild. */
export async function bundle(entry, language = ENGLISH, { define = {}, ...options } = {}) {
  const result = await build({
    entryPoints: [join(here, "src", entry)],
    alias: { "#texts": join(here, "src/texts", `${language}.json`) },
    plugins: [inlineCss],
    define,
    inject: (BUILTINS[entry] ?? []).map((file) => join(here, "src", file)),
    bundle: true,
    minify: true,
    format: "iife",
    target: ["es2022"],
    charset: "utf8",
    legalComments: "none",
    write: false,
    logLevel: "warning",
    ...options,
  });
  const compress = { passes: 2 };
  const { code } = await minify(result.outputFiles[0].text, { ecma: 2022, compress });
  return new TextEncoder().encode(code);
}
