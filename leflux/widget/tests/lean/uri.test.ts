import { expect, it } from "vitest";
import { parse } from "../../src/lean/uri.js";

it.each([
  ["https://chat.example", { protocol: "https", host: "chat.example", port: "", path: "/", query: "" }],
  ["http://localhost:8080", { protocol: "http", host: "localhost", port: "8080", path: "/", query: "" }],
  ["https://chat.example:8443/a/b?c=d&e", { protocol: "https", host: "chat.example", port: "8443", path: "/a/b", query: "c=d&e" }],
  ["http://[::1]:8080", { protocol: "http", host: "::1", port: "8080", path: "/", query: "" }],
])("%s is taken apart as engine.io-client wants it", (address, parts) => {
  expect(parse(address)).toEqual({ source: address, ...parts });
});
