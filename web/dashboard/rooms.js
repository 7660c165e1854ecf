/** The rooms as their events have made them; the twin of `fold` in signaling/journal.py. */

/** @typedef {{ id: string, name: string, node: string, metadata?: Record<string, unknown>, away?: boolean }} Member */
/** @typedef {{ capacity: number, owner?: string, locked?: boolean, has_password?: boolean, has_lobby?: boolean }} Settings */
/** @typedef {{ settings: Settings, members: Map<string, Member> }} Room */
/**
 * @typedef {object} FeedEvent what it has depends on its type: docs/feed.md
 * @property {string} type
 * @property {number} [at]
 * @property {string} [room]
 * @property {Settings} [settings]
 * @property {Member[]} [members]
 * @property {Member} [member]
 * @property {string} [id]
 * @property {string} [reason]
 * @property {string} [node]
 * @property {string} [region]
 * @property {boolean} [is_there]
 */

export class Rooms {
  constructor() {
    /** @type {Map<string, Room>} */
    this.byName = new Map();
  }

  /** @param {FeedEvent} event */
  apply({ type, room: name = "", settings = { capacity: 0 }, members = [], member, id = "" }) {
    const room = this.byName.get(name);
    if (type === "gap") this.byName.clear();
    else if (type === "room") this.byName.set(name, { settings, members: new Map(members.map((each) => [each.id, each])) });
    else if (type === "room-opened") this.byName.set(name, { settings, members: new Map() });
    else if (type === "room-changed" && room) room.settings = settings;
    else if (type === "room-closed") this.byName.delete(name);
    else if ((type === "member-joined" || type === "member-changed") && member) room?.members.set(member.id, member);
    else if (type === "member-left") room?.members.delete(id);
  }

  /** The fullest first. @param {number} most */
  fullest(most) {
    const all = [...this.byName].map(([name, room]) => ({ name, ...room }));
    all.sort((a, b) => b.members.size - a.members.size || (a.name < b.name ? -1 : 1));
    return all.slice(0, most);
  }
}
