/** Why there is no camera or microphone, in words that say what to do. Pure. */

/** @typedef {"camera" | "microphone"} Device */

/**
 * @param {unknown} error of getUserMedia
 * @param {Device} device
 * @returns {string}
 */
export function wordsForAccess(error, device) {
  switch (error instanceof Error ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return `The browser has not allowed the ${device}. Allow it beside the address, at the top of the window, then try again.`;
    case "NotFoundError":
    case "OverconstrainedError":
      return `No ${device} was found. Plug one in and try again, or join without it.`;
    case "NotReadableError":
    case "AbortError":
      return `The ${device} is in use by another program, or does not answer. Close the other program and try again.`;
    default:
      return `The ${device} could not be started. You can join without it and add it later.`;
  }
}

/** Browsers give camera and microphone to secure pages only. */
export const INSECURE =
  "This address is not secure, so the browser keeps camera and microphone to itself. Open the https address " +
  "that the server has printed; you can join and chat without them from here.";
