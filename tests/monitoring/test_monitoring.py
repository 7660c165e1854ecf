"""The dashboard and the alert rules ask for nothing that the server does not have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from signaling.metrics import Metrics
from signaling.pressure import Pressure

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "monitoring" / "dashboard.json").read_text())
RULES = [
    rule
    for group in yaml.safe_load((ROOT / "monitoring" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
PAGE = (ROOT / "docs" / "monitoring.md").read_text()
OF_PROMETHEUS = {"up"}
TARGET_LABELS = {"job", "instance"}
DURATION = re.compile(r"\d+[smh]")


def exposed() -> dict[str, dict[str, set[str]]]:
    """Every series by name, with the labels it has and their values."""
    metrics = Metrics()
    metrics.watch(sessions=int, rooms=int, queue_bytes=int, turn_credentials=int, pressure=Pressure())
    found: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


def parsed(expression: str) -> Any:
    return promql_parser.parse(expression.replace("$__rate_interval", "5m").replace("$__all", ".*"))


def selectors(expression: Any) -> Iterator[Any]:
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    for name in ("expr", "lhs", "rhs", "vector_selector"):
        inner = getattr(expression, name, None)
        if inner is not None:
            yield from selectors(inner)
    for argument in getattr(expression, "args", []):
        yield from selectors(argument)


def dashboard_expressions() -> list[str]:
    annotations = [each["expr"] for each in DASHBOARD["annotations"]["list"]]
    return annotations + [
        target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])
    ]


EXPRESSIONS = [*dashboard_expressions(), *(rule["expr"] for rule in RULES)]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_is_asked_for_is_there(expression: str) -> None:
    there = exposed()
    asked = list(selectors(parsed(expression)))
    assert asked
    for selector in asked:
        if selector.name in OF_PROMETHEUS:
            continue
        assert selector.name in there
        for matcher in selector.matchers.matchers:
            if matcher.name in TARGET_LABELS:
                continue
            wanted = {value for value in matcher.value.split("|") if "$" not in value}
            assert wanted <= there[selector.name].get(matcher.name, set()), matcher.name


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_is_grouped_by_is_a_label_of_it(expression: str) -> None:
    there = exposed()
    labels = {label for each in selectors(parsed(expression)) for label in there.get(each.name, {})}
    for by in re.findall(r"by \(([^)]*)\)", expression):
        assert {name.strip() for name in by.split(",")} <= labels | TARGET_LABELS


def test_every_figure_of_the_server_is_on_the_dashboard_or_in_the_page() -> None:
    shown = {each.name for expression in EXPRESSIONS for each in selectors(parsed(expression))}
    families = {
        name
        for name, labels in exposed().items()
        if not name.endswith(("_created", "_sum", "_count")) and "le" not in labels
    }
    assert families - shown <= {"peerlane_build_info"}
    for name in families:
        assert f"`{name}`" in PAGE or name.removesuffix("_total") in PAGE


def test_every_alert_can_be_read_and_is_explained() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert DURATION.fullmatch(rule.get("for", "1m"))
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert f"`{rule['alert']}`" in PAGE


def test_panels_lie_beside_each_other() -> None:
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
