// A receiver of webhooks that checks every signature with the npm package `standardwebhooks`, and fails at random.
// Each accepted notice is a line of its file before it is answered. Arguments: port, file, share that fails.
const http = require("node:http");
const fs = require("node:fs");
const { Webhook } = require("standardwebhooks");

const [port, file, failing] = process.argv.slice(1);
const secrets = new Map();

function answer(request, response, body) {
  const secret = secrets.get(request.url);
  if (request.method === "PUT") {
    secrets.set(request.url, body);
    return response.end();
  }
  let notice;
  try {
    notice = new Webhook(secret).verify(body, request.headers);
  } catch (error) {
    fs.appendFileSync(file, `${JSON.stringify({ refused: String(error) })}\n`);
    response.statusCode = 400;
    return response.end();
  }
  const luck = Math.random();
  if (luck < failing / 3) return request.socket.destroy();
  if (luck < (2 * failing) / 3) {
    response.statusCode = 500;
    return response.end();
  }
  fs.appendFileSync(file, `${JSON.stringify({ id: request.headers["webhook-id"], path: request.url, ...notice })}\n`);
  // Delivered, but the sender does not hear of it.
  if (luck < failing) return request.socket.destroy();
  return response.end("thank you");
}

http
  .createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => answer(request, response, Buffer.concat(chunks).toString()));
  })
  .listen(Number(port), "127.0.0.1");
