"""Which of many nodes clients are told of."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from signaling.cluster.offered import FAR, MAX_OFFERED, NEAR, offered
from signaling.protocol.parts import NodeAddress


def node(name: str, region: str = "eu", weight: float = 1.0, draining: bool = False) -> NodeAddress:
    return NodeAddress(f"https://{name}.example", region, weight, name, draining)


MANY = [node(f"{region}{number}", region) for number in range(50) for region in ("us", "eu", "ap")]


def test_few_are_told_all_this_node_first_and_its_region_next() -> None:
    nodes = [node("us1", "us"), node("eu1"), node("eu2")]
    assert [each.id for each in offered("eu2", "eu", nodes)] == ["eu2", "eu1", "us1"]


def test_of_many_a_few_of_each_region_are_told() -> None:
    found = offered("eu7", "eu", MANY)
    assert found[0].id == "eu7"
    assert Counter(each.region for each in found) == {"eu": 1 + NEAR, "us": FAR, "ap": FAR}


def test_each_node_sends_its_clients_to_others() -> None:
    told = Counter(each.id for n in range(50) for each in offered(f"eu{n}", "eu", MANY)[1 : 1 + NEAR])
    assert len(told) >= 48
    assert max(told.values()) <= 3 * NEAR


def test_twice_the_weight_is_told_about_twice_as_often() -> None:
    heavy = [node(f"eu{n}", weight=2.0 if n % 2 else 1.0) for n in range(200)]
    told = Counter(each.weight for n in range(200) for each in offered(f"other{n}", "eu", heavy)[:NEAR])
    assert 1.6 < told[2.0] / told[1.0] < 2.4


def test_what_happens_to_a_node_that_is_not_told_of_changes_nothing() -> None:
    before = offered("eu7", "eu", MANY)
    without = [each for each in MANY if each in before or each.id[-1] not in "13"]
    assert offered("eu7", "eu", without) == before


def test_a_node_that_leaves_or_has_gone_is_replaced_by_one_other() -> None:
    before = offered("eu7", "eu", MANY)
    leaving = [node(each.id, each.region, draining=each == before[1]) for each in MANY]
    after = offered("eu7", "eu", leaving)
    assert len(set(before) - set(after)) == len(set(after) - set(before)) == 1


@given(
    st.lists(
        st.builds(node, st.text(max_size=3), st.text(max_size=2), st.floats(), st.booleans()), max_size=60
    )
)
def test_whatever_nodes_say_the_list_is_short(nodes: list[NodeAddress]) -> None:
    found = offered("me", "eu", [node("me"), *nodes])
    assert found[0].id == "me"
    assert len(found) <= MAX_OFFERED
