/** As much of a server as a session can notice: rooms of one, whole and fresh resumes, numbers. No sockets. */

export const TIMES = { ping_interval: 25, ping_timeout: 10, resume_window: 120, settle: 15 };
const LIMITS = { max_message_bytes: 65536, max_metadata_bytes: 16384, max_rooms: 100, messages_per_second: 50 };

export class SmallServer {
  constructor() {
    this.epoch = 1;
    /** id → {link, mailbox, first, received, rooms} */
    this.sessions = new Map();
    this.ids = 0;
    /** Whether this signal or acknowledgement is lost on its way to another node. */
    this.isLost = () => false;
  }

  /** Everything is forgotten, as after a kill; tickets are still good. */
  restart() {
    for (const session of this.sessions.values()) session.link?.lose(1006);
    this.sessions.clear();
    this.epoch += 1;
  }

  /** @returns the id of the session that this link carries from now on */
  hello(link, { resume }) {
    const id = resume ? resume.ticket : `peer-${++this.ids}`;
    const former = this.sessions.get(id);
    const resumed = Boolean(former && resume.epoch === String(this.epoch) && resume.received >= former.first);
    if (former?.link) former.link.lose(4503);
    if (former && !resumed) this.end(id, "reset");
    const session = resumed ? former : { link: null, mailbox: [], first: 0, received: 0, room: null };
    this.sessions.set(id, session);
    session.link = link;
    const { received } = session;
    link.deliver({
      type: "welcome", you: id, epoch: String(this.epoch), resumed, received, ticket: id, unix_now: 0, ...TIMES, limits: LIMITS,
    });
    if (resumed) for (const event of session.mailbox.slice(resume.received - session.first)) link.deliver(event);
    return id;
  }

  lost(id, link) {
    const session = this.sessions.get(id);
    if (session?.link === link) session.link = null;
  }

  end(id, reason) {
    const session = this.sessions.get(id);
    this.sessions.delete(id);
    if (session?.room) this.tellOthers(id, session.room, { type: "peer-left", room: session.room, id, reason });
  }

  receive(id, message) {
    const session = this.sessions.get(id);
    if (!session) return;
    if (message.type === "ping" || message.type === "pong") {
      while (session.first < message.received) {
        session.mailbox.shift();
        session.first += 1;
      }
      if (message.type === "ping") session.link?.deliver({ type: "pong", received: session.received });
      return;
    }
    if (message.type === "bye") {
      this.end(id, "left");
      return;
    }
    session.received += 1;
    switch (message.type) {
      case "join": {
        const peers = [...this.sessions].filter(([other, { room }]) => other !== id && room === message.room);
        const isNew = session.room === null;
        session.room = message.room;
        this.tell(id, {
          type: "joined", request: message.request, room: message.room, capacity: 9,
          peers: peers.map(([other]) => ({ id: other, you_offer: id < other })),
        });
        if (isNew) this.tellOthers(id, message.room, { type: "peer-joined", room: message.room, peer: { id } });
        break;
      }
      case "signal":
      case "ack": {
        if (this.isLost()) break;
        const { to, ...rest } = message;
        const target = this.sessions.get(to);
        if (target && target.room && target.room === session.room) this.tell(to, { ...rest, from: id });
        else if (message.type === "signal") {
          this.tell(id, { type: "refused", code: "unknown-peer", hint: "", to, n: message.n });
        }
        break;
      }
    }
  }

  tell(id, event) {
    const session = this.sessions.get(id);
    session.mailbox.push(event);
    session.link?.deliver(event);
  }

  tellOthers(id, room, event) {
    for (const [other, session] of this.sessions) if (other !== id && session.room === room) this.tell(other, event);
  }
}

/** A session, the link under it, and a log of what it was told. Messages wait in the link until they are moved. */
export class Client {
  constructor(session, server) {
    this.session = session;
    this.server = server;
    this.told = [];
    this.link = null;
  }

  do(effects) {
    for (const effect of effects) {
      if (effect.do === "send") this.link?.up.push(effect.message);
      if (effect.do === "tell") this.told.push(effect.event);
      if (effect.do === "disconnect") this.link?.drop();
      if (effect.do === "connect") this.link = new Link(this);
    }
  }

  signalsFrom(id) {
    return this.told.filter((event) => event.type === "signal" && event.from === id).map(({ payload }) => payload);
  }
}

class Link {
  constructor(client) {
    this.client = client;
    this.up = [];
    this.down = [];
    this.id = null;
    this.isOpen = false;
    this.lostWith = 0;
  }

  deliver(event) {
    this.down.push(structuredClone(event));
  }

  /** The server closes it: the client reads what is under way, then the end. */
  lose(code) {
    this.lostWith = code;
  }

  /** It breaks: what is under way is lost both ways. */
  drop() {
    if (this.client.link === this) this.client.link = null;
    if (this.id) this.client.server.lost(this.id, this);
  }

  /** One step: open, or one message in one direction. Returns whether there was something to do. */
  step(now, isUp) {
    const { client } = this;
    if (client.link !== this) return false;
    if (!this.isOpen) {
      this.isOpen = true;
      client.do(client.session.linkOpened());
      return true;
    }
    if (isUp && this.up.length > 0 && this.lostWith === 0) {
      const message = structuredClone(this.up.shift());
      if (message.type === "hello") this.id = client.server.hello(this, message);
      else client.server.receive(this.id, message);
      return true;
    }
    if (this.down.length > 0) {
      client.do(client.session.receive(this.down.shift(), now));
      return true;
    }
    if (this.lostWith === 0) return false;
    this.drop();
    client.do(client.session.linkLost(now, this.lostWith));
    return true;
  }
}
