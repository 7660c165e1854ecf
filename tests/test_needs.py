"""A test that lacks something is never left out where nobody would see it."""

from __future__ import annotations

import pytest

from tests import needs

Failed, Skipped = pytest.fail.Exception, pytest.skip.Exception


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Somebody at home who is not root, on a machine without any programs."""
    monkeypatch.setattr("os.geteuid", lambda: 1_000)
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    monkeypatch.delenv("CI", raising=False)
    return monkeypatch


def test_at_home_what_is_missing_is_named_and_the_test_skipped(nobody: pytest.MonkeyPatch) -> None:
    with pytest.raises(Skipped, match=r"'nginx' is missing.*apt-get install nginx"):
        needs.require("nginx")


@pytest.mark.parametrize("lab", needs.LABS)
def test_a_laboratory_needs_its_programs(nobody: pytest.MonkeyPatch, lab: str) -> None:
    with pytest.raises(Skipped, match="'ip' is missing"):
        needs.require(lab)


def test_in_continuous_integration_nothing_may_be_missing(nobody: pytest.MonkeyPatch) -> None:
    nobody.setenv("CI", "true")
    with pytest.raises(Failed, match="'nginx' is missing"):
        needs.require("nginx")
    with pytest.raises(Failed, match="no tunnels"):
        needs.lacking("no tunnels", is_package=False)


def test_root_could_have_installed_a_package_but_cannot_change_the_kernel(
    nobody: pytest.MonkeyPatch,
) -> None:
    nobody.setattr("os.geteuid", lambda: 0)
    nobody.setattr("shutil.which", lambda name, path=None: "/usr/bin/apt-get" if name == "apt-get" else None)
    with pytest.raises(Failed, match="'nginx' is missing"):
        needs.require("nginx")
    with pytest.raises(Skipped, match="no tunnels"):
        needs.lacking("no tunnels", is_package=False)
