import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "#texts": new URL("src/texts/en.json", import.meta.url).pathname } },
  test: { include: ["tests/**/*.test.ts"], css: true },
});
