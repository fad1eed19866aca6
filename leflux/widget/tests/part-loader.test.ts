// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { insist, type Loader, offer, partLoader } from "../src/part-loader.js";

const loader: Loader = { host: "https://chat.example", options: {}, nonce: "abc", trust: (url) => `${url}&trusted` };
let scripts: HTMLScriptElement[];
let count = 0;
let name: string;

beforeEach(() => {
  vi.useFakeTimers();
  scripts = [];
  count += 1;
  name = `part${count}`;
  vi.spyOn(document.documentElement, "appendChild").mockImplementation((node) => {
    scripts.push(node as unknown as HTMLScriptElement);
    return node;
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const end = (event: "load" | "error"): boolean => scripts.at(-1)!.dispatchEvent(new Event(event));

it("a part is requested once, with the page's nonce and by its policy, however often it is wanted", async () => {
  const load = partLoader<string>(name, "v1", loader);
  const both = [load(), load()];
  offer(name, "the part");
  end("load");
  expect(await Promise.all([...both, load()])).toEqual(["the part", "the part", "the part"]);
  expect(scripts.map(({ src, nonce }) => [src, nonce])).toEqual([[`https://chat.example/leflux-${name}.js?v=v1&trusted`, "abc"]]);
});

it("a part that is there is used without a request", async () => {
  offer(name, "the part");
  expect(await partLoader<string>(name, "v1", loader)()).toBe("the part");
  expect(scripts).toEqual([]);
});

it.each(["error", "load"] as const)("a script that offers nothing (%s) is requested again at the next call", async (event) => {
  const load = partLoader<string>(name, "v1", loader);
  const first = expect(load()).rejects.toThrow(`leflux-${name}.js`);
  end(event);
  await first;
  const next = load();
  offer(name, "the part");
  end("load");
  expect([await next, scripts.length]).toEqual(["the part", 2]);
});

it("who insists gets the part when it arrives at last, or null when it is no longer wanted", async () => {
  const load = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new Error("lost")).mockRejectedValueOnce(new Error("lost")).mockResolvedValue("the part");
  const wanted = insist(load, () => true);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([await wanted, load.mock.calls.length]).toEqual(["the part", 3]);
  const lost = vi.fn(() => Promise.reject(new Error("lost")));
  const unwanted = insist(lost, () => false);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([await unwanted, lost.mock.calls.length]).toEqual([null, 1]);
});
