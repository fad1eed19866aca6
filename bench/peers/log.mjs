// The permanent log of the peer: what was said waits in a stream, written in the message's own script, and is carried
// from there in batches, at least once; the log knows a line by session and seq. Searchable by words, counted by day.
const STREAM = "log:in";
const GROUP = "carriers";
const BATCH = 500;
const PAUSE_MS = 100;
const LINES_AT_ONCE = 50;
const DAY_MS = 86_400_000;
const WORD = /[\p{L}\p{N}]+/gu;

const wordsOf = (text) => new Set(text.normalize("NFC").toLowerCase().match(WORD) ?? []);

function* commands(entries) {
  const groups = new Map();
  for (const [, [, session, , started, , body]] of entries) {
    const message = JSON.parse(body);
    const day = Math.floor(message.ts / DAY_MS);
    const name = `${session}:${day}`;
    if (!groups.has(name)) groups.set(name, { session, started, day, lines: [] });
    groups.get(name).lines.push({ message, body });
  }
  for (const { session, started, day, lines } of groups.values()) {
    for (let start = 0; start < lines.length; start += LINES_AT_ONCE) {
      yield [session, started, day, lines.slice(start, start + LINES_AT_ONCE)];
    }
  }
}

function argumentsOf([session, started, day, lines]) {
  const keys = [`l:lines:${session}`, `l:summary:${session}`, "l:activity", "l:words", "l:days", `l:day:${day}`];
  const told = lines.flatMap(({ message: { seq, ts, text }, body }) => {
    const entries = [...wordsOf(text)].map((word) => `${word}\0${session}\0${seq}`);
    return [seq, ts, body, text.slice(0, 200), entries.length, ...entries];
  });
  return [...keys, session, started, day, ...told];
}

export async function carryForever(redis) {
  await redis.xgroup("CREATE", STREAM, GROUP, "0", "MKSTREAM").catch(() => {});
  for (let from = "0"; ; ) {
    const read = await redis.xreadgroup("GROUP", GROUP, "one", "COUNT", BATCH, "STREAMS", STREAM, from);
    const entries = read?.[0][1] ?? [];
    if (entries.length) {
      await Promise.all([...commands(entries)].map((one) => redis.logLines(...argumentsOf(one))));
      const ids = entries.map(([id]) => id);
      await redis.multi().xack(STREAM, GROUP, ...ids).xdel(STREAM, ...ids).exec();
    } else {
      // First what an earlier process had taken and not carried, then what is new.
      from = ">";
    }
    if (entries.length < BATCH) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
