// The same chat as a team would write it on Express, Socket.IO v4 with its Redis adapter, and Redis: one Lua script a
// message, stored before it is acknowledged. Restores join the stored JSON without parsing it, and nothing is computed
// that nobody asked for (no ETag, no compression), so that the peer is as fast as these libraries let it be.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { Ajv } from "ajv";
import express from "express";
import { Redis } from "ioredis";
import { Server } from "socket.io";
import { RateLimit } from "./limits.mjs";
import { carryForever } from "./log.mjs";

const [port, redisUrl, ...options] = process.argv.slice(2);
const IS_LOGGED = options.includes("log");
const ECHOES = options.includes("echo");
const HOSTS = new Set(["localhost", "127.0.0.1"]);
const HISTORY_LIMIT = 200;
const MESSAGE_CHARS = 5000;
const IDLE_MS = 30 * 60_000;
const LIMIT = 100_000_000;
const SITE = JSON.stringify({
  siteConfig: { greeting: "Hello", primaryColor: "#6d28d9" },
  retention: { clientTtlMs: 86400000, userDataTtlMs: 2592000000, idleTtlMs: IDLE_MS, taskHoldMs: 30000, readOnlyMs: 3000 },
  messageLog: IS_LOGGED,
}).slice(1, -1);

const lua = (name, numberOfKeys) => ({ numberOfKeys, lua: readFileSync(new URL(name, import.meta.url), "utf8") });
const redis = new Redis(redisUrl, { enableAutoPipelining: true });
redis.defineCommand("say", lua("say.lua", 4));
redis.defineCommand("read", lua("read.lua", 2));
redis.defineCommand("release", lua("release.lua", 1));
redis.defineCommand("logLines", lua("log.lua", 6));

const ajv = new Ajv();
const sessionId = { type: "string", pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$" };
const url = { type: "string", maxLength: 4096, nullable: true };
const since = { type: "integer", minimum: 0 };
const shape = (properties, required) => ajv.compile({ type: "object", properties, required });
const isId = ajv.compile(sessionId);
const isInit = shape({ websiteUrl: { type: "string", maxLength: 4096 } }, ["websiteUrl"]);
const isRestore = shape({ url, since }, []);
const isJoin = shape({ sessionId, url, since }, ["sessionId"]);
const isMessage = shape(
  {
    sessionId,
    clientMessageId: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$" },
    text: { type: "string" },
    context: { type: "object", nullable: true },
  },
  ["sessionId", "clientMessageId", "text"],
);
const isText = (text) => text.length <= MESSAGE_CHARS && text.trim() !== "" && !text.includes("\0");
const sessionLimit = new RateLimit(LIMIT);
const addressLimit = new RateLimit(LIMIT);

const keys = (id) => [`{${id}}:s`, `{${id}}:m`, `{${id}}:i`];
const isAllowed = (origin) => URL.canParse(origin ?? "") && HOSTS.has(new URL(origin).hostname);

async function read(id, from, owner) {
  const answer = await redis.read(...keys(id).slice(0, 2), from, HISTORY_LIMIT, owner, Date.now(), IDLE_MS);
  if (answer === null) return null;
  const [[seq, epoch, createdAt, lastActivity], messages] = answer;
  return { seq: Number(seq), epoch: Number(epoch), createdAt, lastActivity, messages };
}

// The words go out one by one, to wherever the visitor's socket is; the reply is stored once for each question.
async function answer(session, epoch, question, asked) {
  const streamId = randomUUID();
  const text = `echo: ${asked}`;
  const words = text.match(/\S+\s*|\s+/g);
  words.forEach((delta, chunkIndex) => io.to(session).emit("message_chunk", { streamId, chunkIndex, delta }));
  const message = { id: randomUUID(), role: "assistant", text };
  const ts = Date.now();
  const [, seq] = await redis.say(
    ...keys(session), "log:in", epoch, `~reply:${question}`, text, message.id, JSON.stringify(message), ts, IDLE_MS,
    IS_LOGGED ? session : "",
  );
  io.to(session).emit("message_done", { streamId, message: { seq, ts, ...message } });
}

const app = express();
app.disable("x-powered-by");
app.set("etag", false);
app.use((request, response, next) => {
  const { origin } = request.headers;
  if (!isAllowed(origin)) return response.status(403).json({ error: "host_not_registered" });
  response.set({
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Expose-Headers": "Retry-After",
    "Cache-Control": "no-store",
    Vary: "Origin",
  });
  next();
});
app.use(express.json({ limit: "256kb" }));

app.post("/api/session/init", async (request, response) => {
  if (!isInit(request.body)) return response.status(400).json({ error: "invalid_request" });
  const id = randomUUID();
  const now = Date.now();
  await Promise.all([
    redis.hset(keys(id)[0], { seq: 0, epoch: 0, createdAt: now, lastActivity: now }),
    redis.zadd("activity", now, id),
  ]);
  response.json({ sessionId: id, createdAt: now, seq: 0, history: [] });
});

app.post("/api/session/:id", async (request, response) => {
  const { id } = request.params;
  if (!isId(id) || !isRestore(request.body ?? {})) return response.status(400).json({ error: "invalid_request" });
  const from = request.body?.since ?? 0;
  const found = await read(id, from, "");
  if (found === null) return response.status(404).json({ error: "session_not_found" });
  response
    .type("json")
    .send(
      `{"sessionId":"${id}","restored":true,"createdAt":${found.createdAt},"lastActivity":${found.lastActivity},` +
        `"seq":${found.seq},"truncated":${found.messages.length < found.seq - from},"task":null,"streams":[],${SITE},` +
        `"history":[${found.messages.join(",")}]}`,
    );
});

const http = createServer(app);
const io = new Server(http, {
  adapter: createAdapter(redis, new Redis(redisUrl)),
  cors: { origin: true },
  allowRequest: (request, decide) => decide(null, isAllowed(request.headers.origin)),
  maxHttpBufferSize: 262144,
});

io.on("connection", async (socket) => {
  const { auth, address } = socket.handshake;
  if (!isJoin(auth)) return socket.emit("error", { error: "invalid_request" });
  let epoch = 0;
  socket.on("send_message", async (payload, acknowledge) => {
    if (!isMessage(payload)) return acknowledge({ ok: false, error: "invalid_request" });
    const { sessionId: named, clientMessageId, text } = payload;
    if (named !== auth.sessionId) return acknowledge({ ok: false, error: "not_owner" });
    if (!isText(text)) return acknowledge({ ok: false, error: "invalid_message" });
    if (!sessionLimit.spend(named) || !addressLimit.spend(address)) {
      return acknowledge({ ok: false, error: "rate_limited" });
    }
    const id = randomUUID();
    const body = JSON.stringify({ id, role: "visitor", text, clientMessageId });
    const [outcome, seq, messageId] = await redis.say(
      ...keys(named), "log:in", epoch, clientMessageId, text, id, body, Date.now(), IDLE_MS, IS_LOGGED ? named : "",
    );
    acknowledge(outcome === "ok" ? { ok: true, messageId, seq } : { ok: false, error: outcome });
    if (ECHOES && outcome === "ok") await answer(named, epoch, seq, text);
  });
  socket.on("disconnect", () => {
    if (epoch) redis.release(keys(auth.sessionId)[0], epoch);
  });
  const found = await read(auth.sessionId, auth.since ?? 0, socket.id);
  if (found === null) return socket.emit("error", { error: "session_not_found" });
  ({ epoch } = found);
  if (epoch > 1) io.to(auth.sessionId).emit("session_taken_over", { sessionId: auth.sessionId, readOnlyMs: 3000 });
  socket.join(auth.sessionId);
  const history = found.messages.map((message) => JSON.parse(message));
  const truncated = history.length < found.seq - (auth.since ?? 0);
  socket.emit("session_joined", {
    sessionId: auth.sessionId, restored: true, seq: found.seq, history, truncated, task: null, streams: [], epoch, ok: true,
  });
});

if (IS_LOGGED) carryForever(redis);
// Lets the memory of idle sockets be read without what only waits to be collected.
process.on("SIGUSR2", () => globalThis.gc());
http.listen(Number(port), "127.0.0.1");
