"""Packages of others as one file for a page: unmodified, only put together by esbuild."""

from __future__ import annotations

import subprocess
from pathlib import Path

HERE = Path(__file__).parent
ESBUILD = HERE / "node_modules" / ".bin" / "esbuild"


def bundle(entry: str, out: Path) -> Path:
    """``entry`` is JavaScript that imports packages of ``package.json``; returns ``out``, an ES module."""
    source = out.with_suffix(".entry.js")
    source.write_text(entry)
    command = [
        *(str(ESBUILD), str(source), "--bundle", "--format=esm", "--platform=browser"),
        *(f"--outfile={out}", "--define:global=globalThis", "--log-level=error"),
    ]
    subprocess.run(
        command, check=True, cwd=HERE, env={"NODE_PATH": str(HERE / "node_modules"), "PATH": "/usr/bin:/bin"}
    )
    return out
