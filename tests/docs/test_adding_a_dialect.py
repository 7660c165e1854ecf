"""The dialect that docs/adding-a-dialect.md shows is the one that runs, and is as short as it says."""

from __future__ import annotations

from pathlib import Path

from signaling.dialects.base import Arrival, Dialect
from tests.signaling.dialects.kit import Doors

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-dialect.md").read_text()
CODE = PAGE.split("```python\n")[1].split("```")[0]


def test_the_page_shows_the_file_as_it_is() -> None:
    assert (ROOT / "signaling" / "dialects" / "libdatachannel.py").read_text() == CODE
    lines = [line for line in CODE.splitlines() if line and not line.startswith(("from", "import", '"""'))]
    assert len(lines) <= 30


def test_two_clients_talk_through_what_the_page_shows() -> None:
    namespace: dict[str, object] = {}
    exec(compile(CODE, "docs/adding-a-dialect.md", "exec"), namespace)  # noqa: S102 # the page's own code

    def make(arrival: Arrival) -> Dialect:
        made = namespace["LibDataChannel"](arrival)  # type: ignore[operator]
        assert isinstance(made, Dialect)
        return made

    doors = Doors()
    ana, ben = (doors.come(make, {"id": name}) for name in ("ana", "ben"))
    assert ana.says('{"id":"ben","type":"offer"}') == []
    assert ben.taken() == ['{"id":"ana","type":"offer"}']
