/** The page: first the lobby, then the call; or the call at once, when the address says so. */

import { Call } from "./call.js";
import { byId } from "./dom.js";
import { Lobby } from "./lobby.js";
import { LocalMedia } from "./local_media.js";
import { Pickers } from "./pickers.js";
import { Closed } from "../lib/errors.js";
import { wordsForJoin } from "./words.js";

/** @typedef {import("../lib/room.js").Room} Room */

/** What programs and tests may reach: the Room, null while there is none. @type {{room: Room | null}} */
const peerlane = { room: null };
Object.assign(window, { peerlane });

const address = new URL(location.href).searchParams;
const wants = { camera: address.get("camera") !== "0", microphone: address.get("microphone") !== "0" };

const media = new LocalMedia();
const call = new Call(media);
const lobby = new Lobby(media, { room: address.get("room") ?? "", name: address.get("name") ?? "" }, enter);
new Pickers(byId("lobby-pickers", HTMLElement), media, () => call.speakerChosen());
new Pickers(byId("call-pickers", HTMLElement), media, () => call.speakerChosen());

/** @param {import("./lobby.js").Wish} wish */
async function enter({ room, name }) {
  try {
    peerlane.room = await call.enter(room, name, left);
  } catch (error) {
    lobby.open(wordsForJoin(error));
    return;
  }
  lobby.close();
  // So that a reload, and the address itself when it is copied, lead to the same room.
  const here = new URL(location.href);
  here.searchParams.set("room", room);
  history.replaceState(null, "", here);
}

/** @param {Error} why */
function left(why) {
  peerlane.room = null;
  media.stop();
  lobby.open(why instanceof Closed ? "You have left the room." : wordsForJoin(why));
}

if (address.get("join") === "1") {
  await media.start(wants);
  await enter(lobby.wish);
} else {
  lobby.open();
  await media.start(wants);
}
