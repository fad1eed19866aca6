// The same chat as a team would write it on Express, Socket.IO v4 and Redis: one Lua script a message, stored before
// it is acknowledged. Restores join the stored JSON without parsing it, and nothing is computed that nobody asked for
// (no ETag, no compression), so that the peer is as fast as these libraries let it be.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import express from "express";
import { Redis } from "ioredis";
import { Server } from "socket.io";

const [port, redisUrl] = process.argv.slice(2);
const HOSTS = new Set(["localhost", "127.0.0.1"]);
const HISTORY_LIMIT = 200;
const lua = (name, numberOfKeys) => ({ numberOfKeys, lua: readFileSync(new URL(name, import.meta.url), "utf8") });
const redis = new Redis(redisUrl, { enableAutoPipelining: true });
redis.defineCommand("say", lua("say.lua", 3));
redis.defineCommand("read", lua("read.lua", 2));

const keys = (id) => [`{${id}}:s`, `{${id}}:m`, `{${id}}:i`];
const isAllowed = (origin) => URL.canParse(origin ?? "") && HOSTS.has(new URL(origin).hostname);

async function read(id, since, claims) {
  const answer = await redis.read(...keys(id).slice(0, 2), since, HISTORY_LIMIT, claims ? "1" : "0");
  if (answer === null) return null;
  const [[seq, epoch, createdAt, lastActivity], messages] = answer;
  return { seq: Number(seq), epoch: Number(epoch), createdAt, lastActivity, messages };
}

const app = express();
app.disable("x-powered-by");
app.set("etag", false);
app.use((request, response, next) => {
  if (!isAllowed(request.headers.origin)) return response.status(403).json({ error: "host_not_registered" });
  response.set({ "Access-Control-Allow-Origin": request.headers.origin, Vary: "Origin" });
  next();
});
app.use(express.json({ limit: "256kb" }));

app.post("/api/session/init", async (request, response) => {
  const sessionId = randomUUID();
  const now = Date.now();
  await redis.hset(keys(sessionId)[0], { seq: 0, epoch: 0, createdAt: now, lastActivity: now });
  response.json({ sessionId, createdAt: now, seq: 0, history: [] });
});

app.post("/api/session/:id", async (request, response) => {
  const { id } = request.params;
  const found = await read(id, Number(request.body?.since ?? 0), false);
  if (found === null) return response.status(404).json({ error: "session_not_found" });
  response
    .type("json")
    .send(
      `{"sessionId":"${id}","restored":true,"createdAt":${found.createdAt},"lastActivity":${found.lastActivity},` +
        `"seq":${found.seq},"history":[${found.messages.join(",")}]}`,
    );
});

const http = createServer(app);
const io = new Server(http, {
  cors: { origin: true },
  allowRequest: (request, decide) => decide(null, isAllowed(request.headers.origin)),
  maxHttpBufferSize: 262144,
});

io.on("connection", async (socket) => {
  const { sessionId, since } = socket.handshake.auth;
  let epoch = 0;
  socket.on("send_message", async ({ sessionId: named, clientMessageId, text }, acknowledge) => {
    if (named !== sessionId) return acknowledge({ ok: false, error: "not_owner" });
    const id = randomUUID();
    const body = JSON.stringify({ id, role: "visitor", text, clientMessageId });
    const [outcome, seq, messageId] = await redis.say(
      ...keys(sessionId), epoch, clientMessageId, text, id, body, Date.now(),
    );
    acknowledge(outcome === "ok" ? { ok: true, messageId, seq } : { ok: false, error: outcome });
  });
  const found = await read(sessionId, since ?? 0, true);
  if (found === null) return socket.emit("error", { error: "session_not_found" });
  ({ epoch } = found);
  if (epoch > 1) io.to(sessionId).emit("session_taken_over", { sessionId });
  socket.join(sessionId);
  const history = found.messages.map((message) => JSON.parse(message));
  socket.emit("session_joined", { sessionId, restored: true, seq: found.seq, history, epoch });
});

// Lets the memory of idle sockets be read without what only waits to be collected.
process.on("SIGUSR2", () => globalThis.gc());
http.listen(Number(port), "127.0.0.1");
