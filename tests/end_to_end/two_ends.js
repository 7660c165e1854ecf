// Two ends of one connection in one page: real data channels, and no server between them.
async () => {
  const { Register } = await import("/lib/channels/register.js");
  const { Control } = await import("/lib/control.js");

  class End {
    constructor(youOffer) {
      this.violations = [];
      this.opened = new EventTarget();
      this.register = new Register({
        youOffer,
        say: (message) => this.control?.say(message) ?? false,
        opened: (channel) => this.opened.dispatchEvent(new CustomEvent(channel.label, { detail: channel })),
        violated: (reason) => this.violations.push(reason),
      });
    }

    connect() {
      this.pc = new RTCPeerConnection();
      this.control = new Control(this.pc, {
        opened: () => this.register.ask(),
        closed() {},
        received: (message) => this.register.receive(message),
        violated: (reason) => this.violations.push(reason),
      });
      this.register.use(this.pc);
    }

    cut() {
      this.control = null;
      this.pc.close();
      this.register.detach();
    }
  }

  const ends = [new End(true), new End(false)];
  const connect = async () => {
    for (const end of ends) end.connect();
    const [a, b] = ends.map(({ pc }) => pc);
    a.onicecandidate = ({ candidate }) => candidate && b.addIceCandidate(candidate);
    b.onicecandidate = ({ candidate }) => candidate && a.addIceCandidate(candidate);
    await a.setLocalDescription();
    await b.setRemoteDescription(a.localDescription);
    await b.setLocalDescription();
    await a.setRemoteDescription(b.localDescription);
  };
  const pair = async (label, kind) => {
    const [offerer, answerer] = ends;
    const coming = new Promise((resolve) => {
      answerer.opened.addEventListener(label, ({ detail: channel }) => resolve(channel), { once: true });
    });
    const channels = [offerer.register.open(label, kind), await coming];
    await Promise.all(channels.map((channel) => channel.waitOpen()));
    return channels;
  };
  await connect();
  window.two = {
    kinds: await import("/lib/channels/kinds.js"),
    pair,
    violations: () => ends.flatMap(({ violations }) => violations),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    rebuild: async () => {
      for (const end of ends) end.cut();
      await connect();
    },
  };
}
