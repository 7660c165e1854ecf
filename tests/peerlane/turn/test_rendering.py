"""How a template becomes a file."""

from __future__ import annotations

import pytest

from peerlane.turn.rendering import rendered


def test_a_line_stands_once_for_each_value() -> None:
    assert rendered("# why\nkey={{key}}", {"key": ["a", "b"]}, []) == "# why\nkey=a\nkey=b\n"


def test_without_a_value_neither_the_line_nor_its_reason_is_there() -> None:
    assert rendered("# first\nx\n\n# why\nkey={{key}}", {"key": []}, []) == "# first\nx\n"


def test_a_marked_line_is_for_who_has_the_mark() -> None:
    template = "# why\n[new] x\n\n# because\n[old] y"
    assert rendered(template, {}, ["new"]) == "# why\nx\n"
    assert rendered(template, {}, ["old"]) == "# because\ny\n"


def test_a_comment_of_its_own_stays() -> None:
    assert rendered("# title\n\n[old] x", {}, []) == "# title\n"


def test_a_value_is_not_read_as_a_template() -> None:
    assert rendered("{{a}}{{b}}", {"a": ["{{b}}"], "b": ["[old] x"]}, []) == "{{b}}[old] x\n"


def test_indentation_is_kept_behind_a_mark() -> None:
    assert rendered("a:\n[new]   - b", {}, ["new"]) == "a:\n  - b\n"


def test_a_place_that_nobody_knows_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        rendered("{{nothing}}", {}, [])
