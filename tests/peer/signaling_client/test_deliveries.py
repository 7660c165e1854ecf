"""Signals between two who have links, over nodes that lose, double and reorder what they say."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from math import inf

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from peer.errors import Full
from peer.signaling_client.allowance import BURST, Allowance
from peer.signaling_client.deliveries import Deliveries
from peer.signaling_client.outgoing import MAX_UNACKNOWLEDGED, WINDOW
from signaling.protocol.ids import PeerId
from signaling.protocol.messages import Ack, Signal

MESSAGES_PER_SECOND = 50.0
LONG_ENOUGH = 300.0
"""Seconds of a good network after which everything is there; nobody waits longer than 30."""


class End:
    def __init__(self, name: str) -> None:
        self.id = PeerId(name)
        allowance = Allowance()
        allowance.follow(MESSAGES_PER_SECOND)
        self.deliveries = Deliveries(msgspec.Raw(b"null"), allowance)
        self.sent = 0
        self.heard: list[int] = []
        self.has_link = True
        self.unsaid: list[Signal | Ack] = []
        """What a link will carry again when there is one."""
        self.tokens = BURST + 1.0
        self.tokens_at = 0.0

    def count(self, resends: int, now: float) -> None:
        """Half of what the server takes, besides the first few."""
        gained = (now - self.tokens_at) * MESSAGES_PER_SECOND / 2
        self.tokens, self.tokens_at = min(BURST + 1.0, self.tokens + gained) - resends, now
        assert self.tokens > -0.001


class Pair:
    def __init__(self) -> None:
        self.now = 0.0
        self.ends = (End("ana"), End("ben"))
        self.under_way: list[tuple[float, End, Signal | Ack]] = []
        """When said, to whom, and what."""
        for end in self.ends:
            self._say(end, end.deliveries.appeared(self.other(end).id, False, self.now))

    def other(self, end: End) -> End:
        return self.ends[1] if end is self.ends[0] else self.ends[0]

    @property
    def resends(self) -> int:
        return sum(end.deliveries.resends for end in self.ends)

    @property
    def unacknowledged(self) -> int:
        return sum(end.sent - len(self.other(end).heard) for end in self.ends)

    def send(self, end: End) -> None:
        payload = msgspec.Raw(str(end.sent + 1).encode())
        try:
            signal = end.deliveries.send(self.other(end).id, payload, inf, self.now)
        except Full:
            return
        end.sent += 1
        self._say(end, [] if signal is None else [signal])

    def arrive(self, index: int) -> None:
        """One word, at whoever has a link."""
        _, to, word = self.under_way[index]
        if not to.has_link:
            return
        del self.under_way[index]
        self.hear(to, word)

    def hear(self, end: End, word: Signal | Ack) -> None:
        sender = self.other(end).id
        if isinstance(word, Ack):
            end.deliveries.acknowledged(sender, word.n, self.now)
        elif end.deliveries.accept(sender, word.n, self.now):
            end.heard.append(msgspec.json.decode(word.payload))
        self.wake(end)

    def wake(self, end: End) -> None:
        if not end.has_link or end.deliveries.wake_at > self.now:
            return
        self._say(end, end.deliveries.due_acks(self.now))
        again = end.deliveries.due_resends(self.now)
        assert len(again) <= WINDOW
        assert not again or self.other(end).has_link, "said again to one who is away"
        end.count(len(again), self.now)
        self._say(end, again)

    def lose_link(self, end: End) -> None:
        end.has_link = False
        self.other(end).deliveries.changed(end.id, True, self.now)

    def resume(self, end: End) -> None:
        end.has_link = True
        end.deliveries.resumed(self.now)
        self.other(end).deliveries.changed(end.id, False, self.now)
        unsaid, end.unsaid = end.unsaid, []
        self._say(end, unsaid)

    def start_afresh(self, end: End) -> None:
        """The node of this end was killed: what it was to be told is lost, and what it wanted to say."""
        end.has_link = True
        end.unsaid.clear()
        self.under_way = [each for each in self.under_way if each[1] is not end]
        other = self.other(end)
        end.deliveries.all_disappeared()
        other.deliveries.disappeared(end.id)
        self._say(end, end.deliveries.appeared(other.id, not other.has_link, self.now))
        self._say(other, other.deliveries.appeared(end.id, False, self.now))

    def live(self, seconds: float, latency: float) -> None:
        """A network as it should be."""
        until = self.now + seconds
        while True:
            arrivals = [said_at + latency for said_at, to, _ in self.under_way if to.has_link]
            wishes = [end.deliveries.wake_at for end in self.ends if end.has_link]
            at = min([inf, *arrivals[:1], *wishes])
            if at > until:
                break
            self.now = max(self.now, at)
            if arrivals and arrivals[0] <= self.now:
                self.arrive(next(at for at, (_, to, _) in enumerate(self.under_way) if to.has_link))
            for end in self.ends:
                self.wake(end)
        self.now = until

    def assert_all_is_there(self) -> None:
        for end in self.ends:
            assert self.other(end).heard == list(range(1, end.sent + 1))
            assert end.deliveries.wake_at == inf, "all is said, and nobody wakes any more"

    def _say(self, end: End, words: Iterable[Signal | Ack]) -> None:
        if not end.has_link:
            end.unsaid += words
            return
        self.under_way += [(self.now, self.other(end), word) for word in words]


happenings = st.one_of(
    st.tuples(st.just("send"), st.integers(0, 1), st.sampled_from([1, 2, 3, 20, 100])),
    st.tuples(
        st.sampled_from(["arrive", "arrive", "lose", "double"]), st.integers(0, 300), st.integers(1, 40)
    ),
    st.tuples(st.sampled_from(["lose link", "resume", "start afresh"]), st.integers(0, 1), st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from([0.01, 0.1, 0.5, 3, 12, 60]), st.just(0)),
    st.tuples(st.just("live"), st.sampled_from([0.1, 1, 4]), st.just(0)),
)


def happen(pair: Pair, what: str, first: float, count: int) -> None:
    if what == "wait":
        pair.now += first
        for end in pair.ends:
            pair.wake(end)
    elif what == "live":
        pair.live(first, 0.05)
    elif what in ("arrive", "lose", "double"):
        for _ in range(min(count, len(pair.under_way))):
            index = int(first) % len(pair.under_way)
            if what == "arrive":
                pair.arrive(index)
            elif what == "lose":
                del pair.under_way[index]
            elif pair.under_way[index][1].has_link:
                pair.hear(*pair.under_way[index][1:])
    else:
        end = pair.ends[int(first)]
        if what == "send":
            for _ in range(count):
                pair.send(end)
        elif what == "lose link":
            pair.lose_link(end)
        elif what == "resume" and not end.has_link:
            pair.resume(end)
        elif what == "start afresh":
            pair.start_afresh(end)


@settings(max_examples=400)
@given(story=st.lists(happenings, max_size=60))
def test_whatever_the_nodes_do_to_them_signals_arrive_once_and_in_order(
    story: list[tuple[str, float, int]],
) -> None:
    pair = Pair()
    for what, first, count in story:
        happen(pair, what, first, count)
    for end in pair.ends:
        if not end.has_link:
            pair.resume(end)
    before, missing = pair.resends, pair.unacknowledged
    pair.live(LONG_ENOUGH, 0.05)
    pair.assert_all_is_there()
    assert pair.resends - before <= 2 * missing + 2 * WINDOW


@settings(max_examples=200)
@given(
    sends=st.lists(st.tuples(st.floats(0, 2), st.integers(0, 1), st.integers(1, 60)), max_size=60),
    latency=st.floats(0.0, 1.4),
)
def test_what_is_not_lost_is_not_said_again(sends: list[tuple[float, int, int]], latency: float) -> None:
    pair = Pair()
    for seconds, who, count in sends:
        for _ in range(count):
            pair.send(pair.ends[who])
        pair.live(seconds, latency)
    pair.live(10.0, latency)
    pair.assert_all_is_there()
    assert pair.resends == 0


@settings(max_examples=200)
@given(lost=st.sets(st.integers(0, 199), max_size=20), latency=st.floats(0.0, 0.3))
def test_a_gap_in_a_stream_is_filled_within_a_second(lost: set[int], latency: float) -> None:
    pair = Pair()
    ana, ben = pair.ends
    for number in range(300):
        pair.send(ana)
        if number in lost and pair.under_way and pair.under_way[-1][1] is ben:
            del pair.under_way[-1]
        pair.live(0.05, latency)
    assert ana.sent - len(ben.heard) <= 1.5 / 0.05
    pair.live(LONG_ENOUGH, latency)
    pair.assert_all_is_there()
    assert pair.resends <= WINDOW * len(lost)


def test_a_whole_burst_that_is_lost_takes_seconds_and_is_said_again_once() -> None:
    pair = Pair()
    ana, ben = pair.ends
    for _ in range(MAX_UNACKNOWLEDGED):
        pair.send(ana)
    pair.under_way.clear()
    started = pair.now
    while len(ben.heard) < MAX_UNACKNOWLEDGED:
        pair.live(0.1, 0.05)
        assert pair.now - started < 14.0
    pair.live(LONG_ENOUGH, 0.05)
    pair.assert_all_is_there()
    assert pair.resends == MAX_UNACKNOWLEDGED


def test_a_peer_that_never_answers_is_asked_every_half_minute() -> None:
    pair = Pair()
    ana, ben = pair.ends
    for _ in range(100):
        pair.send(ana)
    asked: list[float] = []
    while pair.now < 600.0:
        pair.under_way.clear()
        pair.now = ana.deliveries.wake_at
        pair.wake(ana)
        asked += [said_at for said_at, _, _ in pair.under_way]
    gaps = [round(two - one, 3) for one, two in itertools.pairwise([0.0, *asked])]
    assert gaps[:5] == [3.0, 6.0, 12.0, 24.0, 30.0]
    assert set(gaps[5:]) == {30.0}
    assert not ben.heard


def test_what_the_server_would_not_take_at_once_is_said_as_soon_as_it_does() -> None:
    deliveries = End("ana").deliveries
    peers = [PeerId(f"peer {number}") for number in range(4)]
    for peer in peers:
        deliveries.appeared(peer, False, 0.0)
        for _ in range(20):
            assert deliveries.send(peer, msgspec.Raw(b"1"), inf, 0.0) is not None
    now = 1.5
    for peer in peers:
        deliveries.acknowledged(peer, 0, now)
    said = deliveries.due_resends(now)
    assert len(said) in (BURST, BURST + 1)
    while len(said) < 80:
        assert deliveries.wake_at > now
        now = deliveries.wake_at
        said += deliveries.due_resends(now)
    assert now < 1.5 + 80 / (MESSAGES_PER_SECOND / 2)
    assert [signal.n for signal in said] == [*range(1, 21)] * 4
