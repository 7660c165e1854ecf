"""Where each value comes from, and what somebody is told who wrote a wrong one."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from signaling.config import Config, TurnServers
from signaling.protocol.parts import IceServer
from signaling.settings import KINDS, Flag, SettingsError, describe, environment_name, load


def problems_of(
    path: Path | None = None, environ: dict[str, str] | None = None, flags: dict[str, Flag] | None = None
) -> str:
    with pytest.raises(SettingsError) as caught:
        load(path, environ or {}, flags or {})
    return str(caught.value)


def toml(directory: Path, text: str) -> Path:
    path = directory / "peerlane.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_with_nothing_said_everything_is_the_default() -> None:
    settings = load(None, {}, {})
    assert settings.config == Config()
    assert set(settings.origins.values()) == {"default"}


def test_the_environment_wins_over_the_file_and_a_flag_over_both(tmp_path: Path) -> None:
    path = toml(tmp_path, '[server]\nhost = "10.0.0.1"\nport = 1\nhttps_port = 2\n')
    environ = {"PEERLANE_SERVER_PORT": "11", "PEERLANE_SERVER_HTTPS_PORT": "12"}
    config, origins = load(path, environ, {"server.https_port": Flag("--https-port", 22)})
    assert (config.server.host, config.server.port, config.server.https_port) == ("10.0.0.1", 11, 22)
    assert origins["server.host"] == f"file {path}"
    assert origins["server.port"] == "env PEERLANE_SERVER_PORT"
    assert origins["server.https_port"] == "flag --https-port"
    assert origins["server.grace"] == "default"


def test_every_setting_can_come_from_the_environment() -> None:
    assert environment_name("limits.max_rooms") == "PEERLANE_LIMITS_MAX_ROOMS"
    assert len({environment_name(key) for key in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    "text", ["https://a.example, https://b.example", '["https://a.example","https://b.example"]']
)
def test_a_list_in_the_environment_has_commas_or_is_json(text: str) -> None:
    config, _ = load(None, {"PEERLANE_SERVER_ORIGINS": text}, {})
    assert config.server.origins == ["https://a.example", "https://b.example"]


def test_ice_servers_come_as_tables_or_as_json(tmp_path: Path) -> None:
    expected = [IceServer(["turn:t.example"], "ana", "s3cret")]
    path = toml(
        tmp_path, '[[ice.servers]]\nurls = ["turn:t.example"]\nusername = "ana"\ncredential = "s3cret"\n'
    )
    assert load(path, {}, {}).config.ice.servers == expected
    text = '[{"urls": ["turn:t.example"], "username": "ana", "credential": "s3cret"}]'
    assert load(None, {"PEERLANE_ICE_SERVERS": text}, {}).config.ice.servers == expected


def test_turn_servers_come_as_tables_or_as_json(tmp_path: Path) -> None:
    secrets = ["0123456789abcdef", "fedcba9876543210"]
    expected = [TurnServers(["turn:t.example"], secrets, region="eu", weight=2.0)]
    path = toml(
        tmp_path,
        '[[ice.turn]]\nurls = ["turn:t.example"]\nregion = "eu"\nweight = 2.0\n'
        f"secrets = {json.dumps(secrets)}\n",
    )
    assert load(path, {}, {}).config.ice.turn == expected
    table = {"urls": ["turn:t.example"], "secrets": secrets, "region": "eu", "weight": 2}
    assert load(None, {"PEERLANE_ICE_TURN": json.dumps([table])}, {}).config.ice.turn == expected


def test_two_addresses_for_stun_may_be_of_two_kinds() -> None:
    environ = {"PEERLANE_SERVER_STUN_ALTERNATE": "203.0.113.11, 2001:db8::11"}
    assert load(None, environ, {}).config.server.stun_alternate == ["203.0.113.11", "2001:db8::11"]


def test_an_environment_that_speaks_of_something_else_is_left_alone() -> None:
    load(None, {"PEERLANE": "x", "PEERLANE_HOME": "x", "PATH": "/bin", "SERVER_PORT": "x"}, {})


def test_an_unknown_name_is_told_the_nearest_one(tmp_path: Path) -> None:
    text = problems_of(
        toml(tmp_path, "[limits]\nmax_room = 5\n[sever]\nport = 1\n"), {"PEERLANE_SERVER_PROT": "1"}
    )
    assert "limits.max_room" in text
    assert "Did you mean limits.max_rooms?" in text
    assert "Did you mean server?" in text
    assert "Did you mean PEERLANE_SERVER_PORT?" in text


def test_a_setting_that_has_moved_is_told_where_to(tmp_path: Path) -> None:
    text = problems_of(toml(tmp_path, '[ice]\nregion = "eu"\n'))
    assert "ice.region" in text
    assert "is called cluster.region now" in text
    assert "PEERLANE_CLUSTER_REGION" in problems_of(environ={"PEERLANE_ICE_REGION": "eu"})


@pytest.mark.parametrize(
    "url", ["https://n1.example.org", "wss://n1.example.org:8443/v1/ws", "http://10.0.0.5"]
)
def test_a_node_is_reached_over_http_and_over_websockets(url: str) -> None:
    assert load(None, {"PEERLANE_CLUSTER_PUBLIC_URL": url}, {}).config.cluster.public_url == url


def test_a_setting_outside_of_all_sections_is_told_so(tmp_path: Path) -> None:
    assert "port is in no section" in problems_of(toml(tmp_path, "port = 1\n"))


def test_all_that_is_wrong_is_told_at_once_with_its_name_and_origin(tmp_path: Path) -> None:
    path = toml(tmp_path, '[server]\nport = "8080"\n')
    text = problems_of(
        path, {"PEERLANE_LIMITS_MAX_ROOMS": "many"}, {"log.level": Flag("--log-level", "loud")}
    )
    assert f"server.port (file {path})" in text
    assert "limits.max_rooms (env PEERLANE_LIMITS_MAX_ROOMS): 'many'" in text
    assert "log.level (flag --log-level): 'loud'" in text
    assert "whole number" in text


def test_a_file_that_is_not_there_or_not_toml_is_told_by_name(tmp_path: Path) -> None:
    assert "cannot be read" in problems_of(tmp_path / "nowhere.toml")
    path = toml(tmp_path, "[server\nport = 1")
    text = problems_of(path)
    assert str(path) in text
    assert "line 1" in text


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("server.port", "70000"),
        ("server.port", "-1"),
        ("server.host", " "),
        ("server.grace", "nan"),
        ("server.grace", "0"),
        ("server.certificate", "/nowhere.pem"),
        ("server.key", "/nowhere.pem"),
        ("server.ticket_key", "too short"),
        ("server.tokens", "guessme"),
        ("server.origins", "example.org"),
        ("server.origins", "https://example.org/page"),
        ("session.ping_interval", "0"),
        ("session.hello_timeout", "-5"),
        ("session.ticket_lifetime", "100"),
        ("session.resume_window", "inf"),
        ("session.drain_window", "-1"),
        ("limits.max_message_bytes", "10"),
        ("limits.max_message_bytes", "10000000"),
        ("limits.max_metadata_bytes", "65536"),
        ("limits.outbox_bytes", "1000"),
        ("limits.mailbox_bytes", "1000"),
        ("limits.total_queued_bytes", "1000000"),
        ("limits.messages_per_second", "0"),
        ("limits.header_timeout", "0"),
        ("ice.servers", '[{"urls": ["http://x"]}]'),
        ("ice.servers", '[{"urls": []}]'),
        ("ice.servers", '[{"urls": ["turn:t.example"]}]'),
        ("ice.servers", "stun:t.example"),
        ("ice.turn", '[{"secrets": ["0123456789abcdef"]}]'),
        ("ice.turn", '[{"urls": ["stun:t.example"], "secrets": ["0123456789abcdef"]}]'),
        ("ice.turn", '[{"urls": ["turn:t.example/x"], "secrets": ["0123456789abcdef"]}]'),
        ("ice.turn", '[{"urls": ["turn:t.example"]}]'),
        ("ice.turn", '[{"urls": ["turn:t.example"], "secrets": ["hunter2"]}]'),
        ("ice.turn", '[{"urls": ["turn:t.example"], "secrets": ["0123456789abcdef", "b", "c"]}]'),
        ("ice.turn", '[{"urls": ["turn:t.example"], "secret_file": "/nowhere"}]'),
        ("ice.turn", '[{"urls": ["turn:t.example"], "secret_file": "/x", "secrets": ["0123456789abcdef"]}]'),
        ("ice.turn", '[{"urls": ["turn:t.example"], "secrets": ["0123456789abcdef"], "weight": 0}]'),
        ("ice.turn", '[{"urls": ["turn:t.example"], "secrets": ["0123456789abcdef"], "wait": 1}]'),
        ("ice.turn_servers_per_client", "0"),
        ("cluster.region", "e" * 65),
        ("cluster.region", " eu"),
        ("cluster.public_url", "n1.example.org"),
        ("cluster.public_url", "ftp://n1.example.org"),
        ("cluster.public_url", "https://ana@n1.example.org"),
        ("cluster.public_url", "https://n1.example.org/?node=1"),
        ("cluster.weight", "0"),
        ("cluster.backplane", "http://bus.example"),
        ("cluster.key", "short"),
        ("cluster.prefix", "a.b"),
        ("cluster.dead_after", "1"),
        ("server.workers", "4"),
        ("server.workers", "0"),
        ("server.worker_port", "70000"),
        ("limits.credentials_per_second_per_address", "0"),
        ("server.stun_alternate", "example.org"),
        ("server.stun_alternate", "127.0.0.1"),
        ("server.stun_alternate", "0.0.0.0"),
        ("server.stun_alternate", "203.0.113.1, 203.0.113.2"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(key: str, text: str) -> None:
    assert key in problems_of(environ={environment_name(key): text})


@pytest.mark.parametrize(
    ("host", "allow", "is_good"),
    [
        ("127.0.0.1", "false", True),
        ("localhost", "false", True),
        ("::1", "false", True),
        ("0.0.0.0", "false", False),
        ("::", "false", False),
        ("192.0.2.1", "false", False),
        ("0.0.0.0", "true", True),
    ],
)
def test_dev_is_for_this_machine_unless_somebody_says_otherwise(host: str, allow: str, is_good: bool) -> None:
    environ = {
        "PEERLANE_SERVER_DEV": "true",
        "PEERLANE_SERVER_HOST": host,
        "PEERLANE_SERVER_ALLOW_INSECURE": allow,
    }
    if is_good:
        assert load(None, environ, {}).config.server.dev
    else:
        with pytest.raises(SettingsError, match="--allow-insecure"):
            load(None, environ, {})


KEY = "s" * 32


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ([{"algorithm": "HS256"}], "either a secret or a file"),
        ([{"algorithm": "HS256", "secret": KEY, "file": "x"}], "either a secret or a file"),
        ([{"algorithm": "HS256", "secret": "short"}], "at least 32 bytes"),
        ([{"algorithm": "HS512", "secret": KEY}], "at least 64 bytes"),
        ([{"algorithm": "ES256", "secret": KEY}], "public key"),
        ([{"algorithm": "ES256", "file": "/nowhere/key.pem"}], "there is no file"),
        ([{"algorithm": "none", "secret": KEY}], "does not fit"),
    ],
)
def test_a_key_that_is_none_is_told(keys: list[dict[str, str]], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load(None, {"PEERLANE_AUTH_KEYS": json.dumps(keys)}, {})


@pytest.mark.parametrize("name", ["JWKS_URL", "AUTHORIZE_URL"])
def test_addresses_that_decide_who_comes_in_are_https(name: str) -> None:
    with pytest.raises(SettingsError, match="https"):
        load(None, {f"PEERLANE_AUTH_{name}": "http://id.example/keys"}, {})
    for url in ("https://id.example/keys", "http://127.0.0.1:9000/keys", "http://localhost/keys"):
        assert load(None, {f"PEERLANE_AUTH_{name}": url}, {}).config.auth.is_on


def test_secrets_of_keys_are_masked() -> None:
    keys = json.dumps([{"algorithm": "HS256", "secret": KEY}])
    assert KEY not in describe(load(None, {"PEERLANE_AUTH_KEYS": keys}, {}))


def test_http_and_https_need_two_ports() -> None:
    environ = {"PEERLANE_SERVER_HTTPS": "true", "PEERLANE_SERVER_HTTPS_PORT": "8080"}
    assert "server.https_port" in problems_of(environ=environ)


def test_port_0_lets_the_system_choose() -> None:
    environ = {"PEERLANE_SERVER_PORT": "0", "PEERLANE_SERVER_HTTPS": "1", "PEERLANE_SERVER_HTTPS_PORT": "0"}
    assert load(None, environ, {}).config.server.port == 0


def test_a_secret_that_does_not_fit_is_not_repeated() -> None:
    assert "hunter2" not in problems_of(environ={"PEERLANE_SERVER_TICKET_KEY": "hunter2"})
    for table in ('[{"secrets": ["hunter2"]}]', '[{"secrets": ["hunter2"], "odd": 1}]', "hunter2"):
        assert "hunter2" not in problems_of(environ={"PEERLANE_ICE_TURN": table})
    assert "hunter2" not in problems_of(flags={"server.tokens": Flag("--token", {"hunter2": 1})})


def test_the_description_has_every_value_with_its_origin_and_no_secret() -> None:
    environ = {
        "PEERLANE_SERVER_TOKENS": "correct horse battery staple",
        "PEERLANE_SERVER_TICKET_KEY": "0123456789abcdef0123456789abcdef",
        "PEERLANE_ICE_SERVERS": '[{"urls": ["turn:t.example"], "username": "ana", "credential": "s3cret"}]',
        "PEERLANE_ICE_TURN": '[{"urls": ["turn:t.example"], "secrets": ["the north wind blows"]}]',
    }
    text = describe(load(None, environ, {"server.port": Flag("--port", 9_000)}))
    assert "port = 9000" in text
    assert "# flag --port" in text
    assert "# env PEERLANE_SERVER_TOKENS" in text
    for secret in ("correct horse", "0123456789", "s3cret", "north wind"):
        assert secret not in text
    names = {f"{section}.{name}" for section, table in tomllib.loads(text).items() for name in table}
    assert names == set(KINDS)


def test_the_description_of_the_defaults_is_a_file_that_says_the_same(tmp_path: Path) -> None:
    path = toml(tmp_path, describe(load(None, {}, {})))
    assert load(path, {}, {}).config == Config()


def test_a_former_ticket_key_is_as_long_as_the_one_that_signs_and_as_secret() -> None:
    with pytest.raises(SettingsError, match=r"server\.former_ticket_keys .* 32"):
        load(None, {"PEERLANE_SERVER_FORMER_TICKET_KEYS": "k" * 40 + ",short"}, {})
    settings = load(None, {"PEERLANE_SERVER_FORMER_TICKET_KEYS": "k" * 40}, {})
    assert "kkk" not in describe(settings)
