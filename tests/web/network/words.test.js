import assert from "node:assert/strict";
import { test } from "node:test";
import { report as reportOf } from "../../../web/lib/nat/build.js";
import { bugReport, levelOf, sectionsOf, textOf } from "../../../web/network/words.js";

const MAPPED = "198.51.100.7:40000";
const report = reportOf({
  observer: "browser",
  stun: [{ url: "stun:stun.example.org", family: 4, rtt: 0.02, mapped: MAPPED }],
  turn: [
    { url: "turn:ana.example.org", transport: "udp", allocated: 0.1, relayed: "203.0.113.9:5", echo_rtt: 0.02, permitted: true },
  ],
});

test("expectations are one more section, and where nothing is known there is none", () => {
  const { sections, expectations } = report;
  const all = sectionsOf(report);
  assert.equal(all.length, sections.length + 1);
  assert.equal(all.at(-1)?.rows.length, expectations.length);
  assert.deepEqual(sectionsOf(reportOf({})), reportOf({}).sections);
});

test("each end of the command has its level", () => {
  const level = (exit_code) => levelOf({ verdict: { exit_code } });
  assert.deepEqual([0, 3, 4, 5].map(level), ["good", "warning", "bad", "bad"]);
});

test("text says the verdict first, then every row, then what to do", () => {
  const lines = textOf(report).split("\n");
  assert.equal(lines[0], report.verdict.sentence);
  for (const { rows } of sectionsOf(report)) for (const { label } of rows) assert.ok(lines.some((line) => line.includes(label)));
  assert.equal(lines.at(-1), `  - ${report.verdict.advice.at(-1)}`);
  assert.ok(!lines.some((line) => line.includes("..")));
});

test("what is given to strangers has neither an address nor a name", () => {
  const text = bugReport(report);
  for (const secret of ["198.51.100.7", "203.0.113.9", "stun.example.org", "ana.example"]) assert.ok(!text.includes(secret), secret);
  assert.equal(JSON.parse(text.trimEnd().split("\n").at(-1)).verdict.code, report.verdict.code);
});
