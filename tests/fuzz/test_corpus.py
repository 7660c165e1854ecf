"""Every input that is kept, and every finding there has ever been, is fed again; and a few new ones."""

from __future__ import annotations

import importlib
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import corpus
from tests.fuzz.mutation import by_bytes
from tests.fuzz.target import Target
from tests.fuzz.targets import MODULES

TARGETS: dict[str, Target] = {
    target.name: target for module in MODULES for target in importlib.import_module(module).TARGETS
}
EACH = pytest.mark.parametrize("name", TARGETS)


@EACH
def test_every_kept_input_is_borne(name: str) -> None:
    target = TARGETS[name]
    for data in {*target.seeds, *corpus.load(corpus.CORPUS, name)}:
        target.judge(data)


@EACH
def test_nothing_that_was_once_found_comes_back(name: str) -> None:
    for data in corpus.load(corpus.FINDINGS, name):
        TARGETS[name].judge(data)


@EACH
@given(seed=st.integers(0, 2**32), choice=st.integers(0, 2**16))
@settings(max_examples=25, derandomize=True, deadline=None)
def test_what_is_made_of_a_kept_input_is_borne(name: str, seed: int, choice: int) -> None:
    target, chance = TARGETS[name], Random(seed)
    data = target.seeds[choice % len(target.seeds)]
    for _ in range(4):
        data = target.mutate(data, chance, lambda each: by_bytes(each, chance, target.words))[
            : target.max_bytes
        ]
    target.judge(data)


def test_each_kept_file_belongs_to_a_target_and_is_small() -> None:
    for folder in (corpus.CORPUS, corpus.FINDINGS):
        for path in folder.iterdir():
            assert path.stem in TARGETS
    files = list(corpus.CORPUS.iterdir())
    assert {path.stem for path in files} == TARGETS.keys()
    assert sum(path.stat().st_size for path in files) < 1_000_000


@given(st.lists(st.binary(max_size=20)))
def test_inputs_are_kept_as_they_are(inputs: list[bytes]) -> None:
    assert [corpus.read(corpus.write(data)) for data in inputs] == inputs
    assert all(corpus.write(data).isascii() and "\n" not in corpus.write(data) for data in inputs)
