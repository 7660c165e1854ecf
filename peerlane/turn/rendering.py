"""From a template to a file: lines that belong to some servers only, and values that stand once each."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

_MARK = re.compile(r"\[([a-z0-9.-]+)\] ")
_PLACE = re.compile(r"\{\{([a-z0-9_]+)\}\}")


def rendered(template: str, values: Mapping[str, Sequence[str]], marks: Collection[str]) -> str:
    """The template with its places filled.

    A line ``[mark] …`` is there only for who has the mark. A line with ``{{name}}`` stands once for each
    value of that name, so without a value it is not there. A paragraph that loses all its lines loses the
    comment above them too.
    Raises KeyError for a place that nobody knows: templates are ours.
    """
    paragraphs = (_paragraph(each.split("\n"), values, marks) for each in template.strip("\n").split("\n\n"))
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines) + "\n"


def _paragraph(lines: list[str], values: Mapping[str, Sequence[str]], marks: Collection[str]) -> list[str]:
    result: list[str] = []
    is_comment = True
    is_left = False
    for line in lines:
        mark = _MARK.match(line)
        written = _filled(line[mark.end() :] if mark else line, values) if _has(mark, marks) else []
        result += written
        if mark or not line.lstrip().startswith("#"):
            is_comment = False
            is_left = is_left or bool(written)
    return result if is_comment or is_left else []


def _has(mark: re.Match[str] | None, marks: Collection[str]) -> bool:
    return mark is None or mark[1] in marks


def _filled(line: str, values: Mapping[str, Sequence[str]]) -> list[str]:
    """The line with the first of all its values, with the second of each, and so on."""
    places = _PLACE.findall(line)
    if not places:
        return [line]
    return [
        _with(line, dict(zip(places, row, strict=True)))
        for row in zip(*(values[name] for name in places), strict=True)
    ]


def _with(line: str, row: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: row[place[1]], line)
