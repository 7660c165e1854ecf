/**
 * What a verdict, an advice and an expectation say: what is so, why, what to do. docs/nat.md has more.
 *
 * Written for people who ask why they cannot connect. The field's own terms stand where a setting or another tool uses
 * them, with plain words beside them.
 */


// The verdict: how this network connects, then who relays the rest.
/** @type {Readonly<Record<string, string>>} */
export const WAYS = Object.freeze({
  near: "Direct within this network; only servers in it were asked, so nothing is known of what lies beyond",
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
  untrusted: "A server answers, but its certificate is not trusted, so it was asked nothing.",
  "no-connectivity": "Nothing that was asked has answered, so nobody outside this network can be reached.",
});
/** @type {Readonly<Record<string, string>>} */
export const ADVICE = Object.freeze({
  nothing: "Nothing has to be done.",
  "name-servers": "Name a server to ask: your own like https://example.org, or one like stun:stun.example.org:3478.",
  "add-ice":
    "Name a STUN or TURN server to the command, too, like stun:stun.example.org:3478, and give the server some under " +
    "[[ice.servers]] and [[ice.turn]] in its settings.",
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
    "not have expired. On networks that you trust, --insecure does without.",
  "no-room": "{url} relays as much as it may: wait, raise its quota, or add another TURN server.",
  "name-unknown": "Nobody knows the name in {url}: check its spelling, and the name server of this network.",
  "no-permission":
    "{url} forbids its relays to send to each other, so two people who both need one cannot meet: allow its own " +
    "address (allowed-peer-ip).",
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
  "far-stun":
    "Name a STUN server outside of your own network, too: those in it do not see what the NAT on the way out does.",
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
  stranger: "Check the address {url}, and the proxy before it: what answers there is no Peerlane server.",
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
  apart: "A relay would help, but the one there is does not let two meet who both need it.",
  unfit: "A relay would help, but only over {transports}, and no TURN server works there.",
});
/** @type {Readonly<Record<string, string>>} */
export const TRANSPORTS = Object.freeze({
  udp: "UDP",
  tcp: "TCP",
  tls: "TLS",
});
