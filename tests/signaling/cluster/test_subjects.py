"""What nodes and rooms are called on a bus."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.cluster.subjects import Subjects

names = st.text(st.characters(codec=None, categories=None)) | st.sampled_from(
    ["*", ">", "a.b", "a b", "x\r\nPUB y 0\r\n", "[a-z]", "\ud800", "default/arena", ""]
)


@given(names)
def test_nothing_in_a_name_is_more_than_a_name(name: str) -> None:
    for subject in (Subjects("p").room(name), Subjects("p").inbox(name)):
        assert re.fullmatch(r"p\.(room|node)\.[0-9a-f]{32}", subject)


@given(names, names)
def test_two_names_are_two_subjects(one: str, other: str) -> None:
    assert (Subjects().room(one) == Subjects().room(other)) == (one == other)
    assert Subjects().room(one) != Subjects().inbox(other)


def test_subjects_are_the_same_in_every_version() -> None:
    # Nodes of two versions meet on them.
    assert Subjects().everyone == "peerlane.nodes"
    assert Subjects().room("default/arena") == "peerlane.room.039b8e686afe2e8a5a7925d6f981d4f4"
    assert Subjects().inbox("node") == "peerlane.node.2ca65bdb73c266d016662a7a050c1163"


@given(names)
def test_clusters_with_different_prefixes_do_not_meet(name: str) -> None:
    assert Subjects("one").room(name) != Subjects("two").room(name)
    assert Subjects("one").everyone != Subjects("two").everyone


@pytest.mark.parametrize("prefix", ["", "a.b", "*", ">", "a b", "a\n", "ä", "x" * 33])
def test_a_prefix_that_could_be_more_than_a_name_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        Subjects(prefix)
