"""A certificate of our own, for pages on other machines of the same network.

Browsers give camera and microphone to secure pages only (W3C Secure Contexts), so a phone that
opens the server's LAN address needs HTTPS. Nobody signs certificates for private addresses; this
one signs itself, and browsers ask once.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signaling.state_dir import StateDir

log = logging.getLogger("signaling.certificate")

INTERVAL = 5.0
"""Seconds between two looks at the files."""
# Longer-lived ones are refused by Apple's and Google's browsers (CA/Browser Forum SC-31: 398 days).
LIFETIME = timedelta(days=397)
RENEW_BEFORE = timedelta(days=7)
CLOCK_TOLERANCE = timedelta(hours=1)
"""How far behind ours another machine's clock may be."""
FILE = "certificate.pem"


def make_certificate(names: Sequence[str], unix_now: float) -> bytes:
    """Key and certificate in one PEM, ECDSA P-256, for these host names and addresses."""
    start = datetime.fromtimestamp(unix_now, UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Peerlane, made on this machine")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - CLOCK_TOLERANCE)
        .not_valid_after(start - CLOCK_TOLERANCE + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)


def is_good(pem: bytes, names: Sequence[str], unix_now: float) -> bool:
    """Whether this certificate covers all of these names, and will for a week yet."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        covered = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    now = datetime.fromtimestamp(unix_now, UTC)
    in_time = certificate.not_valid_before_utc <= now and now + RENEW_BEFORE < certificate.not_valid_after_utc
    return in_time and set(covered) >= {_general_name(name) for name in names}


def keep_own(state: StateDir, names: Sequence[str], unix_now: float) -> Path:
    """Where our certificate is; made anew when it is missing, expires soon, or lacks a name.

    Raises OSError when the state directory cannot be used.
    """
    pem = state.read(FILE)
    if pem is None or not is_good(pem, names, unix_now):
        state.write(FILE, make_certificate(names, unix_now))
    return state.path / FILE


async def keep_current(
    context: ssl.SSLContext,
    certificate: Path,
    key: Path | None,
    known: bytes,
    asked: asyncio.Event,
    renew: Callable[[], object] = bool,
) -> None:
    """Use what the files say from now on, a few seconds after they have changed or as soon as ``asked``.

    ``known`` is what :func:`read_pair` said before the context was made, so that no change is missed.
    ``renew`` is called before each look. New handshakes get the new certificate, connections that are open
    stay as they are. Files that cannot be used, such as a certificate whose key is still to be written, are
    told once, and the certificate of before holds. Runs until cancelled.
    """
    told = known
    while True:
        try:
            async with asyncio.timeout(INTERVAL):
                await asked.wait()
        except TimeoutError:
            pass
        asked.clear()
        try:
            await asyncio.to_thread(renew)
            found = await asyncio.to_thread(read_pair, certificate, key)
            if found == known:
                continue
            # Half of a pair would stay in the context; this one is thrown away.
            file_context(certificate, key)
            context.load_cert_chain(certificate, key)
            known = told = found
            log.info("~ the certificate in %s is used from now on", certificate)
        except OSError as error:
            found = str(error).encode()
            if found != told:
                log.warning("! the certificate cannot be used (%s); the one of before is", error)
                told = found


def read_pair(certificate: Path, key: Path | None) -> bytes:
    """What is in both files. Raises OSError."""
    return certificate.read_bytes() + (b"" if key is None else key.read_bytes())


def file_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer with a PEM certificate; ``key`` may be in the same file.

    Raises OSError (ssl.SSLError among them) when the two cannot be read or do not match.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
