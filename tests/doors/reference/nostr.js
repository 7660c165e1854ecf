// As little of a Nostr relay (NIP-01) as ephemeral events take, over npm's ws.
import { WebSocketServer } from "ws";

const clients = new Map();
const fits = (event, filter) => (!filter.kinds || filter.kinds.includes(event.kind))
  && (!filter["#x"] || event.tags.some(([name, value]) => name === "x" && filter["#x"].includes(value)));

const server = new WebSocketServer({ host: "localhost", port: 0 }, () => console.log(`listening at ${server.address().port}`));
server.on("connection", (socket) => {
  const subscriptions = new Map();
  clients.set(socket, subscriptions);
  socket.on("close", () => clients.delete(socket));
  socket.on("message", (data) => {
    const [kind, first, ...filters] = JSON.parse(data);
    if (kind === "REQ") {
      subscriptions.set(first, filters);
      socket.send(JSON.stringify(["EOSE", first]));
    } else if (kind === "CLOSE") {
      subscriptions.delete(first);
    } else if (kind === "EVENT") {
      socket.send(JSON.stringify(["OK", first.id, true, ""]));
      for (const [other, known] of clients) {
        for (const [name, wanted] of known) {
          if (wanted.some((filter) => fits(first, filter))) other.send(JSON.stringify(["EVENT", name, first]));
        }
      }
    }
  });
});
