/** In the call: buttons, keys and news, from joining to leaving. */

import { shortRoomName } from "../lib/ids.js";
import { Room } from "../lib/room.js";
import { signalingUrl } from "../lib/signaling_client/address.js";
import { Banner } from "./banner.js";
import { Chat } from "./chat.js";
import { byId, icon, toast } from "./dom.js";
import { ModerationView } from "./moderation.js";
import { Names } from "./names.js";
import { Overlay } from "./overlay.js";
import { Panel } from "./panel.js";
import { People } from "./people.js";
import { chosenSpeaker } from "./pickers.js";
import { listenForShortcuts } from "./shortcuts.js";
import { Tiles } from "./tiles.js";
import { wordsForLeaving, wordsForRoom } from "./words.js";

/** @typedef {import("../lib/remote_peer.js").RemotePeer} RemotePeer */
/** @typedef {import("./local_media.js").LocalMedia} LocalMedia */

export class Call {
  /** @param {LocalMedia} media */
  constructor(media) {
    this._media = media;
    this._view = byId("call", HTMLElement);
    this._unread = 0;
    this._panel = new Panel(() => this._showPanel());
    this._overlay = new Overlay(() => this._showOverlay());
    this._tiles = new Tiles(byId("grid", HTMLElement), () => {
      byId("sound-note", HTMLParagraphElement).hidden = false;
    });
    this._chat = new Chat(
      byId("chat-log", HTMLElement),
      byId("chat-form", HTMLFormElement),
      byId("chat-input", HTMLInputElement),
      (from) => this._messageArrived(from),
    );
    /** @type {Room | null} */
    this._room = null;
    /** @type {ModerationView | null} */
    this._moderation = null;
    this._ended = new AbortController();
    this._wireButtons();
    media.on("changed", () => this._showControls());
    media.on("problem", (words) => !this._view.hidden && toast(words));
  }

  /**
   * Enter the room; resolves when inside, and calls `left` when it is over.
   *
   * @param {string} roomName
   * @param {string} name
   * @param {object} options
   * @param {string} options.password empty: none is known
   * @param {(leave: () => void) => void} options.knocked it takes somebody in the room to let us in
   * @param {(why: Error) => void} options.left
   * @returns {Promise<Room>}
   */
  async enter(roomName, name, { password, knocked, left }) {
    const room = new Room(signalingUrl(location.origin), roomName, { name, password, tracks: this._media.tracks });
    room.on("waiting", () => knocked(() => room.close()));
    await room.entered;
    this._room = room;
    this._ended = new AbortController();
    const { signal } = this._ended;
    this._view.hidden = false;
    byId("room-title", HTMLElement).textContent = shortRoomName(room.name);
    document.title = `${shortRoomName(room.name)} · Peerlane`;
    const names = new Names(name);
    new Banner(room, names, signal);
    this._overlay.enter(room, names);
    this._welcome(room, names, new People(room, name, this._media, this._tiles, names, signal), signal);
    room.on("interrupted", () => this._showRoom());
    room.on("restored", () => this._showRoom());
    room.on("degraded", () => this._showRoom());
    room.on("closed", (why) => (this._over(), left(why)));
    this._media.enter(room);
    this._tiles.setSpeaker(chosenSpeaker());
    this._listenForKeys(signal);
    this._showRoom();
    this._showControls();
    this._showPanel();
    this._showOverlay();
    return room;
  }

  /** Who is here, and who comes and goes. @param {Room} room @param {Names} names @param {People} people @param {AbortSignal} signal */
  _welcome(room, names, people, signal) {
    const add = (/** @type {RemotePeer} */ peer) => {
      people.add(peer);
      this._chat.add(peer, () => names.of(peer));
      this._showRoom();
    };
    room.roster.forEach(add);
    room.on("peer-joined", (peer) => (add(peer), toast(`${names.of(peer)} is here`)));
    room.on("peer-left", ({ peer, reason }) => {
      const name = names.of(peer);
      people.remove(peer);
      this._chat.remove(peer);
      this._showRoom();
      toast(`${name} ${wordsForLeaving(reason)}`);
    });
    const moderation = new ModerationView(room, names, () => (people.showRoster(), this._showPanel()), signal);
    people.moderation = this._moderation = moderation;
    people.showRoster();
  }

  speakerChosen() {
    this._tiles.setSpeaker(chosenSpeaker());
  }

  _over() {
    this._ended.abort();
    this._room = this._moderation = null;
    this._media.enter(null);
    this._overlay.enter(null);
    this._tiles.clear();
    this._chat.clear();
    this._unread = 0;
    byId("sound-note", HTMLParagraphElement).hidden = true;
    this._view.hidden = true;
    document.title = "Peerlane";
  }

  _wireButtons() {
    /** @type {Record<string, () => void>} */
    const actions = {
      microphone: () => void this._media.toggleMicrophone(),
      camera: () => void this._media.toggleCamera(),
      share: () => void this._media.toggleScreen(),
      "chat-toggle": () => this._panel.toggle("chat"),
      "people-toggle": () => this._panel.toggle("people"),
      "connections-toggle": () => this._overlay.toggle(),
      "connections-open": () => this._openOverlay(),
      settings: () => byId("settings-dialog", HTMLDialogElement).showModal(),
      keys: () => byId("keys-dialog", HTMLDialogElement).showModal(),
      leave: () => this._room?.close(),
      "copy-link": () => void this._copyLink(),
      "alone-copy": () => void this._copyLink(),
      "sound-button": () => {
        this._tiles.playAll();
        byId("sound-note", HTMLParagraphElement).hidden = true;
      },
    };
    for (const [id, act] of Object.entries(actions)) byId(id, HTMLButtonElement).addEventListener("click", act);
    label("settings", "settings", "Devices");
    label("keys", "keyboard", "Keys");
    label("leave", "leave", "Leave");
  }

  /** @param {AbortSignal} signal */
  _listenForKeys(signal) {
    listenForShortcuts(
      [
        { key: "M", words: "Microphone on or off", act: () => void this._media.toggleMicrophone() },
        { key: "V", words: "Camera on or off", act: () => void this._media.toggleCamera() },
        { key: "D", words: "Share the screen", act: () => void this._media.toggleScreen() },
        { key: "C", words: "Chat", act: () => this._panel.toggle("chat") },
        { key: "S", words: "How the connections do", act: () => this._overlay.toggle() },
        { key: "?", words: "This list", act: () => byId("keys-dialog", HTMLDialogElement).showModal() },
      ],
      signal,
    );
  }

  _showControls() {
    const { isHeard, hasCamera, isSharing } = this._media;
    label("microphone", isHeard ? "microphone" : "microphone-off", isHeard ? "Mute" : "Unmute");
    label("camera", hasCamera ? "camera" : "camera-off", "Camera");
    label("share", "screen", isSharing ? "Stop" : "Share");
    press("microphone", isHeard, "is-off", !isHeard);
    press("camera", hasCamera, "is-off", !hasCamera);
    press("share", isSharing, "is-active", isSharing);
  }

  _showPanel() {
    const isChat = this._panel.isOpen("chat");
    if (isChat) this._unread = 0;
    label("chat-toggle", "chat", "Chat", this._unread);
    label("people-toggle", "people", "People", this._moderation?.waiting ?? 0);
    press("chat-toggle", isChat, "is-active", isChat);
    press("people-toggle", this._panel.isOpen("people"), "is-active", this._panel.isOpen("people"));
  }

  _openOverlay() {
    this._overlay.open();
    // On a phone the list of people, from where this comes, is in front of the table.
    if (matchMedia("(max-width: 52rem)").matches) this._panel.close();
  }

  _showOverlay() {
    label("connections-toggle", "connections", "Connections");
    press("connections-toggle", this._overlay.isOpen, "is-active", this._overlay.isOpen);
  }

  _showRoom() {
    const room = this._room;
    if (!room) return;
    const status = byId("status", HTMLParagraphElement);
    const words = wordsForRoom(room.state, room.roster.length, room.isDegraded);
    status.dataset.state = room.state;
    // Set only when it changes, or a screen reader says it again.
    if (status.textContent !== words) status.textContent = words;
    this._showAlone(room);
  }

  /** @param {Room} room */
  _showAlone(room) {
    const card = byId("alone", HTMLElement);
    card.hidden = room.roster.length > 0;
    byId("alone-link", HTMLElement).textContent = inviteLink(room);
    this._tiles.arrange();
  }

  /** @param {string} from */
  _messageArrived(from) {
    if (this._panel.isOpen("chat")) return;
    this._unread += 1;
    this._showPanel();
    toast(`${from} has written`);
  }

  async _copyLink() {
    if (!this._room) return;
    const link = inviteLink(this._room);
    try {
      await navigator.clipboard.writeText(link);
      toast("The invite link is copied");
    } catch {
      // Without a secure page there is no clipboard; then it can be read and typed.
      toast(link);
    }
  }
}

/** @param {Room} room */
function inviteLink(room) {
  const link = new URL("/", location.href);
  link.searchParams.set("room", shortRoomName(room.name));
  return link.href;
}

/** @param {string} id @param {string} iconName @param {string} words @param {number} [badge] */
function label(id, iconName, words, badge = 0) {
  const button = byId(id, HTMLButtonElement);
  const text = document.createElement("span");
  text.textContent = words;
  button.replaceChildren(icon(iconName), text);
  if (badge === 0) return;
  const count = document.createElement("span");
  count.className = "badge";
  count.textContent = String(badge);
  button.append(count);
}

/** @param {string} id @param {boolean} isPressed @param {string} look @param {boolean} isLook */
function press(id, isPressed, look, isLook) {
  const button = byId(id, HTMLButtonElement);
  button.setAttribute("aria-pressed", String(isPressed));
  button.classList.toggle(look, isLook);
}
