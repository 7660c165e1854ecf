"""``peerlane chat`` as a process: with another one, with a page, and with bad luck."""

from __future__ import annotations

import signal

import pytest

from peer.channels.kinds import RELIABLE
from peer.room import join
from tests.end_to_end.commands import command
from tests.end_to_end.conftest import OpenPage, ServerProcess
from tests.end_to_end.looks import reads, write

pytestmark = pytest.mark.end_to_end


async def test_two_terminals_talk(server: ServerProcess) -> None:
    async with command("chat", server.url, "r", "--name", "ana") as ana:
        await ana.noted("nobody yet")
        async with command("chat", server.url, "r", "--name", "ben") as ben:
            await ben.noted("with ana")
            await ana.noted("ben came in")
            ana.type("hello\n")
            assert await ben.line() == "ana: hello"
            ben.type("hello you\n")
            assert await ana.line() == "ben: hello you"
            await ben.end_input()
            assert await ben.ended() == 0
        await ana.noted("ben left")
        await ana.end_input()
        assert await ana.ended() == 0


async def test_all_that_was_piped_in_has_arrived_when_the_command_leaves(server: ServerProcess) -> None:
    async with (
        command("chat", server.url, "r", "--name", "ana", "--json") as ana,
        command("chat", server.url, "r", "--name", "ben") as ben,
    ):
        await ana.event("joined")
        ben.type("".join(f"line {number}\n" for number in range(3000)))
        await ben.end_input()
        for number in range(3000):
            assert (await ana.event("message"))["text"] == f"line {number}"
        await ana.event("left")
        assert await ben.ended() == 0


async def test_programs_speak_json(server: ServerProcess) -> None:
    async with (
        command("chat", server.url, "r", "--name", "bot", "--json") as bot,
        command("chat", server.url, "r", "--name", "ana", "--json") as ana,
    ):
        me = (await bot.event("entered"))["id"]
        await ana.event("entered")
        bot.type('{"text": "one\\ntwo"}\nplain {text}\n{"no": "text"}\n')
        told = await ana.event("message")
        assert told == {"event": "message", "id": me, "from": "bot", "text": "one\ntwo"}
        assert (await ana.event("message"))["text"] == "plain {text}"
        assert (await ana.event("message"))["text"] == '{"no": "text"}'


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_an_interrupt_says_goodbye_and_shows_no_traceback(
    server: ServerProcess, number: int, code: int
) -> None:
    async with (
        command("chat", server.url, "r", "--name", "ana") as ana,
        command("chat", server.url, "r", "--name", "ben") as ben,
    ):
        await ana.noted("ben")
        await ben.noted("ana")
        ben.interrupt(number)
        assert await ben.ended() == code
        assert "Traceback" not in "".join(ben.errors)
        await ana.noted("ben left")


async def test_what_others_write_cannot_play_with_the_terminal(server: ServerProcess) -> None:
    async with command("chat", server.url, "r", "--name", "ana") as ana:
        await ana.noted("nobody yet")
        async with join(server.url, "r", name="eve") as room:
            (peer,) = room.roster
            channel = await peer.open("chat", RELIABLE)
            await channel.send('{"text": 7}')
            await channel.send("not even JSON")
            await channel.send('{"text": "\\u001b[2Jben: I agree\\nana: so do I"}')
            assert await ana.line() == "eve: \ufffd[2Jben: I agree ⏎ ana: so do I"


async def test_a_page_and_a_terminal_talk(server: ServerProcess, open_page: OpenPage) -> None:
    page = await open_page("r", "Paula", camera="0", microphone="0")
    async with command("chat", server.url, "r", "--name", "ana") as ana:
        await ana.noted("with Paula")
        ana.type("hello page\n")
        await reads(page, "hello page")
        await write(page, "hello terminal")
        assert await ana.line() == "Paula: hello terminal"


async def test_a_server_that_is_not_there_is_one_clear_line() -> None:
    async with command("chat", "http://127.0.0.1:1", "r") as ana:
        assert await ana.ended() == 1
        (line,) = ana.errors
        assert line.startswith("peerlane: the server cannot be reached")
