"""What is said about options that cannot be meant, before anything is sent."""

from __future__ import annotations

import pytest

from peerlane.__main__ import run

SERVER = "stun:127.0.0.1:9"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "stun:"),
        (["ftp://example.org"], "ftp://example.org"),
        (["stun:"], "stun:"),
        (["turn:example.org:99999"], "99999"),
        ([SERVER, "--timeout", "0"], "timeout"),
        ([SERVER, "--watch", "0"], "--watch"),
        ([SERVER, "--watch", "nan"], "--watch"),
    ],
)
def test_a_mistake_in_the_options_is_a_sentence_and_exit_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["nat", "check", *arguments]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert all(line.startswith("peerlane: ") for line in told.err.splitlines())
    assert told.out == ""


@pytest.mark.parametrize("arguments", [["nat", "chek"], ["nat", "check", "--lifetime", "soon", SERVER]])
def test_an_option_that_does_not_exist_is_exit_code_2(arguments: list[str]) -> None:
    assert run(arguments) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["example.org", "room"], "does not begin with"),
        (["http://localhost:1", "room", "--seconds", "0"], "--seconds"),
        (["http://localhost:1", "room", "--timeout", "-1"], "--timeout"),
    ],
)
def test_a_mistake_in_a_pair_test_is_a_sentence_too(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["nat", "pair", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("command", [["nat"], ["nat", "check"], ["nat", "pair"], ["turn"]])
def test_every_command_explains_itself(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--help"]) == 0
    assert "Usage: peerlane nat" in capsys.readouterr().out.replace("peerlane turn", "peerlane nat")
