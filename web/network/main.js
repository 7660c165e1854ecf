/** The network test: the twin of `peerlane nat check` in the browser. */

import { report as reportOf } from "../lib/nat/build.js";
import { probe } from "../lib/nat/probe.js";
import { typed } from "../lib/nat/probes/servers.js";
import { byId, toast } from "../page/dom.js";
import { hide, hideProgress, say, show, showProgress } from "./view.js";
import { bugReport } from "./words.js";

/** @typedef {import("../lib/nat/report.js").Report} Report */

const NO_WEBRTC =
  "WebRTC is switched off in this browser, so it can connect to nobody. Allow it in the settings, or use another browser.";
const FILE_NAME = "peerlane-network.json";

/** What programs and tests may reach: the last report, null while there is none. @type {{ report: Report | null }} */
const peerlane = { report: null };
Object.assign(window, { peerlane });

const button = byId("run", HTMLButtonElement);
let isRunning = false;

async function run() {
  const asked = typed(textIn("servers-input"), textIn("username-input"), textIn("credential-input"));
  tellProblems(asked.problems);
  if (isRunning || asked.problems.length > 0) return;
  if (!("RTCPeerConnection" in window)) return tellProblems([NO_WEBRTC]);
  isRunning = true;
  peerlane.report = null;
  hide();
  // Not disabled: it would lose the focus of a keyboard.
  button.setAttribute("aria-disabled", "true");
  button.textContent = "Testing…";
  say("The test is running; it takes up to five seconds.");
  try {
    const report = reportOf(await probe(location.origin, asked.servers, showProgress));
    peerlane.report = report;
    show(report);
    say(report.verdict.sentence);
  } catch (error) {
    tellProblems([`The test has failed: ${error instanceof Error ? error.message : error}`]);
    say("");
  } finally {
    hideProgress();
    isRunning = false;
    button.removeAttribute("aria-disabled");
    button.textContent = "Test again";
  }
}

/** @param {string} id */
const textIn = (id) => byId(id, HTMLInputElement).value.trim();

/** @param {string[]} problems */
function tellProblems(problems) {
  const note = byId("servers-problem", HTMLElement);
  note.textContent = problems.join(" ");
  note.hidden = problems.length === 0;
}

async function copy() {
  if (!peerlane.report) return;
  const text = bugReport(peerlane.report);
  try {
    await navigator.clipboard.writeText(text);
    toast("The report is copied, without names and addresses");
  } catch {
    // Without a secure page there is no clipboard.
    const area = byId("copy-text", HTMLTextAreaElement);
    byId("copy-field", HTMLElement).hidden = false;
    area.value = text;
    area.focus();
    area.select();
  }
}

function download() {
  if (!peerlane.report) return;
  const file = new Blob([`${JSON.stringify(peerlane.report, null, 2)}\n`], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = FILE_NAME;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

byId("servers-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  void run();
});
byId("copy", HTMLButtonElement).addEventListener("click", () => void copy());
byId("download", HTMLButtonElement).addEventListener("click", download);
byId("command", HTMLElement).textContent = `peerlane nat check ${location.origin}`;

if (location.hash === "#run") void run();
