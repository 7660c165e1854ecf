// The least a relay can be: one map and one line of forwarding, nothing checked, nothing kept.
// A client connects to /NAME, sends {to, payload}, and the other one gets {from, payload}.
"use strict";
const { WebSocketServer } = require("ws");

const clients = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), perMessageDeflate: false });

server.on("connection", (socket, request) => {
  const name = request.url.slice(1);
  clients.set(name, socket);
  socket.on("close", () => clients.delete(name));
  socket.on("message", (data) => {
    const message = JSON.parse(data.toString());
    const target = clients.get(message.to);
    if (target) target.send(JSON.stringify({ from: name, payload: message.payload }));
  });
});
