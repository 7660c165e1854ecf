// y-webrtc's own server, as its package brings it.
import net from "node:net";

const probe = net.createServer().listen(0, "127.0.0.1", () => {
  const { port } = probe.address();
  probe.close(async () => {
    process.env.PORT = String(port);
    await import("../node_modules/y-webrtc/bin/server.js");
    console.log(`listening at ${port}`);
  });
});
