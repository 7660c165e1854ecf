from __future__ import annotations

import re
from pathlib import Path

import pytest

from peer.errors import Closed, Diagnosis, Full, Lost, PeerlaneError, Refused

NO_PATH = Diagnosis("no-path", "Nothing works.", "Try again.")

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


@pytest.mark.parametrize(
    "error",
    [Closed("x"), Lost("x"), Refused("x"), Full("x"), Lost("x", diagnosis=NO_PATH)],
    ids=lambda error: type(error).__name__,
)
def test_every_error_has_a_place_in_the_documents(error: PeerlaneError) -> None:
    page, _, anchor = error.docs.partition("#")
    assert page == "docs/errors.md"
    headings = re.findall(r"^#+ (.*)$", PAGE.read_text(), re.MULTILINE)
    assert anchor in [heading.lower().replace(" ", "-") for heading in headings]


def test_an_error_says_what_to_do_about_it() -> None:
    error = Lost("the server is silent", hint="is it running?", retry_after=2.5)
    assert str(error) == "the server is silent (is it running?)"
    assert error.retry_after == 2.5
    assert str(Refused("room-full")) == "refused: room-full"
    assert Refused("room-full").code == "room-full"


def test_one_except_catches_them_all() -> None:
    assert issubclass(Closed, PeerlaneError)
    assert PeerlaneError("x").docs == "docs/errors.md"


def test_an_error_says_what_its_diagnosis_says() -> None:
    assert str(Lost("the peer is gone", hint="wait", diagnosis=NO_PATH)) == (
        "the peer is gone: Nothing works. Try again."
    )
    same = Lost("Nothing works.", diagnosis=NO_PATH)
    assert (str(same), same.hint) == ("Nothing works. (Try again.)", "Try again.")


def test_who_is_lost_or_refused_always_learns_why() -> None:
    assert Lost("gone", hint="wait").diagnosis == Diagnosis("lost", "gone", "wait")
    assert Refused("room-full", hint="wait").diagnosis == Diagnosis("room-full", "refused: room-full", "wait")
    assert Refused("room-full", diagnosis=NO_PATH).diagnosis is NO_PATH
    assert Closed("you have left").diagnosis is None
