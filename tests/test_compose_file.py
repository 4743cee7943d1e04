"""The deployment files say what DESIGN asks of containers; `deploy/check-compose` tries them on an engine."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import socket
import stat
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from services.cli.checks import needed_memory_bytes
from services.enrich.settings import EnrichSettings
from services.ingest.settings import IngestSettings
from shared.http.auth import ApiKeys, hash_api_key
from shared.http.problems import Problem
from tests.conftest import find_redis_server, free_port
from tests.support import eventually

ROOT = Path(__file__).resolve().parents[1]
SERVICES = ("ingest", "enrich", "index")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def make_secrets() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compose_secrets", ROOT / "deploy" / "compose_secrets.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def secrets_dir(tmp_path: Path) -> Path:
    for name in ("redis-users", "redis-password", "publishers", "operator", "operators"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_compose_1_29_and_2_both_read_it(compose: dict[str, Any]) -> None:
    assert {key for key in compose if not key.startswith("x-")} == {"services", "networks", "volumes"}
    assert set(compose["services"]) == {"secrets", "redis", *SERVICES}


@pytest.mark.parametrize("name", ["secrets", "redis", *SERVICES])
def test_no_container_has_more_rights_or_room_than_it_needs(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["user"] in {"10001:10001", "redis"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert 0 < service["pids_limit"] <= 256
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", ["redis", *SERVICES])
def test_every_lasting_container_is_watched_restarted_and_given_time_to_drain(
    compose: dict[str, Any], name: str
) -> None:
    service = compose["services"][name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert service["stop_grace_period"] == "30s"


@pytest.mark.parametrize("name", SERVICES)
def test_health_is_what_readyz_says_on_the_port_that_is_served(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    port = service["environment"][f"WIREROOM_{name.upper()}_PORT"]
    assert service["healthcheck"]["test"] == ["CMD", "wireroom", "probe", f"http://127.0.0.1:{port}/readyz"]
    assert service["command"] == [name]


def test_only_ingest_and_index_are_published_and_on_this_host_only(compose: dict[str, Any]) -> None:
    published = {
        name: service["ports"] for name, service in compose["services"].items() if "ports" in service
    }
    assert set(published) == {"ingest", "index"}
    for (mapping,) in published.values():
        assert mapping.startswith("${WIREROOM_PUBLISH:-127.0.0.1}:")


def test_redis_is_reached_over_the_internal_network_only(compose: dict[str, Any]) -> None:
    assert compose["networks"]["backend"]["internal"] is True
    assert compose["services"]["redis"]["networks"] == ["backend"]
    assert compose["services"]["enrich"]["networks"] == ["backend"]
    assert compose["services"]["secrets"]["network_mode"] == "none"


def test_there_are_two_enrich_workers_and_one_index_writer(compose: dict[str, Any]) -> None:
    assert compose["services"]["enrich"]["deploy"] == {"replicas": 2}
    assert "deploy" not in compose["services"]["index"]


def test_secrets_are_files_that_only_their_readers_mount(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert not re.search(r"(?im)^\s*WIREROOM_\w*(?:PASSWORD|SECRETS|KEYS)\s*:", text)
    readers = {
        volume: {
            name
            for name, service in compose["services"].items()
            for mount in service.get("volumes", ())
            if mount.startswith(f"{volume}:")
        }
        for volume in compose["volumes"]
    }
    assert readers == {
        "redis-users": {"secrets", "redis"},
        "redis-password": {"secrets", *SERVICES},
        "publishers": {"secrets", "ingest"},
        "operator": {"secrets"},
        "operators": {"secrets", "index"},
        "redis-data": {"redis"},
        "index-data": {"index"},
    }


def test_the_volumes_that_secrets_writes_exist_in_the_image_with_its_owner(compose: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for mount in compose["services"]["secrets"]["volumes"]:
        assert mount.partition(":")[2] in dockerfile


def test_the_image_is_two_stages_of_the_locked_packages_without_root() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert dockerfile.count("FROM python:3.11-slim-bookworm") == 2
    assert "--require-hashes" in dockerfile
    assert "--no-cache-dir" in dockerfile
    assert "# syntax=" not in dockerfile
    assert dockerfile.index("USER 10001") > dockerfile.rindex("RUN ")
    assert 'ENTRYPOINT ["wireroom"]' in dockerfile


def test_the_build_context_is_a_list_of_what_goes_in() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule for rule in rules if rule.startswith("!")} == {
        "!requirements.lock",
        "!services",
        "!shared",
        "!deploy/compose_secrets.py",
    }


def test_no_running_code_imports_what_the_image_leaves_out() -> None:
    importers = [
        file
        for file in [*(ROOT / "services").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]
        if "training" not in file.relative_to(ROOT).parts
        and re.search(
            r"(?m)^\s*(?:from|import) services\.enrich(?:\.| import )training", file.read_text("utf-8")
        )
    ]
    assert importers == []


def test_redis_keeps_everything_it_has_answered_for() -> None:
    lines = (ROOT / "deploy" / "redis" / "redis.conf").read_text(encoding="utf-8").splitlines()
    settings = dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "always"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["aclfile"] == "/secrets/redis-users/users.acl"


def test_redis_has_room_for_a_full_corpus_a_full_backlog_and_a_rewrite(compose: dict[str, Any]) -> None:
    text = (ROOT / "deploy" / "redis" / "redis.conf").read_text(encoding="utf-8")
    limit = re.search(r"(?m)^maxmemory (\d+)mb$", text)
    assert limit is not None
    corpus, backlog = (
        EnrichSettings.model_fields["corpus_articles"].default,
        IngestSettings.model_fields["high_water_entries"].default,
    )
    assert int(limit[1]) * 1024**2 >= needed_memory_bytes(corpus, backlog)
    assert compose["services"]["redis"]["mem_limit"] == f"{int(limit[1]) * 3 // 2}m"


def test_secrets_are_made_once_and_never_changed(make_secrets: ModuleType, secrets_dir: Path) -> None:
    assert make_secrets.main(["init"], secrets_dir).startswith("made ")
    before = {file: file.read_text() for file in secrets_dir.rglob("*") if file.is_file()}
    assert make_secrets.main(["init"], secrets_dir) == "all secrets exist; nothing changed"
    assert {file: file.read_text() for file in secrets_dir.rglob("*") if file.is_file()} == before


def test_each_secret_is_kept_as_little_as_its_reader_needs(
    make_secrets: ModuleType, secrets_dir: Path
) -> None:
    said = make_secrets.main(["init"], secrets_dir)
    key = make_secrets.main(["show"], secrets_dir)
    password = (secrets_dir / "redis-password" / "password").read_text().strip()
    keys = (secrets_dir / "publishers" / "api-keys").read_text()
    users = (secrets_dir / "redis-users" / "users.acl").read_text()
    assert key not in said and password not in said
    assert keys == f"operator {hash_api_key(key)}\n"
    assert (secrets_dir / "operators" / "keys").read_text() == keys
    assert password not in users and hashlib.sha256(password.encode()).hexdigest() in users
    assert stat.S_IMODE((secrets_dir / "operator" / "api-key").stat().st_mode) == 0o400


def test_a_lost_password_takes_its_redis_users_with_it(make_secrets: ModuleType, secrets_dir: Path) -> None:
    make_secrets.main(["init"], secrets_dir)
    (secrets_dir / "redis-password" / "password").unlink()
    make_secrets.main(["init"], secrets_dir)
    password = (secrets_dir / "redis-password" / "password").read_text().strip()
    assert (
        hashlib.sha256(password.encode()).hexdigest()
        in (secrets_dir / "redis-users" / "users.acl").read_text()
    )


def test_ingest_takes_an_added_key_and_refuses_a_revoked_one(
    make_secrets: ModuleType, secrets_dir: Path
) -> None:
    make_secrets.main(["init"], secrets_dir)
    key = make_secrets.main(["add-key", "straits-wire"], secrets_dir)
    keys_file = secrets_dir / "publishers" / "api-keys"
    assert ApiKeys.parse(keys_file.read_text(), "test").name_of(key) == "straits-wire"
    make_secrets.main(["add-webhook", "straits-wire"], secrets_dir)
    assert make_secrets.main(["revoke", "straits-wire"], secrets_dir).startswith(
        "revoked 1 keys and 1 webhook"
    )
    with pytest.raises(Problem, match="revoked"):
        ApiKeys.parse(keys_file.read_text(), "test").name_of(key)
    operator_key = make_secrets.main(["show"], secrets_dir)
    assert ApiKeys.parse(keys_file.read_text(), "test").name_of(operator_key) == "operator"
    assert "straits-wire" not in (secrets_dir / "publishers" / "webhook-secrets").read_text()


def test_index_knows_the_keys_of_the_operator_and_no_others(
    make_secrets: ModuleType, secrets_dir: Path
) -> None:
    make_secrets.main(["init"], secrets_dir)
    first = make_secrets.main(["show"], secrets_dir)
    second = make_secrets.main(["add-key", "operator"], secrets_dir)
    publisher = make_secrets.main(["add-key", "straits-wire"], secrets_dir)
    keys_file = secrets_dir / "operators" / "keys"
    keys = ApiKeys.parse(keys_file.read_text(), "test")
    assert [keys.name_of(key) for key in (first, second)] == ["operator", "operator"]
    with pytest.raises(Problem):
        keys.name_of(publisher)
    make_secrets.main(["revoke", "operator"], secrets_dir)
    with pytest.raises(Problem, match="revoked"):
        ApiKeys.parse(keys_file.read_text(), "test").name_of(first)


def test_a_deployment_from_before_gets_the_operators_keys_at_its_next_start(
    make_secrets: ModuleType, secrets_dir: Path
) -> None:
    make_secrets.main(["init"], secrets_dir)
    (secrets_dir / "operators" / "keys").unlink()
    assert make_secrets.main(["init"], secrets_dir) == f"made {secrets_dir / 'operators' / 'keys'}"
    key = make_secrets.main(["show"], secrets_dir)
    assert ApiKeys.parse((secrets_dir / "operators" / "keys").read_text(), "test").name_of(key) == "operator"


@pytest.mark.parametrize(
    "words",
    [[], ["add-key"], ["frobnicate"], ["revoke", "nobody"]],
    ids=["none", "no-name", "unknown", "nobody"],
)
def test_a_wrong_call_ends_with_a_message(
    make_secrets: ModuleType, secrets_dir: Path, words: list[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        make_secrets.main(words, secrets_dir)
    assert isinstance(stopped.value.code, str)


@pytest.mark.parametrize("name", ["", "a b", "x\ny sha256:0", "#x", "é"])
def test_a_name_that_would_spoil_the_file_is_refused(
    make_secrets: ModuleType, secrets_dir: Path, name: str
) -> None:
    with pytest.raises(make_secrets.ConfigurationError):
        make_secrets.main(["add-key", name], secrets_dir)
    assert not (secrets_dir / "publishers" / "api-keys").exists()


def accepts_connections(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def test_the_redis_users_may_do_the_work_and_no_more(
    make_secrets: ModuleType, secrets_dir: Path, tmp_path: Path
) -> None:
    """On a real server: 6.2 and 7 both take the file, and nobody gets in without the password."""
    server = find_redis_server()
    if server is None:
        pytest.skip("no redis-server on this machine")
    make_secrets.main(["init"], secrets_dir)
    password = (secrets_dir / "redis-password" / "password").read_text().strip()
    port = free_port()
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path),
         "--aclfile", str(secrets_dir / "redis-users" / "users.acl"), "--logfile", str(tmp_path / "log")],
    )  # fmt: skip
    try:
        await eventually(lambda: accepts_connections(port), what="Redis listens")
        health = Redis(port=port, username="health", password="health")
        assert health.ping()
        services = Redis(port=port, username="wireroom", password=password)
        assert services.xadd("articles.raw.{0}", {"event": "x"})
        assert services.eval("return redis.call('XLEN', KEYS[1])", 1, "articles.raw.{0}") == 1
        assert services.info("memory")["used_memory"] > 0
        for refused in (["FLUSHALL"], ["CONFIG", "GET", "*"], ["SHUTDOWN"], ["KEYS", "*"], ["ACL", "LIST"]):
            with pytest.raises(NoPermissionError):
                services.execute_command(*refused)
        with pytest.raises(NoPermissionError):
            health.get("x")
        with pytest.raises(AuthenticationError):
            Redis(port=port, retry=None).ping()
    finally:
        process.terminate()
        process.wait(10)


async def test_what_scripts_wrote_is_there_when_redis_was_killed(
    make_secrets: ModuleType, secrets_dir: Path, tmp_path: Path
) -> None:
    """Redis 7.0 loads the transactions of its file as the user `default`, and drops those it may not run."""
    server = find_redis_server()
    if server is None:
        pytest.skip("no redis-server on this machine")
    make_secrets.main(["init"], secrets_dir)
    password = (secrets_dir / "redis-password" / "password").read_text().strip()
    port = free_port()
    argv = [
        server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path),
        "--appendonly", "yes", "--appendfsync", "always", "--logfile", str(tmp_path / "log"),
        "--aclfile", str(secrets_dir / "redis-users" / "users.acl"),
    ]  # fmt: skip
    first = subprocess.Popen(argv)
    await eventually(lambda: accepts_connections(port), what="Redis listens")
    services = Redis(port=port, username="wireroom", password=password)
    script = "redis.call('XADD', KEYS[1], '*', 'event', 'x') redis.call('HSET', KEYS[2], 'rev', '1') return 1"
    assert services.eval(script, 2, "articles.raw.{0}", "article:{0}:a") == 1
    first.kill()
    first.wait(10)
    second = subprocess.Popen(argv)
    try:
        await eventually(lambda: accepts_connections(port), what="Redis listens again")
        assert services.xlen("articles.raw.{0}") == 1
        assert services.hget("article:{0}:a", "rev") == b"1"
        assert "CRITICAL" not in (tmp_path / "log").read_text()
    finally:
        second.terminate()
        second.wait(10)
