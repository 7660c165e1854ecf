from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerlane.chat import text_of_line, text_of_message


@given(st.text())
def test_plain_lines_are_said_as_they_are(line: str) -> None:
    assert text_of_line(line, is_json=False) == line


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('{"text": "hello"}', "hello"),
        ('{"text": "one\\ntwo", "more": 1}', "one\ntwo"),
        ("hello", "hello"),
        ('{"text": 7}', '{"text": 7}'),
        ("{not json", "{not json"),
    ],
)
def test_a_program_may_write_json_or_plain_lines(line: str, text: str) -> None:
    assert text_of_line(line, is_json=True) == text


@given(st.one_of(st.binary(), st.text()))
def test_whatever_others_send_is_a_text_or_nothing(message: str | bytes) -> None:
    text = text_of_message(message)
    assert text is None or isinstance(text, str)


@pytest.mark.parametrize("message", ["7", "[]", '{"text": null}', "[" * 100_000, b"\xff\xfe", "{"])
def test_what_is_no_chat_message_is_nothing(message: str | bytes) -> None:
    assert text_of_message(message) is None


def test_bytes_and_text_are_read_alike() -> None:
    assert text_of_message('{"text": "größe"}') == text_of_message('{"text": "größe"}'.encode()) == "größe"
