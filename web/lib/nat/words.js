/**
 * All that a report says: what is so, why it matters, what to do. docs/nat.md has more.
 *
 * Written for people who ask why they cannot connect. The field's own terms stand where a setting or another tool uses them,
 * with plain words beside them.
 */

/** @typedef {readonly [value: string, note: string, level: import("./report.js").Level]} Said of a row */

// The verdict: how this network connects, then who relays the rest.
/** @type {Readonly<Record<string, string>>} */
export const WAYS = Object.freeze({
  everywhere: "Direct with every network that lets UDP through; the others need a relay",
  most: "Direct with most networks; a relay is needed with symmetric ones",
  likely: "Probably direct with most networks, but too little has answered to be sure",
  first: "Direct with most networks, but only if you send first; otherwise a relay is needed",
  few: "Direct only with networks that let strangers in; a relay is needed with most",
  "few-without-ipv6": "Direct where both sides have IPv6; a relay is needed with most other networks",
  "only-ipv6": "Direct only where both sides have IPv6; a relay is needed with everybody else",
  "some-ports": "This network lets UDP through to some ports only, so everything needs a relay",
  blocked: "This network blocks UDP, so everything needs a relay",
  silent: "No server answers over UDP, so everything seems to need a relay",
  untold: "UDP gets through, but no server has told how others see you, so nothing is known of direct ways",
  "not-asked": "No server was asked over UDP, so nothing is known of direct ways",
});
/** @type {Readonly<Record<string, string>>} */
export const RELAYING = Object.freeze({
  works: "TURN over {transports} works.",
  refused: "no TURN server accepts the user name and the password.",
  token: "the server tells no TURN server without a valid token.",
  broken: "no TURN server works.",
  "not-asked": "no TURN server was named.",
});
/** @type {Readonly<Record<string, string>>} */
export const STANDSTILLS = Object.freeze({
  "nothing-asked": "No server was asked, so nothing is known of this network.",
  "no-ice-servers":
    "The server answers, but it names no STUN or TURN server, so nothing is known of the ways to other people.",
  "captive-portal":
    "A login page of this network stands in the way, so nobody outside can be reached before you have logged in.",
  "no-connectivity": "Nothing that was asked has answered, so nobody outside this network can be reached.",
});
/** @type {Readonly<Record<string, string>>} */
export const ADVICE = Object.freeze({
  nothing: "Nothing has to be done.",
  "name-servers": "Name a server to ask: your own like https://example.org, or one like stun:stun.example.org:3478.",
  "log-in": "Open a page in a browser and log in to this network, then check again.",
  network: "Check the Wi-Fi, the cable or mobile data, and that the addresses of the servers are right.",
  "ask-over-tcp":
    "Only UDP was asked, and some networks block just that: name a server like https://example.org or " +
    "turns:turn.example.org:443?transport=tcp, too.",
  vpn:
    "You seem to be behind a VPN ({name}), and this report is about its network: turn it off and check again to see " +
    "whether it stands in the way.",
  credentials: "Check the user name and the password for {url}; temporary ones may have expired.",
  token: "{url} asks for a token, or does not accept yours: give a valid one.",
  certificate:
    "Check the certificate of {url}: it has to be made for this name, by somebody whom this machine trusts, and must " +
    "not have expired.",
  "no-room": "{url} relays as much as it may: wait, raise its quota, or add another TURN server.",
  "name-unknown": "Nobody knows the name in {url}: check its spelling, and the name server of this network.",
  "no-permission":
    "{url} hands out relays but forbids their use: look at its denied-peer-ip lines, or run peerlane turn audit " +
    "against it.",
  "no-echo":
    "{url} hands out relays, but nothing comes through: open its relay ports for UDP, from 49152 to 65535, and check " +
    "its external-ip.",
  "turn-silent": "Does {url} run, are its address and port right, and does a firewall stand in between?",
  "turn-unusable": "Check how {url} is written, and that a TURN server answers there.",
  "turn-trouble": "{url} relays nothing: the log of that server says why.",
  "stun-silent": "Does {url} run, and is its address right? If it does, this network does not let UDP through to it.",
  "add-turn": "Add a TURN server, so that everybody can connect: peerlane turn config writes its configuration.",
  "add-turn-tls":
    "Let a TURN server answer over TLS on port 443, too (turns:turn.example.org:443?transport=tcp): it gets through " +
    "where nothing but web pages does.",
  "allow-udp":
    "For shorter delays, ask whoever runs this network to let UDP out, or use another one, such as that of a phone.",
  "name-stun": "Name a STUN server, too, like stun:stun.example.org:3478, to learn what goes directly.",
  "second-stun":
    "Name a second STUN server, or one with two addresses (RFC 5780), to learn whether the NAT uses the same port " +
    "for everybody.",
  symmetric:
    "If it is your router: look for a setting like 'NAT type: open' or 'full cone', or turn on IPv6. Another " +
    "network, such as that of a phone, may do better.",
  naive:
    "If the router runs Linux and is yours: let its firewall drop what comes in from outside unasked (an input rule " +
    "for UDP). Then its ports stay where they are.",
  carrier:
    "Your provider shares one address among several customers (CGNAT): ask it for an address of your own, or for " +
    "IPv6.",
  "two-nats": "Two routers translate addresses one after the other: set one of them to bridge mode, or use only one.",
  tampered: "Turn off helpers such as 'SIP ALG' in the router: they change what is inside of packets.",
  websocket: "{url} answers over HTTP but not over WebSocket: a proxy on the way has to pass on the upgrade.",
  "signaling-silent": "Does {url} run, is its address right, and does a firewall stand in between?",
  "signaling-error": "{url} answers with an error: its log says why, or that of the proxy before it.",
  "portal-too":
    "Somebody else answers in the place of {url}: log in to this network, or switch off the filter that looks into " +
    "traffic.",
  fragments: "Large packets get lost on the way: keep datagrams below 1200 bytes, as Peerlane does.",
  addresses:
    "You are seen at several public addresses: if connections fail now and then, ask whoever runs this network to " +
    "give each machine just one.",
  "use-the-command": "A browser cannot see everything: peerlane nat check tells more, with the same servers.",
});

// What to expect
/** @type {Readonly<Record<string, string>>} */
export const NETWORKS = Object.freeze({
  open: "the open internet",
  "full-cone": "a full-cone NAT",
  "address-restricted": "an address-restricted NAT",
  "port-restricted": "a home (port-restricted NAT)",
  "random-ports": "a NAT with random ports",
  naive: "a plain Linux masquerade",
  symmetric: "a symmetric NAT",
  cgnat: "a carrier's NAT (CGNAT)",
  "symmetric-cgnat": "a symmetric CGNAT",
  "only-udp-3478": "a net with only UDP 3478",
  "udp-blocked": "a net that blocks UDP",
  "only-tcp-443": "a net with only TCP 443",
  ipv6: "any net, IPv6 on both sides",
});
/** @type {Readonly<Record<string, string>>} */
export const REASONS = Object.freeze({
  open: "Nothing is in the way there.",
  "lets-all-in": "It lets everybody in.",
  "lets-address-in": "It lets you in from any port as soon as it has sent to you.",
  "both-send": "Both sides send at the same time, and each lets the other in.",
  "you-let-in": "Its port is another one for everybody, but you let it in from any port.",
  "both-move": "Both NATs use another port for everybody, so neither side knows where to send.",
  "yours-moves": "Your NAT uses another port for everybody, and that one lets in only ports that it knows.",
  "theirs-moves": "It uses another port for everybody, and your NAT lets in only ports that it knows.",
  "yours-yields": "Only if you send first: your NAT moves the port when somebody knocks before that.",
  "theirs-yields": "Only if the other side sends first: its NAT moves the port when you knock before that.",
  "both-yield": "Only if both send at the same moment: each NAT moves the port when somebody knocks first.",
  "mapping-unknown": "It depends on whether your NAT uses the same port for everybody, which is not known.",
  "filtering-unknown": "It depends on what your NAT lets in, which is not known.",
  "your-udp": "Nothing gets through your network over UDP.",
  "your-ports": "Your network lets UDP through to some ports only.",
  "your-silence": "No server answers you over UDP.",
  "their-udp": "Nothing gets through there over UDP.",
  "their-ports": "UDP gets through there to port 3478 only.",
  "their-443": "Only TCP to port 443 gets through there, as for web pages.",
  "no-ipv4": "You have no IPv4 that works over UDP.",
});
/** @type {Readonly<Record<string, string>>} */
export const WITHOUT_RELAY = Object.freeze({
  refused: "The relay that would help refuses the user name or the password.",
  token: "The relay that would help is told only to those with a valid token.",
  broken: "A relay would help, but no TURN server works.",
  "not-asked": "A relay would help, but no TURN server was named.",
  unfit: "A relay would help, but only over {transports}, and no TURN server works there.",
});

// The sections
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
  silent: ["no answer", "Asked over {family}. {reason}", "bad"],
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
  "no-permission": ["forbids, over {transport}", "It hands out a relay, but lets nobody send to it. {reason}", "bad"],
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
  status: ["error {status}", "HTTP answers in {http}, with an error. {reason}", "bad"],
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
/** @type {Readonly<Record<string, string>>} */
export const TRANSPORTS = Object.freeze({
  udp: "UDP",
  tcp: "TCP",
  tls: "TLS",
});
/** @type {Readonly<Record<number, string>>} */
export const FAMILIES = Object.freeze({
  4: "IPv4",
  6: "IPv6",
});
export const NOT_ASKED = "not asked";
/** A router on the way that keeps its address to itself. */
export const NOT_TOLD = "?";
