// The Socket.IO server of Node under the same contract as ours: rooms by `subscribe`, and each POST is so many changes to a room.
// Prints its port.
import { createServer } from "node:http";
import { Server } from "socket.io";

let seq = 0;
const http = createServer((request, response) => {
  const { room, id, version, count } = Object.fromEntries(new URL(request.url, "http://localhost").searchParams);
  for (let number = 0; number < Number(count); number++)
    io.to(room).emit("change", { seq: ++seq, kind: "component", id, version: Number(version), changed: { entity: "updated" } });
  response.end();
});
const io = new Server(http, { serveClient: false });

io.on("connection", (socket) => {
  socket.on("subscribe", ({ rooms }, acknowledge) => {
    socket.join(rooms);
    acknowledge({ ok: rooms, denied: [], seq });
  });
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
