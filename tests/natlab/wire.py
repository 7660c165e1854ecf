"""The lab's end of the process that carries the packets: an order holds when the call returns."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import IO

import msgspec

from peer.testing.network import Conditions
from tests.natlab.namespaces import LabError, Namespace
from tests.natlab.orders import (
    MAX_ORDER_BYTES,
    AddLine,
    Answer,
    Count,
    Cut,
    Mend,
    Order,
    Part,
    Route,
    SetConditions,
)

ROOT = Path(__file__).parents[2]
ANSWER_TIMEOUT = 10.0
END_TIMEOUT = 5.0

_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class Wire:
    """One process in a namespace of its own; its devices are moved to where they belong."""

    def __init__(self, seed: int, log: IO[bytes]) -> None:
        self._log = log
        self._namespace = Namespace("wire")
        self._orders, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders.settimeout(ANSWER_TIMEOUT)
        with other:
            self._process = subprocess.Popen(
                self._namespace.command(sys.executable, "-m", "tests.natlab.bridge", str(seed)),
                stdin=other.fileno(),
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def add_line(self, line: str, namespace: Namespace, device: str) -> None:
        """A line that ends in this namespace, as an interface of this name."""
        made = self._give(AddLine(line)).device
        self._namespace.ip("link", "set", made, "netns", namespace.name, "name", device)

    def route(self, address: str, line: str | None) -> None:
        """This address is at the end of this line; None: nowhere."""
        self._give(Route(address, line))

    def set(self, conditions: Conditions, sender: str | None = None, receiver: str | None = None) -> None:
        """From one line to another, or everywhere."""
        self._give(SetConditions(conditions, sender, receiver))

    def part(self, sender: str, receiver: str, *, is_parted: bool) -> None:
        """Nothing comes through from one line to another; or everything does again."""
        self._give(Part(sender, receiver, is_parted))

    def cut(self, line: str, seconds: float | None = None) -> None:
        """Nothing comes through, and what is under way is lost; None: until it is mended."""
        self._give(Cut(line, seconds))

    def mend(self, line: str) -> None:
        self._give(Mend(line))

    def count(self) -> Answer:
        """What has become of all packets so far."""
        return self._give(Count())

    def close(self) -> None:
        self._orders.close()
        try:
            self._process.wait(END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._namespace.remove()

    def _give(self, order: Order) -> Answer:
        """Raises LabError when it could not be carried out."""
        try:
            self._orders.send(msgspec.msgpack.encode(order))
            said = self._orders.recv(MAX_ORDER_BYTES)
        except OSError as error:
            raise LabError(f"{order}: the bridge does not answer: {error}; {self._last_words()}") from None
        if not said:
            raise LabError(f"{order}: the bridge has ended; {self._last_words()}")
        answer = _answers.decode(said)
        if answer.error:
            raise LabError(f"{order}: {answer.error}")
        return answer

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read()[-2000:].decode(errors="replace")
