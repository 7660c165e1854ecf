"""Which settings may change while the server runs, and which of a new configuration need a restart."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from signaling.config import Auth, Config, Log, Session

WHILE_RUNNING = {
    "server": {"origins", "tokens", "admin_tokens", "ticket_key", "former_ticket_keys"},
    "session": set(Session.__struct_fields__),
    "limits": {
        "max_sessions",
        "sessions_per_user",
        "messages_per_second",
        "messages_burst",
        "bytes_per_second",
        "joins_per_second",
        "links_per_second",
        "links_per_second_per_address",
        "links_per_address",
        "credentials_per_second_per_address",
        "token_failures_per_minute_per_address",
        "bad_tickets_per_second_per_address",
    },
    "ice": {"servers", "advertise_stun", "turn", "turn_servers_per_client", "turn_lifetime"},
    "auth": set(Auth.__struct_fields__),
    "webhooks": {"endpoints"},
    "log": set(Log.__struct_fields__),
}
"""Section → settings. Of the others something has been built already: sockets, queues, what clients know."""


class Plan(NamedTuple):
    """What becomes of a new configuration."""

    config: Config
    """The running one, with what may change as the new one has it."""
    changed: list[str]
    """``section.name`` of what it changes now."""
    need_restart: list[str]
    """``section.name`` of what the new one has otherwise, and what stays as it is."""


def plan(running: Config, wanted: Config) -> Plan:
    """How far a running server can become what is wanted."""
    changed: list[str] = []
    need_restart: list[str] = []
    config = running
    for section in running.__struct_fields__:
        before, after = getattr(running, section), getattr(wanted, section)
        values = {}
        for name in before.__struct_fields__:
            if getattr(before, name) == getattr(after, name):
                continue
            key = f"{section}.{name}"
            if name in WHILE_RUNNING.get(section, ()) and not _watches_other_files(key, running, wanted):
                changed.append(key)
                values[name] = getattr(after, name)
            else:
                need_restart.append(key)
        if values:
            config = msgspec.structs.replace(config, **{section: msgspec.structs.replace(before, **values)})
    return Plan(config, changed, need_restart)


def loses_tickets(running: Config, wanted: Config) -> bool:
    """Whether tickets that clients have would open nothing any more."""
    before, after = running.server.ticket_key, wanted.server.ticket_key
    return before != after and before not in wanted.server.former_ticket_keys


def _watches_other_files(key: str, running: Config, wanted: Config) -> bool:
    """The files with secrets of TURN servers are looked at from the start on."""
    if key != "ice.turn":
        return False
    return {each.secret_file for each in running.ice.turn} != {each.secret_file for each in wanted.ice.turn}
