"""Puts the pages beside the server that serves them; everything else is in pyproject.toml."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithPages(build_py):
    """A wheel has web/ as signaling/web; a checkout has it beside the packages already."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "signaling" / "web"
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree("web", target)


setup(cmdclass={"build_py": BuildWithPages})
