import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLabel, encodeLabel, KINDS, parseProtocol, protocolOf } from "../../../../web/lib/channels/kinds.js";

test("a label travels in ASCII and comes back", () => {
  for (const label of ["chat", "a b/c", "grüße", "🎲", "100%", "!~*'()"]) {
    const encoded = encodeLabel(label);
    assert.match(encoded, /^[\x21-\x7e]+$/);
    assert.equal(decodeLabel(encoded), label);
  }
});

test("labels that are empty, too long or not text are refused", () => {
  assert.throws(() => encodeLabel(""), RangeError);
  assert.throws(() => encodeLabel("x".repeat(129)), RangeError);
  assert.throws(() => encodeLabel("🎲".repeat(60)), RangeError);
  assert.throws(() => encodeLabel("\ud800"), URIError);
});

test("a label that is not written as ours is no label", () => {
  for (const encoded of ["%", "%zz", "a b", "", "ü", "%41", "%ff"]) assert.equal(decodeLabel(encoded), null);
});

test("the protocol names the kind and the id", () => {
  for (const kind of KINDS) assert.deepEqual(parseProtocol(protocolOf(kind, "0123abcd")), { kind, id: "0123abcd" });
  assert.equal(parseProtocol("peerlane.v1.bulky.0123abcd"), null);
});
