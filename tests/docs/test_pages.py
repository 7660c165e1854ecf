from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from signaling.config import LimitsConfig
from signaling.metrics import Metrics
from signaling.pressure import Pressure
from signaling.protocol.errors import CLOSE_REASONS, ErrorCode

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def headings(page: Path) -> list[str]:
    return [line.lstrip("#").strip() for line in page.read_text().splitlines() if line.startswith("#")]


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_refusal_has_a_place_in_the_errors_page(code: ErrorCode) -> None:
    assert code.value in headings(ROOT / "docs" / "errors.md")


@pytest.mark.parametrize("reason", CLOSE_REASONS, ids=lambda reason: str(reason.name))
def test_every_close_reason_has_a_place_in_the_errors_page(reason: object) -> None:
    assert f"{reason.code} {reason.name}" in headings(ROOT / "docs" / "errors.md")  # type: ignore[attr-defined]  # a Struct


def test_the_pages_that_repeat_the_code_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "pages"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        file = page if not name else (page.parent / name).resolve()
        assert file.exists(), f"{target} is not there"
        if fragment:
            assert fragment in [anchor(heading) for heading in headings(file)], (
                f"{target} has no such heading"
            )


def test_every_document_is_reachable_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(([^)\s#]+)", (ROOT / "README.md").read_text()))
    for page in (ROOT / "docs").glob("*.md"):
        assert f"docs/{page.name}" in linked | {"docs/releasing.md"}, f"nobody finds docs/{page.name}"


@pytest.mark.parametrize("name", LimitsConfig.__struct_fields__)
def test_every_limit_has_its_place_in_the_limits_page(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "limits.md").read_text()


def test_every_figure_that_the_pages_name_is_there() -> None:
    metrics = Metrics()
    metrics.watch(sessions=int, rooms=int, queue_bytes=int, turn_credentials=int, pressure=Pressure())
    shown = set(re.findall(r"^(?:# TYPE )?(peerlane_\w+)", metrics.render().decode(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"`(peerlane_[a-z_]+)", page.read_text())}
    assert named
    assert named <= shown
