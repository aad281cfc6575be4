"""TLS and a password, on a real broker that asks for both."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from authenticity.errors import ConfigurationError, LogUnavailableError
from demo.local_kafka import LocalKafka
from demo.local_ports import free_ports
from events.kafka.connection import serving_brokers
from events.kafka.publisher import KafkaPublisher
from events.kafka.settings import KafkaSettings
from events.kafka.topic_admin import create_missing
from events.publisher import Record
from events.topics import SCANS
from keys.cache_folder import cache_folder
from tests.support.patience import PATIENCE_S

PASSWORD = "correct horse battery staple"
REFUSED = "(refused|ends every connection of) user 'touchstone'"


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed one for 127.0.0.1: with its key for the broker, alone for clients."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "broker.pem").write_bytes(private + public)
    (folder / "ca.pem").write_bytes(public)
    return folder / "broker.pem", folder / "ca.pem"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    folder = tmp_path_factory.mktemp("secured")
    broker, ca = certificate(folder)
    [plain, controller, port] = free_ports(3)
    jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    kafka = LocalKafka(
        folder / "kafka",
        cache=cache_folder(os.environ),
        ports=([plain], [controller]),
        properties={
            "listeners": f"PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller},"
            f"SECURED://127.0.0.1:{port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},SECURED://127.0.0.1:{port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,"
            "SECURED:SASL_SSL",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.secured.plain.sasl.jaas.config": f'{jaas} user_touchstone="{PASSWORD}";',
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": broker,
        },
    )
    with kafka:
        create_missing(kafka.settings)
        (folder / "password").write_text(PASSWORD + "\n")
        settings = KafkaSettings.from_env(
            {
                "TOUCHSTONE_KAFKA": f"127.0.0.1:{port}",
                "TOUCHSTONE_KAFKA_SECURITY": "sasl_ssl",
                "TOUCHSTONE_KAFKA_CA": str(ca),
                "TOUCHSTONE_KAFKA_SASL": "plain",
                "TOUCHSTONE_KAFKA_USER": "touchstone",
                "TOUCHSTONE_KAFKA_PASSWORD_FILE": str(folder / "password"),
            }
        )
        assert settings is not None
        yield settings
        kafka.stop(at_once=True)


def test_records_are_acknowledged_over_tls_with_a_password(secured: KafkaSettings) -> None:
    publisher = KafkaPublisher(secured)
    publisher.publish([Record(SCANS, b"k", b"v")]).result(PATIENCE_S)
    publisher.close()


def test_a_wrong_password_is_said_to_be_one(secured: KafkaSettings, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("guess")
    wrong = replace(secured, password_file=tmp_path / "wrong")
    with pytest.raises((ConfigurationError, LogUnavailableError), match=REFUSED) as refusal:
        serving_brokers(wrong)
    assert "password file" in refusal.value.next_step
    assert "guess" not in str(refusal.value) + refusal.value.next_step
    publisher = KafkaPublisher(wrong)
    with pytest.raises(LogUnavailableError, match=REFUSED):
        publisher.publish([Record(SCANS, b"k", b"v")]).result(PATIENCE_S)
    publisher.close()


def test_a_broker_that_the_authority_does_not_vouch_for_is_not_spoken_to(
    secured: KafkaSettings, tmp_path: Path
) -> None:
    _, other = certificate(tmp_path)
    with pytest.raises(ConfigurationError, match="CERTIFICATE_VERIFY_FAILED") as refusal:
        serving_brokers(replace(secured, ca=other))
    assert "TOUCHSTONE_KAFKA_CA" in refusal.value.next_step
