import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { addressesOf, findNearest } from "../../../../web/lib/signaling_client/measuring.js";

const [NEAR, FAR] = [0, 60];

/** A server of a region that answers after so many milliseconds. */
async function place(t, region, distance, nodes = []) {
  const found = { asked: 0, url: "" };
  const server = createServer((request, response) => {
    assert.equal(request.url, "/v1/regions");
    found.asked += 1;
    setTimeout(() => response.end(JSON.stringify({ region, node: `in ${region}`, nodes })), distance);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  found.url = `ws://127.0.0.1:${server.address().port}/v1/ws`;
  return found;
}

test("the nearest of several is first", async (t) => {
  const [us, eu] = [await place(t, "us", FAR), await place(t, "eu", NEAR)];
  assert.deepEqual(await findNearest([us.url, eu.url]), { urls: [eu.url, us.url], regions: ["eu", "us"] });
});

test("a node that was only named is found when it is nearer", async (t) => {
  const eu = await place(t, "eu", NEAR);
  const us = await place(t, "us", FAR, [{ url: eu.url.replace("ws:", "http:").replace("/v1/ws", ""), region: "eu" }, null]);
  assert.deepEqual(await addressesOf(us.url, true), { urls: [eu.url, us.url], regions: ["eu", "us"] });
});

test("in one region nothing is measured, and who does not answer is last", async (t) => {
  const known = [await place(t, "eu", FAR), await place(t, "eu", NEAR)];
  const urls = known.map(({ url }) => url);
  const silent = "ws://127.0.0.1:1/v1/ws";
  assert.deepEqual(await findNearest([silent, ...urls]), { urls: [...urls, silent] });
  assert.deepEqual(known.map(({ asked }) => asked), [1, 1]);
});

test("one address is not asked unless it is one of many", async (t) => {
  const eu = await place(t, "eu", NEAR);
  assert.deepEqual(await addressesOf(eu.url), { urls: [eu.url] });
  assert.equal(eu.asked, 0);
});

test("no address is no server", async () => {
  await assert.rejects(addressesOf([]), TypeError);
  await assert.rejects(addressesOf(["ws://127.0.0.1", "ftp://127.0.0.1"]), TypeError);
});
