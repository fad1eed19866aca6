import { expect, it } from "vitest";
import { toldAddress } from "../src/address.js";

const told = (href: string, more: object = {}): string => toldAddress(href, { allowed: [], given: [], key: "key", ...more });

it("fragment, credentials and query values stay in the browser", () => {
  expect(told("https://ada:secret@shop.test/pay#access_token=xyz")).toBe("https://shop.test/pay");
  const address = told("https://shop.test/pay?reset_token=abc123&mail=ada@example.com&empty=");
  expect(address).toMatch(/^https:\/\/shop\.test\/pay\?reset_token=~\w+&mail=~\w+&empty=$/);
});

it.each([
  ["a query without a name", "https://shop.test/?eyJhbGciOiJIUzI1NiJ9", "eyJ"],
  ["a name that is a value", "https://shop.test/?ada@example.com=1", "ada"],
  ["an address in the path", "https://shop.test/user/ada%40example.com/orders", "ada"],
  ["a token in the path", "https://shop.test/reset/9f8e7d6c5b4a39281706f5e4d3c2b1a0", "9f8e7d"],
])("%s is no word", (_, href, secret) => {
  expect(told(href)).not.toContain(secret);
  expect(told(href)).toContain("~");
});

it("the words of a path are told", () => {
  const href = "https://shop.test/guides/how-to-choose-the-best-lamp-in-2026/";
  expect(told(href)).toBe(href);
});

it("the values that the site allows are told as they are", () => {
  expect(told("https://shop.test/?utm_source=a%20b&id=7", { allowed: ["utm_source"] })).toMatch(/\?utm_source=a%20b&id=~\w+$/);
});

it("two addresses are the same to the server exactly when they are, within one conversation", () => {
  const [four, five] = [told("https://shop.test/p?id=4"), told("https://shop.test/p?id=5")];
  expect(four).not.toBe(five);
  expect(told("https://shop.test/p?id=4#reviews")).toBe(four);
  expect(told("https://shop.test/p?id=4", { key: "another" })).not.toBe(four);
});

it("an address that the server gave for a step is told as it was given", () => {
  const given = ["https://shop.test/search?q=lamps", "no address"];
  expect(told("https://shop.test/search/?q=lamps#top", { given })).toBe(given[0]);
  expect(told("https://shop.test/search?q=chairs", { given })).toMatch(/q=~/);
});

it("marks of a thousand values differ", () => {
  expect(new Set(Array.from({ length: 1_000 }, (_, id) => told(`https://shop.test/?id=${id}`))).size).toBe(1_000);
});
