// The real socket.io-client, driven by lines of JSON: {"emit": [name, argument]}, {"drop": true}, {"end": true}.
// Prints what happens as lines of JSON: {"event", …}. The test runner says where node finds socket.io-client (NODE_PATH).
const { io } = require("socket.io-client");
const readline = require("node:readline");

const [url, cookie, origin, transports] = process.argv.slice(2);
const headers = { ...(cookie && { Cookie: cookie }), ...(origin && { Origin: origin }) };
const socket = io(url, { transports: transports.split(","), extraHeaders: headers, reconnectionDelay: 50, reconnectionDelayMax: 100 });
const print = (event, rest) => process.stdout.write(JSON.stringify({ event, ...rest }) + "\n");

socket.on("connect", () => print("connect", { id: socket.id }));
socket.on("connect_error", (error) => print("connect_error", { message: error.message }));
socket.on("disconnect", (reason) => print("disconnect", { reason }));
socket.on("change", (change) => print("change", { change }));
socket.on("resync", (resync) => print("resync", { resync }));

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const command = JSON.parse(line);
  if (command.emit) socket.emit(command.emit[0], command.emit[1], (answer) => print("ack", { answer }));
  if (command.drop) socket.io.engine.close();
  if (command.end) process.exit(0);
});
