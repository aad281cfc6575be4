"""How the Kafka cluster is named, and that no secret gets out."""

from pathlib import Path

import pytest

from authenticity.errors import ConfigurationError
from events.kafka.settings import KafkaSettings, Sasl, Security

SECRET = "correct horse battery staple"


def environ(folder: Path, **changes: str) -> dict[str, str]:
    (folder / "password").write_text(SECRET + "\n")
    return {
        "TOUCHSTONE_KAFKA": "broker-1:9092, [fd00::2]:9093",
        "TOUCHSTONE_KAFKA_SECURITY": "sasl_ssl",
        "TOUCHSTONE_KAFKA_USER": "touchstone",
        "TOUCHSTONE_KAFKA_PASSWORD_FILE": str(folder / "password"),
    } | changes


def test_without_the_variable_there_is_no_kafka() -> None:
    assert KafkaSettings.from_env({}) is None
    assert KafkaSettings.from_env({"TOUCHSTONE_KAFKA": "  "}) is None


def test_servers_alone_mean_plaintext() -> None:
    assert KafkaSettings.from_env({"TOUCHSTONE_KAFKA": "a:1,b:2"}) == KafkaSettings(("a:1", "b:2"))


def test_everything_is_read_and_a_user_is_proven_by_scram_unless_said_otherwise(
    tmp_path: Path,
) -> None:
    settings = KafkaSettings.from_env(environ(tmp_path))
    assert settings == KafkaSettings(
        ("broker-1:9092", "[fd00::2]:9093"), Security.SASL_SSL, None, Sasl.SCRAM_SHA_512,
        "touchstone", tmp_path / "password",
    )  # fmt: skip
    assert settings is not None
    assert settings.password() == SECRET
    assert settings.tls() is not None
    plain = KafkaSettings.from_env(environ(tmp_path, TOUCHSTONE_KAFKA_SASL="PLAIN"))
    assert plain is not None
    assert plain.sasl is Sasl.PLAIN


def test_no_representation_shows_the_password(tmp_path: Path) -> None:
    settings = KafkaSettings.from_env(environ(tmp_path))
    assert SECRET not in f"{settings!r} {settings}"


def test_a_rotated_password_is_taken_up(tmp_path: Path) -> None:
    settings = KafkaSettings.from_env(environ(tmp_path))
    assert settings is not None
    (tmp_path / "password").write_text("another")
    assert settings.password() == "another"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"TOUCHSTONE_KAFKA": "broker"}, "port"),
        ({"TOUCHSTONE_KAFKA": "broker:0"}, "port"),
        ({"TOUCHSTONE_KAFKA": "kafka://broker:9092"}, "host:port"),
        ({"TOUCHSTONE_KAFKA": "fd00::2:9092"}, "host:port"),
        ({"TOUCHSTONE_KAFKA": ",".join(["b:1"] * 33)}, "1 to 32"),
        ({"TOUCHSTONE_KAFKA_SECURITY": "tls"}, "TOUCHSTONE_KAFKA_SECURITY"),
        ({"TOUCHSTONE_KAFKA_SASL": "gssapi"}, "TOUCHSTONE_KAFKA_SASL"),
        ({"TOUCHSTONE_KAFKA_USER": ""}, "TOUCHSTONE_KAFKA_USER"),
        ({"TOUCHSTONE_KAFKA_PASSWORD_FILE": ""}, "TOUCHSTONE_KAFKA_PASSWORD_FILE"),
        ({"TOUCHSTONE_KAFKA_CA": "/nowhere/ca.pem"}, "TOUCHSTONE_KAFKA_CA"),
        (
            {"TOUCHSTONE_KAFKA_SECURITY": "plaintext", "TOUCHSTONE_KAFKA_CA": __file__},
            "TOUCHSTONE_KAFKA_CA",
        ),
    ],
)
def test_a_mistake_is_named_with_the_next_step(
    tmp_path: Path, changes: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named) as error:
        KafkaSettings.from_env(environ(tmp_path, **changes))
    assert error.value.next_step


def test_a_password_put_among_the_servers_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        KafkaSettings.from_env(environ(tmp_path, TOUCHSTONE_KAFKA=f"me:{SECRET}@broker:9092"))
    assert SECRET not in str(error.value) + error.value.next_step


def test_an_unreadable_or_empty_password_file_is_named(tmp_path: Path) -> None:
    settings = KafkaSettings.from_env(environ(tmp_path))
    assert settings is not None
    (tmp_path / "password").write_text("\n")
    with pytest.raises(ConfigurationError, match="holds no password"):
        settings.password()
    (tmp_path / "password").unlink()
    with pytest.raises(ConfigurationError, match="TOUCHSTONE_KAFKA_PASSWORD_FILE"):
        settings.password()


def test_a_ca_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    settings = KafkaSettings.from_env(
        environ(tmp_path, TOUCHSTONE_KAFKA_CA=str(tmp_path / "ca.pem"))
    )
    assert settings is not None
    with pytest.raises(ConfigurationError, match="TOUCHSTONE_KAFKA_CA"):
        settings.tls()
