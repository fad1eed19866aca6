// Builds the owner's pages: `../dashboard/src` into `../dashboard/dist`, every asset named by its content.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { build } from "esbuild";

const home = join(import.meta.dirname, "../dashboard");
const dist = join(home, "dist");
const BASE = "/dashboard/assets/";

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const { metafile } = await build({
  absWorkingDir: home,
  entryPoints: ["src/main.tsx", "src/boot.ts", "src/preview.ts", "src/style/main.css", "src/style/preview.css", "mark.svg"],
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  publicPath: BASE,
  outdir: join(dist, "assets"),
  nodePaths: [join(import.meta.dirname, "node_modules")],
  jsx: "automatic",
  jsxImportSource: "preact",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "safari15"],
  charset: "utf8",
  legalComments: "none",
  loader: { ".svg": "copy", ".woff2": "file" },
  metafile: true,
  logLevel: "warning",
});

/** What a page calls `main.js` is the file `main-<hash>.js`. */
const named = new Map();
for (const path of Object.keys(metafile.outputs)) {
  const name = basename(path);
  named.set(name.replace(/-[0-9A-Z]{8}(?=\.)/, ""), BASE + name);
}
for (const page of ["index.html", "preview.html"]) {
  const html = readFileSync(join(home, page), "utf8").replace(/{{(.+?)}}/g, (_, name) => {
    if (!named.has(name)) throw new Error(`${relative(home, page)} names ${name}, which is not built`);
    return named.get(name);
  });
  writeFileSync(join(dist, page), html);
}
