"""What each diagnosis says: what is so and why it matters, then what to do. ``docs/errors.md`` has more.

Written for people who have never heard of NAT: a technical word stands here only where it names a setting.
``web/lib/sentences.js`` is the twin.
"""

from __future__ import annotations

from peer.errors import Diagnosis

WORDS: dict[str, tuple[str, str]] = {
    "engine-mismatch": (
        "The WebRTC engine of this machine is not one that Peerlane knows{reason}, so connections may not "
        "work or not heal.",
        "Install the versions that Peerlane names, in a fresh environment, or use a current browser.",
    ),
    "protocol-violation": (
        "The other side did something that the protocol does not allow{reason}, so the connection to it was "
        "closed.",
        "Use the same version of Peerlane on both sides. If both are current, please report it.",
    ),
    "too-many-channels": (
        "There are as many channels to the other side as there may be, so one more was not opened.",
        "Close channels that are no longer needed, or send more over each.",
    ),
    "high-loss": (
        "{loss} % of what is sent gets lost on the way, so sound and pictures may break up.",
        "Move closer to the Wi-Fi, use a cable, or pause what else uses the network.",
    ),
    "high-rtt": (
        "It takes {rtt} ms until an answer is back, so people may begin to talk at the same time.",
        "Pause what else uses the network, or use another one. If the connection is relayed, a TURN server "
        "that is closer helps.",
    ),
    "relayed": (
        "The connection goes through a TURN server over {protocol}, because no direct way was found. It "
        "works, with somewhat longer delays.",
        "Nothing has to be done.",
    ),
    "no-network": (
        "This machine has no network, so neither the server nor anybody else can be reached.",
        "Check the Wi-Fi, the cable or mobile data. All goes on by itself when the network is back.",
    ),
    "server-unreachable": (
        "There is no link to the server{reason}, so connections to others can be neither made nor mended.",
        "It is tried again by itself. If it stays like this: does the server run, is its address right, and "
        "does your network work?",
    ),
    "relay-only-without-turn": (
        "Only relayed connections are allowed here, but no TURN server is configured that could relay them.",
        "Add a TURN server under [[ice.servers]] in the settings of the server, or allow direct connections.",
    ),
    "peer-away": (
        "The other side has lost its link to the server, so no new way to it can be agreed on.",
        "Nothing to do here: the connection is made again by itself as soon as the other side is back.",
    ),
    "dtls-failed": (
        "A way to the other side was found, but the encryption over it could not be set up (DTLS), so "
        "nothing can be sent.",
        "It is tried again by itself. If it stays like this, update both sides, and check for a firewall "
        "that looks into traffic.",
    ),
    "waiting-for-peer": (
        "The other side has not answered yet, so there is nothing to connect to.",
        "It is asked again by itself. If it stays silent, its page should be reloaded, or its program "
        "started again.",
    ),
    "peer-silent": (
        "Nothing was heard from the other side for {seconds} s: its network, or yours, has changed or "
        "failed.",
        "The connection is being restarted by itself. If that takes long, check the network on both sides.",
    ),
    "rebuilding": (
        "The connection is being made anew, because the one before could not be saved. Messages that must "
        "arrive are kept until then.",
        "Nothing to do. If it takes longer than half a minute, check the network on both sides.",
    ),
    "connecting": (
        "The connection is still being made: ways to the other side are being tried.",
        "Nothing to do yet; it may take a few seconds.",
    ),
    "peer-has-no-candidates": (
        "The other side found no address at which it could be reached, so there is nothing to connect to.",
        "It should check its network, its VPN, and what its settings or its browser forbid.",
    ),
    "no-candidates": (
        "This machine found no address of its own that it may use, so nobody can reach it.",
        "Check the network, the VPN, and the settings that choose interfaces, addresses and ports.",
    ),
    "turn-refused": (
        "The TURN server {url} does not accept the user name or the password, so it relays nothing.",
        "Check username and credential of this server in the settings; temporary ones may have expired.",
    ),
    "turn-quota": (
        "The TURN server {url} relays as many connections as it may, so it has no room for this one.",
        "Wait until others have ended, raise the quota of that server, or add a second one.",
    ),
    "turn-certificate": (
        "The certificate of the server {url} is not trusted, so nothing is sent through it.",
        "Check that its certificate is made for this name and has not expired, or give the certificate of "
        "whoever has signed it.",
    ),
    "bad-server-url": (
        "The address {url} of a STUN or TURN server cannot be used{reason}, so that server is of no help.",
        "Write it like stun:stun.example.org:3478 or turns:turn.example.org:443?transport=tcp.",
    ),
    "udp-blocked-no-turn-tls": (
        "Your network blocks UDP and no TURN over TLS is configured: without one of them, nobody outside "
        "your network can be reached.",
        "Add a server like turns:turn.example.org:443?transport=tcp under [[ice.servers]] in the settings "
        "of the server, or use another network, such as that of a phone.",
    ),
    "udp-blocked": (
        "Your network blocks UDP, so all has to go through a TURN server over TCP or TLS. That works, with "
        "longer delays.",
        "Nothing has to be done. For shorter delays, use another network, or ask for UDP to be allowed.",
    ),
    "turn-unreachable": (
        "The TURN server {url} could not be used{reason}, so there is nobody to relay what cannot go "
        "directly.",
        "Does it run, are its address and port right, and does a firewall stand in between?",
    ),
    "stun-unreachable": (
        "The STUN server {url} does not answer{reason}, so this machine cannot learn at which address "
        "others could reach it.",
        "Does it run, are its address and port right, and does your network let UDP through? A TURN server "
        "over TLS helps in any case.",
    ),
    "insecure-page": (
        "This page was not opened over https://, so the browser hides this machine's address from others.",
        "Open the page over https://, and allow the microphone or the camera.",
    ),
    "addresses-hidden": (
        "The browser hides this machine's address, and the other side could not look up what it shows "
        "instead.",
        "Allow the microphone or the camera on this page once, or configure a STUN server.",
    ),
    "relay-needed": (
        "The two networks let nothing in from each other, and no TURN server is configured that could stand "
        "in between.",
        "Add a TURN server under [[ice.servers]] in the settings of the server, or use another network on "
        "one side, such as that of a phone.",
    ),
    "no-path": (
        "Every way to the other side was tried, and none of them worked.",
        "It is tried again by itself. Check the firewalls on both sides, and that both reach the TURN "
        "server.",
    ),
}


def say(code: str, blanks: dict[str, str]) -> Diagnosis:
    """The diagnosis of this code, with its blanks filled in."""
    sentence, advice = WORDS[code]
    return Diagnosis(code, sentence.format_map(blanks), advice.format_map(blanks))
