"""The made certificate covers what it must, is kept, and is renewed in time."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from signaling.certificate import FILE, file_context, is_good, keep_own, make_certificate
from signaling.state_dir import StateDir

NOW = 1_800_000_000.0
DAY = 86_400.0
NAMES = ["localhost", "127.0.0.1", "::1", "192.168.1.7", "fd00::7", "box.local"]


def test_it_covers_host_names_and_addresses() -> None:
    certificate = x509.load_pem_x509_certificate(make_certificate(NAMES, NOW))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "box.local"]
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    assert list(addresses) == ["127.0.0.1", "::1", "192.168.1.7", "fd00::7"]


def test_it_does_not_live_longer_than_browsers_accept() -> None:
    certificate = x509.load_pem_x509_certificate(make_certificate(NAMES, NOW))
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= timedelta(days=398)


def test_it_is_good_until_a_week_before_its_end() -> None:
    pem = make_certificate(NAMES, NOW)
    assert is_good(pem, NAMES, NOW)
    assert is_good(pem, NAMES, NOW + 389 * DAY)
    assert not is_good(pem, NAMES, NOW + 391 * DAY)
    assert not is_good(pem, NAMES, NOW - DAY)


def test_it_is_not_good_for_an_address_that_it_does_not_name() -> None:
    pem = make_certificate(NAMES, NOW)
    assert is_good(pem, ["192.168.1.7"], NOW)
    assert not is_good(pem, [*NAMES, "192.168.1.8"], NOW)


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_not_good(pem: bytes) -> None:
    assert not is_good(pem, NAMES, NOW)


def test_it_is_kept_with_its_key_where_only_the_owner_can_read(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    keep_own(state, NAMES, NOW)
    first = state.read(FILE)
    keep_own(state, NAMES, NOW + 30 * DAY)
    assert state.read(FILE) == first
    assert (state.path / FILE).stat().st_mode & 0o777 == 0o600


def test_it_is_made_anew_when_the_machine_has_a_new_address(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    keep_own(state, NAMES, NOW)
    first = state.read(FILE)
    keep_own(state, [*NAMES, "10.1.2.3"], NOW)
    assert state.read(FILE) != first


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    one, other = tmp_path / "one.pem", tmp_path / "other.pem"
    one.write_bytes(make_certificate(NAMES, NOW))
    other.write_bytes(make_certificate(NAMES, NOW))
    with pytest.raises(ssl.SSLError):
        file_context(one, other)


def test_nothing_older_than_tls_1_2_is_spoken(tmp_path: Path) -> None:
    own = keep_own(StateDir(tmp_path), NAMES, NOW)
    assert file_context(own, None).minimum_version == ssl.TLSVersion.TLSv1_2
