"""Who says to be somebody else, or to be where it is not: in names, ids, tickets and rooms."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack

import pytest

from tests.hostile.raw import member, spoken, upgraded
from tests.hostile.stage import Stage

pytestmark = pytest.mark.end_to_end

LOOK_ALIKES = {
    "zero width": "vic\u200btim",
    "a joiner at the end": "victim\u200d",
    "a mark of direction": "\u200evictim",
    "a byte order mark": "\ufeffvictim",
    "a soft hyphen": "vic\u00adtim",
    "a filler": "victim\u3164",
    "full width": "\uff56ictim",
    "spaces": " victim\u00a0",
    "a tag": "victim\U000e0041",
}


async def test_i01_who_wishes_for_an_id_gets_one_of_the_servers(stage: Stage) -> None:
    """chosen ids in every place that could take one"""
    async with member(stage.port, "i01", "victim") as victim, upgraded(stage.port) as link:
        wish = {"id": "victim", "you": "victim", "peer": "victim", "subject": "victim", "session": "victim"}
        await link.say({"type": "hello", **wish}, {"type": "join", "request": 1, "room": "i01", **wish})
        you = (await link.words("welcome"))["you"]
        assert len(you) == 22
        seen = await victim.words("peer-joined")
        assert seen["peer"]["id"] == you


async def test_i01_a_name_that_only_looks_like_another_is_that_other_one_to_the_letter(stage: Stage) -> None:
    """names with what nobody sees in them"""
    async with member(stage.port, "i01-names") as watcher, member(stage.port, "i01-names") as squatter:
        for number, name in enumerate(LOOK_ALIKES.values()):
            await squatter.say({"type": "update", "request": number, "room": "i01-names", "name": name})
            # So whoever compares two names, as our page does, finds them equal.
            assert (await watcher.words("peer-updated"))["name"] == "victim", ascii(name)
        for turn in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
            await squatter.say({"type": "update", "request": 1, "room": "i01-names", "name": f"v{turn}mitci"})
            assert (await squatter.words("refused"))["code"] == "bad-name"
    stage.tell(f"{len(LOOK_ALIKES)} of {len(LOOK_ALIKES)} look-alikes are the same, 9 of 9 turns refused")


async def test_i01_no_two_rooms_differ_in_what_nobody_sees(stage: Stage) -> None:
    """rooms with what nobody sees in their names"""
    async with member(stage.port, "i01-room") as link:
        for mark in ("\u200b", "\u200e", "\u202e", "\u2060", "\u2066", "\ufeff", "\u00ad"):
            await link.say({"type": "join", "request": 2, "room": f"i01{mark}-room"})
            assert (await link.words("refused"))["code"] == "bad-room-name"


async def test_i02_a_made_up_ticket_for_a_known_peer_leaves_its_session_alone(stage: Stage) -> None:
    """a victim's id with wrong secrets"""
    async with member(stage.port, "i02", "victim") as victim, member(stage.port, "i02") as thief:
        await victim.words("peer-joined")
        await thief.say({"type": "bye"})
        async with upgraded(stage.port) as link:
            await victim.say({"type": "join", "request": 5, "room": "i02", "name": "victim"})
            await victim.words("joined")
            for ticket in ("", "x", "null", "victim", "A" * 8_000):
                async with upgraded(stage.port) as other:
                    await other.say(
                        {"type": "hello", "resume": {"ticket": ticket, "epoch": "", "received": 0}}
                    )
                    assert not (await other.words("welcome"))["resumed"]
            await link.say({"type": "hello"})
            await link.words("welcome")
        await victim.say({"type": "ping"})
        await victim.words("pong")


async def test_i03_a_session_claimed_again_goes_on_over_the_newer_link(stage: Stage) -> None:
    """the right ticket, twice at once"""
    async with upgraded(stage.port) as first, upgraded(stage.port) as second:
        await first.say({"type": "hello"})
        welcome = await first.words("welcome")
        resume = {"ticket": welcome["ticket"], "epoch": welcome["epoch"], "received": 0}
        await second.say({"type": "hello", "resume": resume})
        again = await second.words("welcome")
        assert (again["you"], again["resumed"]) == (welcome["you"], True)
        assert (await first.ended()).code == 4503


async def test_i04_a_ticket_is_good_once(stage: Stage) -> None:
    """a used ticket again"""
    async with upgraded(stage.port) as first, upgraded(stage.port) as second, upgraded(stage.port) as thief:
        await first.say({"type": "hello"})
        welcome = await first.words("welcome")
        resume = {"ticket": welcome["ticket"], "epoch": welcome["epoch"], "received": 0}
        await second.say({"type": "hello", "resume": resume})
        await second.words("welcome")
        # Until it has spoken the welcome may have been lost, and with it the next ticket.
        await second.say({"type": "ping"})
        await second.words("pong")
        await thief.say({"type": "hello", "resume": resume})
        stolen = await thief.words("welcome")
        assert not stolen["resumed"]
        assert stolen["you"] != welcome["you"]
        await second.say({"type": "ping"})
        await second.words("pong")


async def test_i09_who_says_who_it_is_cannot_say_it_is_somebody_else(stage: Stage) -> None:
    """forged from, id and n"""
    async with member(stage.port, "i09", "victim") as victim, member(stage.port, "i09", "forger") as forger:
        joined = await victim.words("peer-joined")
        await forger.say(
            {"type": "broadcast", "room": "i09", "payload": 1, "from": "root", "sender": "root", "id": "root"}
        )
        assert (await victim.words("broadcast"))["from"] == joined["peer"]["id"]


async def test_i09_who_is_not_in_a_room_reaches_nobody_there(stage: Stage) -> None:
    """words into rooms of others"""
    async with member(stage.port, "i09-inside") as inside, member(stage.port, "i09-outside") as outside:
        await outside.say(
            {"type": "broadcast", "room": "i09-inside", "payload": "psst"},
            {"type": "update", "request": 2, "room": "i09-inside", "name": "psst"},
            {"type": "kick", "request": 3, "room": "i09-inside", "id": "x"},
            {"type": "configure", "request": 4, "room": "i09-inside", "locked": True},
            {"type": "decide", "request": 5, "room": "i09-inside", "id": "x", "admit": True},
        )
        for _ in range(5):
            assert (await outside.words("refused"))["code"] in ("not-a-member", "not-allowed", "unknown-peer")
        await inside.say({"type": "ping"})
        while (word := await inside.frame()) is not None and b'"pong"' not in word.payload:
            assert b"psst" not in word.payload


async def test_i06_rooms_of_one_name_in_two_apps_are_two_rooms(stage: Stage) -> None:
    """one name in two apps, names that are patterns elsewhere"""
    async with AsyncExitStack() as stack:
        here = [await stack.enter_async_context(member(stage.port, "one/i06")) for _ in range(2)]
        there = [await stack.enter_async_context(member(stage.port, "two/i06")) for _ in range(2)]
        for number in range(stage.count(5, 50)):
            for speaker, listener, app in ((*here, "one"), (*there, "two")):
                await speaker.say({"type": "broadcast", "room": f"{app}/i06", "payload": [app, number]})
                assert (await listener.words("broadcast"))["payload"] == [app, number]
        await here[0].say({"type": "broadcast", "room": "two/i06", "payload": "across"})
        assert (await here[0].words("refused"))["code"] == "not-a-member"
        await here[0].say({"type": "signal", "to": there[0].id, "n": 1, "payload": "across"})
        assert (await here[0].words("refused"))["code"] == "unknown-peer"
        for name in ("*", "one/*", "one/>", "one.i06", "?", "[a-z]", "one/i06/x", "one\\i06", "\r\nKEYS *"):
            await here[0].say({"type": "join", "request": 9, "room": name})
            came = await here[0].frame()
            assert came is not None
            (word,) = [each for each in spoken(came.payload) if each["type"] in ("refused", "joined")]
            if word["type"] == "joined":
                # A name like any other: nobody else is there.
                assert not word.get("peers"), name
        await here[0].say({"type": "bye"})
        await here[0].ended()


async def test_i07_a_room_that_is_there_looks_as_one_that_is_not(stage: Stage) -> None:
    """words about rooms of others"""
    async with member(stage.port, "i07-there"), member(stage.port, "i07-own") as link:
        answers: list[set[str]] = []
        for room in ("i07-there", "i07-absent"):
            await link.say(
                {"type": "broadcast", "room": room, "payload": 1},
                {"type": "leave", "request": 2, "room": room},
                {"type": "kick", "request": 3, "room": room, "id": "x"},
                {"type": "configure", "request": 4, "room": room, "locked": True},
            )
            answers.append({json.dumps(await link.words("refused"), sort_keys=True) for _ in range(4)})
        assert answers[0] == answers[1]
