// The official client: connects, is acknowledged, loses its connection, comes back. Prints a line for each step.
const { io } = require("socket.io-client");

const [base, origin, transports] = process.argv.slice(1);
const socket = io(base, {
  transports: transports.split(","),
  extraHeaders: { Origin: origin },
  reconnectionDelay: 10,
  forceNew: true,
});
const say = (...words) => console.log(...words);
const transport = () => socket.io.engine.transport.name;

function settled() {
  const moves = transports.includes(",") && transport() === "polling";
  return moves ? new Promise((resolve) => socket.io.engine.once("upgrade", resolve)) : Promise.resolve();
}

async function echo(count) {
  for (let number = 0; number < count; number++) {
    const answer = await socket.emitWithAck("echo", { number, text: "ü€" });
    if (answer.number !== number || answer.text !== "ü€") throw new Error(JSON.stringify(answer));
  }
}

let connections = 0;
socket.on("connect", async () => {
  connections += 1;
  // Some before, some during and some after the move to another transport.
  await Promise.all([echo(20), settled()]);
  await echo(20);
  say("echoed", connections, transport());
  if (connections === 1) {
    socket.emit("drop");
  } else {
    socket.disconnect();
    say("done");
  }
});
socket.on("disconnect", (reason) => say("disconnect", reason));
socket.on("connect_error", (error) => say("error", error.message));
