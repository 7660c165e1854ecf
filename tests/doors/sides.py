"""Each scenario is played twice: at the server that a client was written for, and at ours.

``@scenario("peerjs 1.5.5", "a taken id")`` names a line of the table that ``make doors`` prints, and
``@both`` plays a test at both servers.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

import pytest

HERE = Path(__file__).parent
NODE = HERE.parents[1] / ".venv" / "bin" / "node"
SIDES = ("reference", "ours")
PATIENCE = 20.0

both = pytest.mark.parametrize("side", SIDES)
"""The test takes ``side``, one of :data:`SIDES`."""


def scenario(client: str, text: str) -> pytest.MarkDecorator:
    """``text``: what is played with which client. Without ``@both`` it counts for our server."""
    return pytest.mark.scenario(client, text)


class Reference:
    """``node reference/NAME.js``: listens where it likes, and says ``listening at PORT`` when it does."""

    def __init__(self, name: str, log_path: Path, *arguments: str) -> None:
        self._log_path = log_path
        self._log: IO[bytes] = log_path.open("wb")
        self._process = subprocess.Popen(
            [str(NODE), str(HERE / "reference" / f"{name}.js"), *arguments],
            stdout=self._log,
            stderr=self._log,
            cwd=HERE,
            # The command `node` may be a script that starts another process.
            start_new_session=True,
        )
        self.port = self._listening_at()

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
        self._log.close()

    def _listening_at(self) -> int:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for line in self.log.splitlines():
                if line.startswith("listening at "):
                    return int(line.rsplit(" ", 1)[1])
            assert self.is_running, f"it has ended: {self.log}"
            time.sleep(0.02)
        self.close()
        raise AssertionError(f"it does not listen: {self.log}")
