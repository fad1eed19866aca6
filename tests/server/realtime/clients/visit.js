// Socket.IO clients of several versions with their default options, one visitor each: `node -e ... BASE VERSION...`.
// Each joins, says something, hears the reply, loses the server and does it again. Prints a line for each answer.
const [base, ...versions] = process.argv.slice(1);
const headers = { Origin: base, "Content-Type": "application/json" };

function visit(version, sessionId) {
  const { io } = require(version === "current" ? "socket.io-client" : `socket.io-client-${version}`);
  // Outside a browser nobody else sends the Origin.
  const socket = io(base, { extraHeaders: { Origin: base }, forceNew: true });
  const heard = [];
  let times = 0;
  return new Promise((resolve, reject) => {
    const ask = (event, payload, then) =>
      socket.emit(event, { sessionId, ...payload }, (answer) => (answer.ok ? then(answer) : reject(JSON.stringify(answer))));
    socket.on("connect", () => {
      const text = `message ${++times} of ${version}`;
      ask("join_session", { since: 0 }, () => {
        ask("send_message", { clientMessageId: `${version}-${times}`, text }, () => {});
      });
    });
    socket.on("message_done", ({ message }) => {
      if (heard.includes(message.id)) return;
      heard.push(message.id);
      console.log(`${version}: ${message.text}`);
      if (heard.length === 2) resolve(socket.disconnect());
    });
    socket.on("error", (problem) => reject(JSON.stringify(problem)));
  });
}

async function main() {
  const begun = versions.map(async (version) => {
    const body = JSON.stringify({ websiteUrl: `${base}/` });
    const answer = await fetch(`${base}/api/session/init`, { method: "POST", headers, body });
    await visit(version, (await answer.json()).sessionId);
  });
  await Promise.all(begun);
}

main().catch((error) => {
  console.log("failed", error.cause ?? error);
  process.exit(1);
});
