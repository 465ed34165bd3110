"""Receivers, settings and conditions for the tests of alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from postback_pipeline.alerting.condition import Condition
from postback_pipeline.settings import Settings
from postback_pipeline.settings.alerts import ConditionKind
from tests.alerting.receivers import CERTIFICATES, HttpReceiver, http_receiver

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "whsec_c2VjcmV0dmFsdWU="


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as found:
        yield found


@pytest.fixture(scope="session")
def localhost(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of its own making for `localhost`, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encodings = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM) + key.private_bytes(*encodings))
    return file


@pytest.fixture
def trust(localhost: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system trusts that certificate and the authority of the tests' other ones, and no more."""
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(localhost.read_bytes() + (CERTIFICATES / "authority.pem").read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """A deployment in a folder of its own, with this table `[alerts]`."""

    def make(**alerts: Any) -> Settings:
        return Settings(
            environment="production",
            alerts={"over_after_minutes": 0, **alerts},  # type: ignore[arg-type]
            file=tmp_path / "postbacks.toml",
            home=tmp_path,
        )

    return make


@pytest.fixture
def condition() -> Callable[..., Condition]:
    """A condition, parked postbacks at `meta` unless told otherwise."""

    def make(kind: ConditionKind = ConditionKind.PARKED, subject: str = "meta", **more: Any) -> Condition:
        values: dict[str, Any] = {
            "key": f"{kind}:{subject}",
            "sentence": f"Something is {kind} at {subject}.",
            "act": f"postback ledger inspect --destination {subject}",
            "link": "/assets/delivery/sent",
        }
        return Condition(kind=kind, subject=subject, **(values | more))

    return make
