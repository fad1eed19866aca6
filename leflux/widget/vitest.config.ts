import { defineConfig } from "vitest/config";

export default defineConfig({
  define: { SOCKET_VERSION: JSON.stringify("test"), MORE_VERSION: JSON.stringify("test"), PAGE_VERSION: JSON.stringify("test") },
  resolve: { alias: { "#texts": new URL("src/texts/en.json", import.meta.url).pathname } },
  test: {
    include: ["tests/**/*.test.ts"],
    css: true,
    // A guard against a hang, far above what a test takes.
    testTimeout: 30_000,
    // The built-ins are injected into the bundle only: `tests/browser/test_hosts.py` shows them in Chromium.
    coverage: { include: ["src/**/*.ts"], exclude: ["src/builtins.ts", "src/socket-builtins.ts"], reporter: ["text"], thresholds: { branches: 84 } },
  },
});
