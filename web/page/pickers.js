/** Choosing camera, microphone and speaker; the same before and in the call. */

import { element } from "./dom.js";
import { recall, remember } from "./remember.js";

/** @typedef {import("./local_media.js").LocalMedia} LocalMedia */

const KINDS = /** @type {const} */ ([
  { kind: "videoinput", device: "camera", label: "Camera" },
  { kind: "audioinput", device: "microphone", label: "Microphone" },
  { kind: "audiooutput", device: "speaker", label: "Speaker" },
]);

/** Firefox and Safari do not all let a page choose where it is heard. */
export const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;

/** The chosen speaker's id; empty: the default. */
export const chosenSpeaker = () => (canChooseSpeaker ? recall("speaker") : "");

export class Pickers {
  /**
   * @param {HTMLElement} place
   * @param {LocalMedia} media
   * @param {() => void} speakerChosen
   */
  constructor(place, media, speakerChosen) {
    this._media = media;
    /** @type {Map<string, HTMLSelectElement>} */
    this._selects = new Map();
    for (const { kind, device, label } of KINDS) {
      if (device === "speaker" && !canChooseSpeaker) continue;
      const select = element("select", { "data-device": device });
      select.addEventListener("change", () => {
        if (device === "speaker") {
          remember("speaker", select.value);
          speakerChosen();
        } else {
          void media.choose(device, select.value);
        }
      });
      this._selects.set(kind, select);
      place.append(element("label", { class: "field" }, element("span", {}, label), select));
    }
    this._noise = element("input", { type: "checkbox" });
    this._noise.addEventListener("change", () => void media.setNoiseSuppression(this._noise.checked));
    place.append(element("label", { class: "check" }, this._noise, "Suppress noise around me"));
    media.on("changed", () => void this.refresh());
    void this.refresh();
  }

  /** Read the list of devices again; their names are known only once access was given. */
  async refresh() {
    this._noise.checked = this._media.suppressNoise;
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    for (const { kind, device } of KINDS) {
      const select = this._selects.get(kind);
      if (select) this._fill(select, device, devices.filter((each) => each.kind === kind));
    }
  }

  /** @param {HTMLSelectElement} select @param {"camera" | "microphone" | "speaker"} device @param {MediaDeviceInfo[]} found */
  _fill(select, device, found) {
    const named = found.filter((each) => each.deviceId);
    const options = named.map((each, index) => {
      return element("option", { value: each.deviceId }, each.label || `${device} ${index + 1}`);
    });
    const none = found.length > 0 ? "Allow access to see the list" : "None found";
    select.replaceChildren(...(options.length > 0 ? options : [element("option", { value: "" }, none)]));
    select.disabled = options.length === 0;
    const running = device === "speaker" ? undefined : this._media.track(device)?.getSettings().deviceId;
    const wanted = running ?? (device === "speaker" ? chosenSpeaker() : this._media.chosen[device]);
    if (named.some((each) => each.deviceId === wanted)) select.value = wanted;
  }
}
