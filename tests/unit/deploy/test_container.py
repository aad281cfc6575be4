"""The container files speak of commands, settings, routes and files that exist.

No engine runs them here: what can be checked without one is checked.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from cli.app import app
from demo.kafka_jars import KAFKA_VERSION
from demo.local_kafka import LocalKafka

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
KAFKA: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
EMBEDDED: dict[str, Any] = yaml.safe_load((ROOT / "deploy/docker-compose.embedded.yml").read_text())
BROUGHT = ("./roots.json", "./secrets/")
"""What the operator puts there."""


def _services(ours: bool | None = None) -> list[Any]:
    found = [
        pytest.param(service, id=f"{file['name']}-{name}")
        for file in (KAFKA, EMBEDDED)
        for name, service in file["services"].items()
        if ours is None or ours == (service["image"] == "touchstone:0.1.0")
    ]
    assert found
    return found


def _parsed(words: list[str]) -> dict[str, Any]:
    """The command line as the program would read it; wrong options and values raise."""
    command: Any = get_command(app)
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    with command.make_context("touchstone", list(words)) as context:
        return dict(context.params)


def _environment(service: dict[str, Any]) -> dict[str, str]:
    environment: dict[str, str] = service.get("environment", {})
    return environment


def _routes() -> str:
    return "".join(path.read_text() for path in (ROOT / "verifier_api").rglob("*.py"))


@pytest.mark.parametrize("service", _services(ours=True))
def test_the_command_line_is_one_that_the_program_takes(service: dict[str, Any]) -> None:
    _parsed(service["command"])


@pytest.mark.parametrize("service", _services(ours=True))
def test_every_setting_is_read_somewhere_in_the_code(service: dict[str, Any]) -> None:
    sources = "".join(
        path.read_text()
        for folder in ("cli", "verifier_api", "events", "ledger")
        for path in (ROOT / folder).rglob("*.py")
    )
    for name in _environment(service):
        read = (f'"{name}"', f'"{name.removeprefix("TOUCHSTONE_")}"')
        assert any(spelling in sources for spelling in read), name


@pytest.mark.parametrize("service", _services(ours=True))
def test_health_checks_ask_routes_on_the_ports_of_the_command(service: dict[str, Any]) -> None:
    if "healthcheck" not in service:
        assert service["restart"].startswith("on-failure")  # it ends by itself
        return
    line = service["healthcheck"]["test"][-1]
    options = _parsed(service["command"])
    compile(line, "health check", "exec")
    if options["api"]:
        assert f"http://127.0.0.1:{options['port']}/healthz" in line
        assert '"/healthz"' in _routes()
    else:
        (ports,) = re.findall(r"for port in \(([^)]*)\)", line)
        first = options["metrics_port"]
        wanted = [first + number for number in range(options["workers"])]
        assert [int(port) for port in ports.split(",")] == wanted


@pytest.mark.parametrize("service", _services())
def test_nothing_runs_as_root_or_can_write_where_it_need_not(service: dict[str, Any]) -> None:
    assert service["user"].split(":")[0] not in ("0", "root")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("service", _services())
def test_images_are_pinned_and_ports_open_on_this_machine_alone(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z0-9./-]+:v?[0-9]+\.[0-9]+[a-z0-9.-]*", service["image"])
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@pytest.mark.parametrize("service", _services())
def test_no_password_is_in_the_environment_in_clear(service: dict[str, Any]) -> None:
    for name, value in _environment(service).items():
        if "PASSWORD" in name:
            assert name.endswith("_FILE")
            assert value.removeprefix("/run/secrets/") in service["secrets"]
        assert not re.search(r"://[^/@]*:[^/@]*@", value)


@pytest.mark.parametrize("file", [KAFKA, EMBEDDED], ids=["kafka", "embedded"])
def test_volumes_secrets_and_networks_are_declared_and_files_are_there(
    file: dict[str, Any],
) -> None:
    for service in file["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert source.startswith(BROUGHT) or (ROOT / source).exists(), source
                assert volume.endswith(":ro")
            else:
                assert source in file["volumes"]
            assert "keys" not in source
        assert set(service.get("secrets", ())) <= file.get("secrets", {}).keys()
        assert set(service.get("networks", ())) <= file.get("networks", {}).keys()
    for secret in file.get("secrets", {}).values():
        assert secret["file"].startswith("./secrets/")


def test_what_is_waited_for_can_come_true() -> None:
    services = KAFKA["services"]
    for service in services.values():
        for name, waited in service.get("depends_on", {}).items():
            if waited["condition"] == "service_healthy":
                assert "healthcheck" in services[name]
            else:
                assert waited["condition"] == "service_completed_successfully"
                assert services[name]["restart"].startswith("on-failure")


def test_broker_and_database_are_reached_from_inside_alone() -> None:
    assert KAFKA["networks"]["inside"]["internal"] is True
    for name in ("kafka", "postgres", "migrate", "topics", "workers", "prometheus"):
        assert KAFKA["services"][name]["networks"] == ["inside"]
        assert "ports" not in KAFKA["services"][name]


def test_addresses_in_the_settings_are_those_of_the_services() -> None:
    services = KAFKA["services"]
    environment = services["api"]["environment"]
    broker, database = services["kafka"]["environment"], services["postgres"]["environment"]
    assert broker["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{environment['TOUCHSTONE_KAFKA']}"
    for name, role in (
        ("migrate", database["POSTGRES_USER"]),
        ("workers", "touchstone_worker"),
        ("api", "touchstone_api"),
    ):
        address = _environment(services[name])["TOUCHSTONE_LEDGER"]
        assert address == f"postgresql://{role}@postgres:5432/{database['POSTGRES_DB']}"


def test_each_service_has_the_password_of_its_own_role_alone() -> None:
    services = KAFKA["services"]
    script = (ROOT / "deploy" / "postgres" / "roles.sh").read_text()
    granted = _parsed(services["migrate"]["command"])
    assert granted["grant"] is True
    for name, secret, role in (
        ("workers", "worker-password", granted["worker_role"]),
        ("api", "api-password", granted["api_role"]),
    ):
        assert services[name]["secrets"] == [secret]
        assert f"CREATE ROLE {role} LOGIN" in script
        assert f"$SECRETS/{secret}" in script
    assert services["migrate"]["secrets"] == ["owner-password"]


def test_prometheus_asks_the_service_and_every_worker() -> None:
    config = yaml.safe_load((ROOT / "deploy/grafana/prometheus.yml").read_text())
    targets = {
        target
        for job in config["scrape_configs"]
        for asked in job["static_configs"]
        for target in asked["targets"]
    }
    workers = _parsed(KAFKA["services"]["workers"]["command"])
    ports = range(workers["metrics_port"], workers["metrics_port"] + workers["workers"])
    assert targets == {"api:8000"} | {f"workers:{port}" for port in ports}
    assert workers["metrics_host"] == "0.0.0.0"
    mounted = [volume.split(":")[1] for volume in KAFKA["services"]["prometheus"]["volumes"]]
    assert set(config["rule_files"]) <= set(mounted)


def test_the_broker_is_the_tested_release_with_settings_that_the_tested_broker_has(
    tmp_path: Path,
) -> None:
    service = KAFKA["services"]["kafka"]
    assert service["image"] == f"apache/kafka:{KAFKA_VERSION}"
    local = LocalKafka(tmp_path)
    local._ports, local._controllers = [9092], [9093]
    tested = {line.split("=")[0] for line in local._properties(0).splitlines()}
    for name in service["environment"].keys() - {"KAFKA_HEAP_OPTS"}:
        assert name.removeprefix("KAFKA_").lower().replace("_", ".") in tested, name


def test_one_process_writes_to_its_data_alone() -> None:
    service = EMBEDDED["services"]["touchstone"]
    assert service["environment"]["TOUCHSTONE_DATA"] == "/data"
    assert "data:/data" in service["volumes"]


def test_the_packages_of_the_wheel_and_no_others_are_in_the_image() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = re.findall(r"^COPY ([a-z_]+) ([a-z_]+)$", DOCKERFILE, re.M)
    assert copied == [(package, package) for package in packages]
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    folders = {line[1:] for line in sent if line.startswith("!") and (ROOT / line[1:]).is_dir()}
    assert folders == set(packages)


@pytest.mark.parametrize("service", _services(ours=True))
def test_the_image_has_the_user_and_the_health_check(service: dict[str, Any]) -> None:
    assert f"--uid {service['user'].split(':')[0]} " in DOCKERFILE
    assert "http://127.0.0.1:8000/healthz" in DOCKERFILE


def test_what_is_brought_is_never_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "/secrets/" in ignored
    assert "/roots.json" in ignored


def test_what_the_readme_makes_by_hand_is_never_committed() -> None:
    made = ("passphrase", "trust.jws", "batch-L7", "touchstone-data")
    assert all(name in (ROOT / "README.md").read_text() for name in made[:3])
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    assert set(made) <= set(ignored)
