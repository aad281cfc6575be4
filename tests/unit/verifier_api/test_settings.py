"""What the environment sets, and that a wrong value is refused by its name."""

from ipaddress import ip_network

import pytest

from authenticity.errors import ConfigurationError
from verifier_api.settings import Settings


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()


def test_every_variable_is_read() -> None:
    settings = Settings.from_env(
        {
            "TOUCHSTONE_REPORT_URL": "https://reports.example/fake",
            "TOUCHSTONE_TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8",
            "TOUCHSTONE_ACCESS_LOG": "1",
            "TOUCHSTONE_ANONYMOUS_PER_MINUTE": "60",
            "TOUCHSTONE_ANONYMOUS_BURST": "5",
            "TOUCHSTONE_TOKEN_PER_MINUTE": "600",
            "TOUCHSTONE_TOKEN_BURST": "50",
            "TOUCHSTONE_CONNECTIONS": "70",
            "TOUCHSTONE_CONNECTIONS_PER_ADDRESS": "7",
        }
    )
    assert settings.report_url == "https://reports.example/fake"
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.access_log
    limits = settings.limits
    assert (limits.anonymous_per_minute, limits.anonymous_burst) == (60.0, 5)
    assert (limits.token_per_minute, limits.token_burst) == (600.0, 50)
    assert (limits.connections, limits.connections_per_address) == (70, 7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOUCHSTONE_REPORT_URL", "reports.example"),
        ("TOUCHSTONE_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TOUCHSTONE_ANONYMOUS_PER_MINUTE", "many"),
        ("TOUCHSTONE_ANONYMOUS_BURST", "0"),
        ("TOUCHSTONE_TOKEN_BURST", "-1"),
        ("TOUCHSTONE_CONNECTIONS", "0"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as refusal:
        Settings.from_env({name: value})
    assert refusal.value.next_step
