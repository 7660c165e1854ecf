"""From a file, the environment and flags to one :class:`Config`, with the origin of each value.

Later ones win: default, then TOML file, then ``PEERLANE_SECTION_NAME``, then flag. Everything that
is wrong is told at once, each with the name of the setting, where the value came from, and what to
do about it.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import msgspec

from signaling.config import Config
from signaling.settings_checks import check

ENVIRONMENT_PREFIX = "PEERLANE_"
SECRETS = frozenset(
    {"server.tokens", "server.admin_tokens", "server.ticket_key", "server.former_ticket_keys"}
)
HOLD_SECRETS = SECRETS | {"ice.servers", "ice.turn", "auth.keys"}
"""What is not repeated when it does not fit."""
MASK = "********"
MOVED = {"ice.region": "cluster.region"}
"""Former names → where the setting is now."""
OUR_WORDS = {
    "`int`": "a whole number",
    "`float`": "a number",
    "`bool`": "true or false",
    "`str`": "text",
    "`array`": "a list",
    "`object`": "a table",
    "`null`": "nothing",
}
"""What msgspec calls a type → what somebody who writes a settings file calls it."""


class SettingsError(ValueError):
    """The settings make no server; ``problems`` has one sentence for each thing that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Flag(NamedTuple):
    """A value from the command line, and how the flag is spelled there."""

    name: str
    value: Any


class Settings(NamedTuple):
    """A complete configuration and, for each ``section.name``, where its value came from."""

    config: Config
    origins: dict[str, str]


SECTIONS: dict[str, type[msgspec.Struct]] = get_type_hints(Config)
KINDS: dict[str, Any] = {
    f"{section}.{name}": kind
    for section, struct in SECTIONS.items()
    for name, kind in get_type_hints(struct).items()
}
"""``section.name`` → type, for every setting there is."""


def load(path: Path | None, environ: Mapping[str, str], flags: Mapping[str, Flag]) -> Settings:
    """Put the settings together.

    ``flags`` maps ``section.name`` to what the command line says; unset flags are left out.
    Raises SettingsError with everything that is wrong.
    """
    problems: list[str] = []
    values: dict[str, Any] = {}
    origins = dict.fromkeys(KINDS, "default")
    found = [
        *_from_file(path, problems),
        *_from_environment(environ, problems),
        *((key, flag.value, f"flag {flag.name}") for key, flag in flags.items()),
    ]
    for key, raw, origin in found:
        try:
            # Text from outside a TOML file has no types of its own: "8080" is meant as a number.
            values[key] = msgspec.convert(raw, KINDS[key], strict=origin.startswith("file "))
        except msgspec.ValidationError as error:
            shown = "its value" if key in HOLD_SECRETS else repr(raw)
            problems.append(f"{key} ({origin}): {shown} does not fit: {_plain(error)}")
        else:
            origins[key] = origin
    config = _build(values)
    # A value that could not be read left its default behind, which is always in order.
    problems += [
        f"{key} ({origins[key]}): {text}" for key, text in check(config, lambda name: Path(name).is_file())
    ]
    if problems:
        raise SettingsError(problems)
    return Settings(config, origins)


def describe(settings: Settings) -> str:
    """Every value with its origin, one a line, as TOML with comments; secrets are masked."""
    lines: list[str] = []
    for section in SECTIONS:
        rows = [
            (
                f"{name} = {_shown(key, getattr(getattr(settings.config, section), name))}",
                settings.origins[key],
            )
            for key, name in ((key, key.partition(".")[2]) for key in KINDS if key.startswith(f"{section}."))
        ]
        # A long value must not push the origins of all others off the screen.
        width = min(48, max(len(text) for text, _ in rows))
        lines += [f"[{section}]", *(f"{text:<{width}}  # {origin}" for text, origin in rows), ""]
    return "\n".join(lines).rstrip() + "\n"


def environment_name(key: str) -> str:
    """``limits.max_rooms`` → ``PEERLANE_LIMITS_MAX_ROOMS``."""
    return ENVIRONMENT_PREFIX + key.replace(".", "_").upper()


def _build(values: Mapping[str, Any]) -> Config:
    sections: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for key, value in values.items():
        section, _, name = key.partition(".")
        sections[section][name] = value
    filled: dict[str, Any] = {section: SECTIONS[section](**fields) for section, fields in sections.items()}
    return Config(**filled)


def _from_file(path: Path | None, problems: list[str]) -> list[tuple[str, Any, str]]:
    if path is None:
        return []
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"{path}: cannot be read: {error.strerror}. Check the path given with --config.")
        return []
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{path}: is not TOML: {error}")
        return []
    found: list[tuple[str, Any, str]] = []
    for section, table in tables.items():
        if section not in SECTIONS or not isinstance(table, dict):
            what = (
                f"there is no section [{section}]"
                if isinstance(table, dict)
                else f"{section} is in no section"
            )
            problems.append(f"{path}: {what}.{_nearest(section, list(SECTIONS))}")
            continue
        for name, value in table.items():
            key = f"{section}.{name}"
            if key in KINDS:
                found.append((key, value, f"file {path}"))
            else:
                problems.append(f"{key} (file {path}): {_unknown(key, key, list(KINDS))}")
    return found


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> list[tuple[str, Any, str]]:
    by_name = {environment_name(key): key for key in KINDS}
    moved = {environment_name(key): key for key in MOVED}
    prefixes = tuple(f"{ENVIRONMENT_PREFIX}{section.upper()}_" for section in SECTIONS)
    found: list[tuple[str, Any, str]] = []
    for name in sorted(environ):
        if name in by_name:
            key = by_name[name]
            found.append((key, _from_text(environ[name], KINDS[key]), f"env {name}"))
        elif name.startswith(prefixes):
            problems.append(f"env {name}: {_unknown(name, moved.get(name), list(by_name))}")
    return found


def _from_text(text: str, kind: Any) -> Any:
    """A list is written with commas, or as JSON; everything else as it is."""
    if not isinstance(kind, type) and getattr(kind, "__origin__", None) is list:
        if text.lstrip().startswith("["):
            try:
                return msgspec.json.decode(text)
            except msgspec.DecodeError:
                return text
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _unknown(name: str, key: str | None, known: list[str]) -> str:
    """What to say of a setting that is not there; ``key`` is its ``section.name``, if that is known."""
    if key in MOVED:
        return f"is called {MOVED[key]} now ({environment_name(MOVED[key])} in the environment)."
    return f"there is no such setting.{_nearest(name, known)}"


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean {close[0]}?" if close else f" Known are: {', '.join(known)}."


def _plain(error: msgspec.ValidationError) -> str:
    """msgspec's sentence in the words of the one who wrote the setting."""
    text = str(error)
    for theirs, ours in OUR_WORDS.items():
        text = text.replace(theirs, ours)
    return text[0].lower() + text[1:]


def _shown(key: str, value: Any) -> str:
    if key in SECRETS:
        if isinstance(value, list):
            return "[" + ", ".join(f'"{MASK}"' for _ in value) + "]"
        return f'"{MASK}"' if value else '""'
    if key == "ice.servers":
        value = [
            msgspec.structs.replace(server, credential=MASK if server.credential else "") for server in value
        ]
        return _inline(msgspec.to_builtins(value))
    if key == "ice.turn":
        value = [msgspec.structs.replace(server, secrets=[MASK for _ in server.secrets]) for server in value]
        return _inline(msgspec.to_builtins(value))
    if key == "auth.keys":
        value = [msgspec.structs.replace(each, secret=MASK if each.secret else "") for each in value]
        return _inline(msgspec.to_builtins(value))
    return _inline(value)


def _inline(value: Any) -> str:
    """A value as TOML writes it on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return "{ " + ", ".join(f"{name} = {_inline(item)}" for name, item in value.items()) + " }"
        case list():
            return "[" + ", ".join(_inline(item) for item in value) + "]"
        case str():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value)
