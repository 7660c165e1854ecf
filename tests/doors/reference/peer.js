// The server of PeerJS, as its package brings it.
import { PeerServer } from "peer";

const options = JSON.parse(process.argv[2] ?? "{}");
PeerServer({ host: "localhost", port: 0, path: "/peerjs", ...options }, (server) => {
  console.log(`listening at ${server.address().port}`);
});
