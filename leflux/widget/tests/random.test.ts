// Chance decides what visitors, tabs, network and server do; afterwards every promise must hold.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Browser, type BrowserOptions, type Tab } from "./browser.js";
import { FakeServer } from "./server.js";

const STEPS = 60;
const SEEDS = Array.from({ length: 40 }, (_, seed) => seed + 1);
const BROWSERS: BrowserOptions[] = [{}, { locks: false }, { channel: false }, { locks: false, channel: false }];

/** The Mulberry32 generator. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

beforeEach(() => vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

class Run {
  readonly server: FakeServer;
  readonly browser: Browser;
  readonly said: string[] = [];
  /** All messages that were ever stored, also in evicted sessions. */
  readonly stored = new Map<string, string[]>();
  /** Messages whose session was evicted before the acknowledgement: they are sent again in the next session under the same id. */
  readonly unknown = new Set<string>();

  constructor(
    private readonly random: () => number,
    options: BrowserOptions,
  ) {
    this.server = new FakeServer(random);
    this.browser = new Browser(this.server, options);
  }

  private pick(): Tab {
    return this.browser.tabs[Math.floor(this.random() * this.browser.tabs.length)]!;
  }

  private say(tab: Tab): void {
    const text = `m${this.said.length}`;
    if (tab.chat.say(text) !== null) this.said.push(text);
  }

  private record(): void {
    for (const { id, messages } of this.server.sessions.values()) {
      this.stored.set(id, messages.filter(({ role }) => role === "visitor").map(({ text }) => text));
    }
  }

  private evict(): void {
    this.record();
    const waiting = this.browser.tabs.flatMap(({ chat }) => chat.outbox.messages.map(({ text }) => text));
    for (const text of [...this.stored.values()].flat()) if (waiting.includes(text)) this.unknown.add(text);
    for (const id of [...this.server.sessions.keys()]) this.server.evict(id, this.random() < 0.5);
  }

  private reload(): void {
    this.pick().close();
    this.browser.open();
  }

  private restart(): void {
    this.server.fall();
    setTimeout(() => this.server.rise(), 4_000);
  }

  private readonly acts: [number, () => void][] = [
    [10, () => this.say(this.pick())],
    [2, () => this.browser.tabs.map((tab) => this.say(tab))],
    [3, () => this.pick().chat.used()],
    [3, () => this.pick().show(this.random() < 0.5)],
    [2, () => this.browser.tabs.length < 3 && this.browser.open(this.random() < 0.7)],
    [2, () => this.browser.tabs.length > 1 && this.pick().close()],
    [2, () => this.reload()],
    [3, () => [...this.server.sockets].map((socket) => socket.drop())],
    [1, () => this.restart()],
    [2, () => (this.server.loseAcks += 1)],
    [1, () => this.evict()],
    [1, () => (this.browser.clockOffset = (this.random() - 0.5) * 7_200_000)],
  ];

  private act(): void {
    const total = this.acts.reduce((sum, [weight]) => sum + weight, 0);
    let ticket = this.random() * total;
    for (const [weight, action] of this.acts) {
      ticket -= weight;
      if (ticket < 0) {
        action();
        return;
      }
    }
  }

  async go(): Promise<void> {
    this.browser.open();
    for (let step = 0; step < STEPS; step += 1) {
      this.act();
      await vi.advanceTimersByTimeAsync(this.random() < 0.5 ? this.random() * 20 : this.random() * 3_000);
    }
    this.server.rise();
    this.server.loseAcks = 0;
    this.pick().show(true);
    await vi.advanceTimersByTimeAsync(60_000);
    this.record();
  }
}

it.each(SEEDS)("whatever happens, every message is stored once and shown alike (seed %i)", async (seed) => {
  vi.spyOn(Math, "random").mockImplementation(chance(-seed));
  const run = new Run(chance(seed), BROWSERS[seed % BROWSERS.length]!);
  await run.go();
  const all = [...run.stored.values()].flat();
  expect([...new Set(all)].sort()).toEqual([...run.said].sort());
  const twice = all.filter((text, index) => all.indexOf(text) !== index);
  expect(twice.filter((text) => !run.unknown.has(text))).toEqual([]);
  const current = run.server.sessions.get(run.browser.data.get("leflux:sessionId") ?? "");
  // A session that was evicted silently at the end is still shown.
  const truth = current?.messages.map(({ text }) => text);
  for (const tab of run.browser.tabs) {
    expect(tab.chat.outbox.messages).toEqual([]);
    const shown = tab.chat.shown.filter(({ past }) => past !== true);
    expect(shown.map(({ text }) => text)).toEqual(truth ?? shown.map(({ text }) => text));
    expect(shown.map(({ seq }) => seq)).toEqual(shown.map((_, index) => index + 1));
  }
  const before = run.server.joins;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(run.server.joins).toBe(before);
  expect(run.browser.tabs.filter(({ chat }) => chat.isLeader)).toHaveLength(1);
});
