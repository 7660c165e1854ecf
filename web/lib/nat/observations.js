/**
 * What a run has seen of the network: facts, no judgement. The same JSON as of peer/nat/observations.py, so the names are
 * those of JSON.
 *
 * Null everywhere means: not asked, or not to be found out from here. Endpoints are text, as 203.0.113.7:40000 and
 * [2001:db8::7]:40000. Times are seconds. What has a default may be left out.
 */

/** @typedef {4 | 6} Family */
/** @typedef {"udp" | "tcp" | "tls"} Transport */
/** @typedef {"global" | "private" | "shared" | "link-local" | "loopback"} Scope `shared` is 100.64.0.0/10 (RFC 6598) */

/**
 * One address of this machine.
 *
 * @typedef {{ name: string, address: string, family: Family, scope: Scope }} Interface
 */

/**
 * One server asked over UDP, at one address.
 *
 * @typedef {object} StunAnswer
 * @property {string} url
 * @property {Family} family
 * @property {string} address
 * @property {string} local
 * @property {number | null} rtt null: it has not answered
 * @property {string} mapped XOR-MAPPED-ADDRESS
 * @property {string | null} plain_mapped MAPPED-ADDRESS, which somebody on the way may have changed; null: the server does
 *   not send it
 * @property {string} other OTHER-ADDRESS (RFC 5780): the server can tell how packets are filtered
 * @property {string} trouble
 */

/**
 * How the same socket looks from several endpoints (RFC 5780 section 4.3).
 *
 * @typedef {object} MappingTest
 * @property {Family} family
 * @property {string} local
 * @property {Record<string, string>} mapped endpoint asked → endpoint seen there
 * @property {string[]} silent endpoints that have not answered
 */

/**
 * Whether answers come through from where nothing was sent to (RFC 5780 section 4.4).
 *
 * @typedef {{ family: Family, from_other_address: boolean | null, from_other_port: boolean | null }} FilteringTest
 */

/**
 * The mapping before a packet came in unasked, and towards its sender after that.
 *
 * @typedef {{ family: Family, before: string, after: string | null }} KnockTest
 */

/**
 * A packet to one's own mapped endpoint; `source` is where it seemed to come from.
 *
 * @typedef {{ family: Family, came_back: boolean, source: string }} HairpinTest
 */

/**
 * For how long a silent binding lets answers through; `gone_after` null: it outlived the test.
 *
 * @typedef {{ family: Family, alive_after: number, gone_after: number | null }} LifetimeTest
 */

/**
 * What large datagrams get through, to a server and back; `largest`: bytes of the largest UDP payload that came back
 * without fragments.
 *
 * @typedef {{ family: Family, fragments: boolean | null, largest: number | null }} SizeTest
 */

/**
 * A router's service for opening ports; `external` is the router's own outer address.
 *
 * @typedef {{ kind: "nat-pmp" | "pcp" | "upnp", is_there: boolean, external: string, trouble: string }} PortMapper
 */

/**
 * A router on the way to a server; `address` is empty when it does not tell.
 *
 * @typedef {{ number: number, address: string, scope: Scope | null }} Hop
 */

/**
 * One TURN server over one transport, up to the step that worked.
 *
 * @typedef {object} TurnAnswer
 * @property {string} url
 * @property {Transport} transport
 * @property {string} address
 * @property {number | null} allocated seconds until the relay was there
 * @property {string} relayed
 * @property {boolean | null} permitted
 * @property {number | null} echo_rtt of a datagram to the relay and back
 * @property {number} code a STUN error code, 701 unreachable, 0 unreadable
 * @property {string} trouble
 */

/**
 * A Peerlane server over HTTP and WebSocket.
 *
 * @typedef {object} SignalingAnswer
 * @property {string} url
 * @property {number | null} http_rtt
 * @property {number} http_status
 * @property {number | null} websocket_rtt
 * @property {boolean} is_portal somebody else answers in its place: a login page of the network
 * @property {boolean} refused it asks for a token, or does not accept this one
 * @property {string} trouble
 */

/**
 * @typedef {object} Observations
 * @property {"python" | "browser"} observer
 * @property {number} took
 * @property {Interface[] | null} interfaces
 * @property {boolean | null} has_ipv6 whether the operating system has it at all
 * @property {StunAnswer[]} stun
 * @property {MappingTest[]} mapping
 * @property {FilteringTest[]} filtering
 * @property {KnockTest[]} knock
 * @property {HairpinTest[]} hairpin
 * @property {LifetimeTest[]} lifetime
 * @property {SizeTest[]} size
 * @property {PortMapper[] | null} port_mappers
 * @property {Hop[] | null} hops
 * @property {TurnAnswer[]} turn
 * @property {SignalingAnswer[]} signaling
 * @property {Record<string, string>} skipped what was not asked → why, as a sentence
 */

/**
 * Observations as somebody writes them down: every part, and within the parts what has a default, may be missing.
 *
 * @typedef {{ [Part in keyof Observations]?: Observations[Part] extends (infer Each)[] ? Partial<Each>[] :
 *   Observations[Part] extends (infer Each)[] | null ? Partial<Each>[] | null : Observations[Part] }} Noted
 */

const ADDRESS = { address: "", local: "", mapped: "", other: "", trouble: "" };
const DEFAULTS = {
  interfaces: {},
  stun: { ...ADDRESS, rtt: null, plain_mapped: null },
  mapping: { mapped: {}, silent: [] },
  filtering: { from_other_address: null, from_other_port: null },
  knock: { after: null },
  hairpin: { source: "" },
  lifetime: { alive_after: 0, gone_after: null },
  size: { fragments: null, largest: null },
  port_mappers: { external: "", trouble: "" },
  hops: { address: "", scope: null },
  turn: { address: "", allocated: null, relayed: "", permitted: null, echo_rtt: null, code: 0, trouble: "" },
  signaling: {
    http_rtt: null,
    http_status: 0,
    websocket_rtt: null,
    is_portal: false,
    refused: false,
    trouble: "",
  },
};

const NOTHING_SEEN = {
  observer: "python",
  took: 0,
  interfaces: null,
  has_ipv6: null,
  stun: [],
  mapping: [],
  filtering: [],
  knock: [],
  hairpin: [],
  lifetime: [],
  size: [],
  port_mappers: null,
  hops: null,
  turn: [],
  signaling: [],
  skipped: {},
};

/** With a default for all that is missing. @param {Noted} noted @returns {Observations} */
export function complete(noted) {
  /** @type {Record<string, any>} */
  const whole = { ...NOTHING_SEEN, ...noted };
  for (const [part, defaults] of Object.entries(DEFAULTS)) {
    whole[part] = whole[part]?.map((/** @type {object} */ each) => ({ ...defaults, ...each })) ?? null;
  }
  return /** @type {Observations} */ (whole);
}
