/**
 * What the rows of a report say: a value, why it matters, and how good it is.
 *
 * The field's own terms stand where another tool uses them, with plain words beside them.
 */

/** @typedef {readonly [value: string, note: string, level: import("./report.js").Level]} Said of a row */

/** @type {Readonly<Record<string, string>>} */
export const TITLES = Object.freeze({
  network: "This network",
  "nat-4": "The NAT over IPv4",
  "nat-6": "The NAT over IPv6",
  routers: "The way out",
  stun: "STUN servers",
  turn: "TURN servers",
  signaling: "Peerlane servers",
  skipped: "Not asked",
});
/** @type {Readonly<Record<string, Said>>} */
export const UDP = Object.freeze({
  works: ["works", "Voice and game data go over UDP; it is what direct connections are made of.", "good"],
  "some-ports": [
    "only to some ports",
    "It gets through to port {open}, but not to port {closed}. Other people are at any port, so nothing goes directly.",
    "bad",
  ],
  blocked: [
    "blocked",
    "Servers answer, but not over UDP. Nothing goes directly; TURN over TCP or TLS can relay.",
    "bad",
  ],
  silent: ["no answer", "Either this network blocks UDP, or the servers that were asked do not run.", "bad"],
  "not-asked": ["not asked", "Name a STUN server to learn whether anything can go directly.", "plain"],
});
/** @type {Readonly<Record<string, Said>>} */
export const IPV4 = Object.freeze({
  works: ["{addresses}", "Where others see you.", "good"],
  near: ["{addresses}", "Where servers in your own network see you; others see you elsewhere.", "plain"],
  silent: ["no answer", "Nobody has told where others see you.", "plain"],
  "only-ipv6": ["no answer", "People who have only IPv4 can be reached only through a relay.", "warning"],
});
/** @type {Readonly<Record<string, Said>>} */
export const IPV6 = Object.freeze({
  works: ["{addresses}", "If both sides have IPv6, no NAT stands between them.", "good"],
  silent: [
    "no answer",
    "This machine has IPv6, but it leads nowhere. People who have only IPv6 need a relay.",
    "plain",
  ],
  unused: ["this machine has it", "No server was asked over IPv6, so nobody knows how far it leads.", "plain"],
  none: ["none", "Not needed, but where both sides have it, direct connections come easily.", "plain"],
});
/** @type {Readonly<Record<string, Said>>} */
export const ADDRESSES = Object.freeze({
  several: [
    "{count}",
    "Servers see you at {addresses}: whoever is told one of them may hear from you at another, and not let you in.",
    "warning",
  ],
  own: ["{addresses}", "", "plain"],
});
/** @type {Readonly<Record<string, Said>>} */
export const VPN = Object.freeze({
  used: [
    "yes ({name})",
    "What is asked goes through it: all of this is about the VPN's network. Many VPNs let nobody in.",
    "warning",
  ],
  unused: ["there, not in use ({name})", "The servers were asked past it.", "plain"],
  none: ["none seen", "No interface of this machine looks like one.", "plain"],
});
/** @type {Readonly<Record<string, Said>>} */
export const TRANSLATED = Object.freeze({
  yes: ["yes", "{local} is seen as {mapped}.", "plain"],
  hidden: ["yes", "You are seen as {mapped}.", "plain"],
  no: ["no", "You are seen at your own address, {mapped}: at most a firewall is in the way.", "good"],
  unknown: ["not known", "You are seen as {mapped}; your own address is hidden.", "plain"],
});
/** @type {Readonly<Record<string, Said>>} */
export const MAPPING = Object.freeze({
  "endpoint-independent": [
    "endpoint-independent",
    "You have the same port for everybody, so others can be told where to send. Direct connections need this.",
    "good",
  ],
  "address-dependent": [
    "address-dependent",
    "Everybody you send to sees you at another port, so nobody can be told where to send ('symmetric'). Direct " +
      "only with networks that let strangers in.",
    "warning",
  ],
  "address-and-port-dependent": [
    "address- and port-dependent",
    "Everybody you send to sees you at another port, so nobody can be told where to send ('symmetric'). Direct " +
      "only with networks that let strangers in.",
    "warning",
  ],
  "endpoint-dependent": [
    "endpoint-dependent",
    "Two servers see you at two ports, so nobody can be told where to send ('symmetric'). Direct only with " +
      "networks that let strangers in.",
    "warning",
  ],
  unknown: [
    "not known",
    "One address alone cannot tell whether you have the same port for everybody: name a second STUN server.",
    "plain",
  ],
});
/** @type {Readonly<Record<string, Said>>} */
export const FILTERING = Object.freeze({
  "endpoint-independent": [
    "endpoint-independent",
    "Whoever knows your port gets in: direct with all that let UDP through.",
    "good",
  ],
  "address-dependent": [
    "address-dependent",
    "Whoever you have sent to gets in, from any port: direct even with symmetric NATs.",
    "good",
  ],
  "address-and-port-dependent": [
    "address- and port-dependent",
    "Only exactly whom you have sent to gets in. Usual, and no harm: both sides send at the same time.",
    "plain",
  ],
  unknown: [
    "not known",
    "Only a server with two addresses (RFC 5780) can tell. It matters with symmetric NATs only.",
    "plain",
  ],
  browser: ["not known", "A browser cannot ask for it. It matters with symmetric NATs only.", "plain"],
});
/** @type {Readonly<Record<string, Said>>} */
export const KNOCK = Object.freeze({
  stays: ["stays", "Your port stays the same even if somebody sends to it first.", "good"],
  moves: [
    "moves",
    "If somebody sends to you first, you answer from another port, and are not let in. Other tests take this NAT " +
      "for a good one.",
    "warning",
  ],
});
/** @type {Readonly<Record<string, Said>>} */
export const PORT = Object.freeze({
  kept: ["kept", "The NAT uses the port that this machine has chosen.", "plain"],
  changed: ["changed", "No harm as long as it is the same for everybody.", "plain"],
});
/** @type {Readonly<Record<string, Said>>} */
export const HAIRPIN = Object.freeze({
  yes: ["yes", "Two people behind this NAT reach each other at their public addresses, too.", "good"],
  no: [
    "no",
    "Two people behind this NAT reach each other only at their private addresses, or through a relay.",
    "plain",
  ],
});
/** @type {Readonly<Record<string, Said>>} */
export const LIFETIME = Object.freeze({
  longer: ["over {alive} s", "For so long answers were still let in; after that the test ended.", "good"],
  ends: [
    "{alive} to {gone} s",
    "After that long without a word, answers are not let in any more. Peerlane says something every few seconds.",
    "plain",
  ],
  short: [
    "under {gone} s",
    "After that long without a word, answers are not let in any more. Connections break unless they never rest.",
    "warning",
  ],
});
/** @type {Readonly<Record<string, Said>>} */
export const SIZE = Object.freeze({
  fine: ["{bytes} bytes", "The largest datagram that came back whole; WebRTC needs 1200.", "good"],
  small: [
    "{bytes} bytes",
    "The largest datagram that came back whole. WebRTC sends up to 1200, so some of its packets get lost.",
    "bad",
  ],
  "fragments-pass": ["get through", "Datagrams larger than the network's packets arrive, in pieces.", "plain"],
  "fragments-lost": [
    "get lost",
    "Datagrams larger than the network's packets never arrive. Peerlane sends none; a large TLS handshake or " +
      "another program may.",
    "warning",
  ],
});
/** @type {Readonly<Record<string, Said>>} */
export const TAMPERING = Object.freeze({
  yes: [
    "yes (ALG)",
    "Somebody on the way changes addresses inside of packets. STUN hides from it, other protocols may break.",
    "warning",
  ],
  no: ["none", "Addresses inside of packets arrive as they were sent.", "good"],
});
/** @type {Readonly<Record<string, string>>} */
export const OLD_NAMES = Object.freeze({
  open: "open internet",
  firewall: "symmetric firewall",
  "full-cone": "full cone",
  restricted: "restricted cone",
  "port-restricted": "port-restricted cone",
  symmetric: "symmetric",
});
export const OLD_NAME_NOTE = "As RFC 3489 and many tools call it. A hint only: it mixes mapping and filtering.";
/** @type {Readonly<Record<string, Said>>} */
export const LAYERS = Object.freeze({
  none: ["none", "This machine has a public address.", "good"],
  one: ["one", "One router translates, as in most homes.", "plain"],
  "perhaps-two": [
    "perhaps two",
    "There are two private networks on the way: two routers that translate, or a company's or provider's inner " +
      "network.",
    "plain",
  ],
  two: [
    "two",
    "The router's own address is not the one that others see: another NAT comes after it. Opened ports do not help.",
    "warning",
  ],
  carrier: [
    "two, one of the provider (CGNAT)",
    "You share a public address with other customers. Opened ports do not help; people behind the same NAT may " +
      "need a relay.",
    "warning",
  ],
});
/** @type {Readonly<Record<string, string>>} */
export const MAPPER_NAMES = Object.freeze({
  upnp: "UPnP",
  "nat-pmp": "NAT-PMP",
  pcp: "PCP",
});
/** @type {Readonly<Record<string, Said>>} */
export const MAPPERS = Object.freeze({
  there: ["there", "The router would open ports for programs that ask for it. Nothing was opened.", "plain"],
  "there-at": [
    "there",
    "The router, at {address} outside, would open ports for programs that ask for it. Nothing was opened.",
    "plain",
  ],
  missing: ["no answer", "{reason}", "plain"],
});
/** @type {Readonly<Record<string, Said>>} */
export const STUN = Object.freeze({
  answers: ["{rtt}", "Over {family}; sees you as {mapped}.", "good"],
  "tells-more": ["{rtt}", "Over {family}; sees you as {mapped}, and can test what is let in (RFC 5780).", "good"],
  nameless: ["name not known", "{reason}", "bad"],
  silent: ["no answer", "Over {family}. {reason}", "bad"],
});
/** @type {Readonly<Record<string, Said>>} */
export const TURN = Object.freeze({
  works: ["relays, over {transport}", "Ready after {rtt}, at {relayed}.", "good"],
  echoes: ["relays, over {transport}", "Ready after {rtt}, at {relayed}; there and back takes {echo}.", "good"],
  refused: ["refused, over {transport}", "It does not accept the user name or the password. {reason}", "bad"],
  "no-room": ["full, over {transport}", "It relays as much as it may. {reason}", "bad"],
  untrusted: ["not trusted, over {transport}", "Its certificate cannot be trusted. {reason}", "bad"],
  nameless: ["name not known", "{reason}", "bad"],
  silent: ["no answer, over {transport}", "{reason}", "bad"],
  "no-permission": [
    "relays, over {transport}",
    "It is ready after {rtt}, at {relayed}, but does not let relays send to each other: two people who both need " +
      "one cannot meet.",
    "warning",
  ],
  "no-echo": ["lost, over {transport}", "It hands out a relay, but nothing comes through it. {reason}", "bad"],
  trouble: ["no relay, over {transport}", "It answers with error {code}. {reason}", "bad"],
  unusable: ["not asked, over {transport}", "{reason}", "bad"],
});
/** @type {Readonly<Record<string, Said>>} */
export const SIGNALING = Object.freeze({
  works: ["works", "HTTP answers in {http}, WebSocket opens in {websocket}.", "good"],
  "http-only": ["no WebSocket", "HTTP answers in {http}, but WebSocket does not open. {reason}", "bad"],
  http: ["answers", "HTTP answers in {http}.", "good"],
  portal: ["login page", "Somebody else answers in its place: probably a login page of this network.", "bad"],
  refused: ["refused", "It asks for a token, or does not accept the one that was given. {reason}", "bad"],
  stranger: ["another server", "HTTP answers in {http}, but not as a Peerlane server does. {reason}", "bad"],
  untrusted: ["not trusted", "Its certificate cannot be trusted. {reason}", "bad"],
  nameless: ["name not known", "{reason}", "bad"],
  silent: ["no answer", "{reason}", "bad"],
});
/** Also of what was skipped, whose keys are those of Observations. @type {Readonly<Record<string, string>>} */
export const LABELS = Object.freeze({
  udp: "UDP",
  ipv4: "IPv4",
  ipv6: "IPv6",
  "public-addresses": "Public addresses",
  "own-addresses": "Addresses here",
  vpn: "VPN",
  translated: "Translates",
  mapping: "Mapping",
  filtering: "Filtering",
  knock: "After a knock",
  port: "Port",
  hairpin: "Hairpinning",
  lifetime: "Silence allowed",
  size: "Largest datagram",
  fragments: "Fragments",
  tampering: "Tampering",
  "old-name": "Also called",
  layers: "NATs in a row",
  hops: "Routers",
  port_mappers: "Port mapping",
});
/** @type {Readonly<Record<number, string>>} */
export const FAMILIES = Object.freeze({
  4: "IPv4",
  6: "IPv6",
});
export const NOT_ASKED = "not asked";
/** A router on the way that keeps its address to itself. */
export const NOT_TOLD = "?";
