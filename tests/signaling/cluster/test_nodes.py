"""Who lives, who is dead, and what has not arrived: told by beats and numbers alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.cluster.nodes import MAX_NODES, YOUNG_BEATS, Nodes
from signaling.cluster.words import Beat, NodeId

ME, OTHER = NodeId("me"), NodeId("other")
DEAD_AFTER = 4.0


@pytest.fixture
def nodes() -> Nodes:
    return Nodes(ME, DEAD_AFTER)


def beat(*, sent: int = 0) -> Beat:
    return Beat(sent={ME: sent})


def test_a_node_that_has_just_begun_is_new(nodes: Nodes) -> None:
    assert nodes.heard_beat(OTHER, 1, beat(), 0.0) == ["new"]
    assert nodes.heard_beat(OTHER, 2, beat(), 1.0) == []
    assert nodes.live(OTHER)
    assert [node.id for node in nodes.living] == [OTHER]


def test_a_node_that_has_long_been_there_and_is_first_heard_now_was_missed(nodes: Nodes) -> None:
    assert nodes.heard_beat(OTHER, YOUNG_BEATS + 1, beat(), 0.0) == ["back"]


def test_what_we_say_ourselves_is_no_news(nodes: Nodes) -> None:
    assert nodes.heard_beat(ME, 1, beat(), 0.0) == []
    assert nodes.heard_frame(ME, 1, 0.0) == (False, [])
    assert nodes.living == []


def test_a_node_that_is_not_heard_of_is_dead_once_and_back_when_it_is_heard(nodes: Nodes) -> None:
    nodes.heard_beat(OTHER, 1, beat(), 0.0)
    assert nodes.wake(DEAD_AFTER - 0.1, 0.0) == []
    assert nodes.wake(DEAD_AFTER, 0.0) == [OTHER]
    assert nodes.wake(DEAD_AFTER + 1, 0.0) == []
    assert not nodes.live(OTHER)
    assert nodes.next_frame(OTHER) == 0
    assert nodes.heard_beat(OTHER, 2, beat(), DEAD_AFTER + 2) == ["back"]
    assert nodes.live(OTHER)


def test_while_we_stood_still_ourselves_nobody_has_died(nodes: Nodes) -> None:
    nodes.heard_beat(OTHER, 1, beat(), 0.0)
    assert nodes.wake(60.0, late=59.0) == []
    assert nodes.wake(64.0, 0.0) == [OTHER]


def test_after_nobody_could_be_heard_everybody_has_time_again(nodes: Nodes) -> None:
    nodes.heard_beat(OTHER, 1, beat(), 0.0)
    nodes.forgive(100.0)
    assert nodes.wake(100.0 + DEAD_AFTER - 0.1, 0.0) == []


def test_one_that_is_long_dead_is_forgotten(nodes: Nodes) -> None:
    nodes.heard_beat(OTHER, 1, beat(), 0.0)
    nodes.wake(DEAD_AFTER, 0.0)
    nodes.wake(100 * DEAD_AFTER, 0.0)
    assert nodes.by_id == {}


def test_a_farewell_is_told_once_and_only_of_a_node_that_lived(nodes: Nodes) -> None:
    nodes.heard_beat(OTHER, 1, beat(), 0.0)
    assert nodes.farewell(OTHER)
    assert not nodes.farewell(OTHER)
    assert not nodes.live(OTHER)


def test_a_node_to_whose_inbox_nobody_listens_is_dead_until_it_is_heard(nodes: Nodes) -> None:
    nodes.heard_beat(OTHER, 1, beat(), 0.0)
    assert nodes.unreachable(OTHER)
    assert not nodes.unreachable(OTHER)
    assert nodes.heard_frame(OTHER, 1, 1.0) == (True, ["back"])


def test_invented_nodes_have_an_end(nodes: Nodes) -> None:
    for number in range(MAX_NODES + 10):
        nodes.heard_beat(NodeId(f"n{number}"), 1, beat(), 0.0)
    assert len(nodes.by_id) == MAX_NODES
    assert nodes.heard_frame(NodeId("one more"), 1, 0.0) == (False, [])


def test_frames_to_each_node_are_counted_and_told_with_the_beat(nodes: Nodes) -> None:
    third = NodeId("third")
    for each in (OTHER, third):
        nodes.heard_beat(each, 1, beat(), 0.0)
    assert [nodes.next_frame(OTHER) for _ in range(3)] == [1, 2, 3]
    assert nodes.next_frame(NodeId("unknown")) == 0
    assert nodes.sent() == {OTHER: 3}


def test_a_frame_that_comes_twice_or_late_is_not_read(nodes: Nodes) -> None:
    nodes.heard_beat(OTHER, 1, beat(), 0.0)
    assert nodes.heard_frame(OTHER, 1, 0.0) == (True, [])
    assert nodes.heard_frame(OTHER, 1, 0.0) == (False, [])
    assert nodes.heard_frame(OTHER, 3, 0.0) == (True, ["gap"])
    assert nodes.heard_frame(OTHER, 2, 0.0) == (False, [])


def test_a_frame_that_is_not_counted_is_read_at_any_time(nodes: Nodes) -> None:
    nodes.heard_frame(OTHER, 5, 0.0)
    assert nodes.heard_frame(OTHER, 0, 0.0) == (True, [])
    assert nodes.heard_frame(OTHER, 6, 0.0) == (True, [])


def test_the_last_frame_is_missed_with_the_second_beat_that_tells_of_it(nodes: Nodes) -> None:
    nodes.heard_beat(OTHER, 1, beat(), 0.0)
    # A beat may overtake a frame: they have different subjects.
    assert nodes.heard_beat(OTHER, 2, beat(sent=1), 1.0) == []
    assert nodes.heard_beat(OTHER, 3, beat(sent=1), 2.0) == ["gap"]
    assert nodes.heard_beat(OTHER, 4, beat(sent=1), 3.0) == []


@given(arrives=st.lists(st.tuples(st.sampled_from(["frame", "beat"]), st.booleans(), st.booleans())))
def test_of_all_frames_each_is_read_once_in_order_or_the_gap_is_told(
    arrives: list[tuple[str, bool, bool]],
) -> None:
    """``arrives``: what is said, whether it is lost, and whether it comes twice."""
    receiver = Nodes(ME, DEAD_AFTER)
    receiver.heard_beat(OTHER, 1, beat(), 0.0)
    said = beats = 0
    read: list[int] = []
    gaps = 0
    for kind, is_lost, twice in [*arrives, ("beat", False, False), ("beat", False, False)]:
        if kind == "frame":
            said += 1
        else:
            beats += 1
        for _ in range(0 if is_lost else 1 + twice):
            if kind == "frame":
                is_next, news = receiver.heard_frame(OTHER, said, 0.0)
                read += [said] if is_next else []
            else:
                news = receiver.heard_beat(OTHER, 1 + beats, beat(sent=said), 0.0)
            gaps += "gap" in news
    assert read == sorted(set(read))
    assert (gaps > 0) == (len(read) < said)
    assert gaps <= said - len(read)
