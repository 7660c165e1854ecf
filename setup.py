"""Puts the pages and the TURN server's templates beside what reads them; all else is in pyproject.toml."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDERS = {"web": "signaling/web", "turn-config": "peerlane/turn/turn-config"}


class BuildWithFolders(build_py):
    """A wheel has them inside the packages; a checkout has them beside the packages already."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for source, inside in FOLDERS.items():
                target = Path(self.build_lib) / inside
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(source, target)


setup(cmdclass={"build_py": BuildWithFolders})
