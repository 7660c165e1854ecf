/** The page: first the lobby, then the call; or the call at once, when the address says so. */

import { Call } from "./call.js";
import { byId } from "./dom.js";
import { Lobby } from "./lobby.js";
import { LocalMedia } from "./local_media.js";
import { PasswordDialog } from "./password.js";
import { Pickers } from "./pickers.js";
import { WaitingView } from "./waiting.js";
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
const passwords = new PasswordDialog();
const waiting = new WaitingView();
const lobby = new Lobby(media, { room: address.get("room") ?? "", name: address.get("name") ?? "" }, enter);
new Pickers(byId("lobby-pickers", HTMLElement), media, () => call.speakerChosen());
new Pickers(byId("call-pickers", HTMLElement), media, () => call.speakerChosen());

/** @param {import("./lobby.js").Wish} wish */
async function enter(wish) {
  try {
    const room = await knock(wish);
    if (!room) return;
    peerlane.room = room;
  } catch (error) {
    lobby.open(error instanceof Closed ? "" : wordsForJoin(error));
    return;
  } finally {
    passwords.close();
    waiting.hide();
  }
  lobby.close();
  // So that a reload, and the address itself when it is copied, lead to the same room.
  const here = new URL(location.href);
  here.searchParams.set("room", wish.room);
  history.replaceState(null, "", here);
}

/** The room, once its password is right; null when the person has changed their mind. @param {import("./lobby.js").Wish} wish */
async function knock({ room, name }) {
  const knocked = (/** @type {() => void} */ leave) => {
    passwords.close();
    lobby.open();
    waiting.show(room, leave);
  };
  for (let password = ""; ; ) {
    try {
      return await call.enter(room, name, { password, knocked, left });
    } catch (error) {
      if (/** @type {{code?: string}} */ (error).code !== "bad-password") throw error;
      lobby.open();
      password = await passwords.ask(password ? wordsForJoin(error) : "");
      if (!password) return null;
    }
  }
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
