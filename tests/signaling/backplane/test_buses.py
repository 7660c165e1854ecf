"""Every bus that there is, by its URL."""

from __future__ import annotations

import subprocess
import sys

import pytest

from signaling.backplane.buses import make_backplane
from signaling.backplane.memory import MemoryBackplane
from signaling.backplane.nats import NatsBackplane
from signaling.backplane.redis import RedisBackplane


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory:", MemoryBackplane),
        ("redis://bus", RedisBackplane),
        ("unix:///run/redis.sock", RedisBackplane),
        ("rediss://bus", RedisBackplane),
        ("nats://bus", NatsBackplane),
        ("tls://bus", NatsBackplane),
    ],
)
def test_a_bus_is_made_without_being_dialled(url: str, kind: type[object]) -> None:
    assert isinstance(make_backplane(url), kind)


def test_a_prefix_that_is_no_name_is_refused() -> None:
    with pytest.raises(ValueError, match="prefix"):
        make_backplane("memory:", prefix="a.*")


@pytest.mark.parametrize(("url", "package"), [("redis://bus", "redis"), ("nats://bus", "nats")])
def test_a_client_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, url: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, f"signaling.backplane.{package}")
    with pytest.raises(ValueError, match=rf"pip install 'peerlane\[{package}\]'"):
        make_backplane(url)


def test_no_client_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys; from signaling.backplane.buses import make_backplane; make_backplane('memory:');"
        "sys.exit(bool({'redis', 'nats'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
