"""Make the secrets of the Compose deployment once, in volumes that only the services which need them mount.

    init              make what is missing: a Redis password, the Redis users, one API key
    show              print the API key that init made
    add-key NAME      make an API key for NAME and print it
    add-webhook NAME  make a webhook secret for NAME and print it
    revoke NAME       take no key of NAME any more
    sources …         as `wireroom sources …`: sources with limits and hosts, which ingest reads while it runs

Compose runs `init` before anything else; the rest is `docker compose run --rm secrets COMMAND`, and ingest
and index read it when they start: `docker compose restart ingest index`. The keys named `operator` also open
the operator's page of index, as the password that a browser asks for. Redis sees a hash of its password, and
ingest one of each API key. A webhook secret must be known to both sides, so that one is kept as it is.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import sys
from pathlib import Path

from shared.errors import ConfigurationError
from shared.http.auth import check_name, hash_api_key, new_api_key
from shared.sources_place import FILE

ROOT = Path("/secrets")
FIRST_KEY = "operator"

# What the services use: data, streams and scripts, INFO for the server's memory, and what takes erased
# articles out of the server's files. Not what stops, reconfigures or empties a server. `health` may only
# PING, so its password is no secret. Nobody can be `default`, which is off; but Redis loads its append-only
# file as that user, and 7.0 drops every transaction in it (what scripts have written) that `default` may
# not run.
REDIS_USERS = """\
user default off ~* &* +@all
user wireroom on #{password_sha256} ~* &* +@all -@admin -@dangerous +info +bgrewriteaof +slowlog|reset
user health on nopass -@all +ping
"""


def _write(path: Path, text: str, *, mode: int = 0o444) -> None:
    """Replace the file in one step: a service that starts meanwhile reads the old text or the new."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(text, encoding="utf-8")
    partial.chmod(mode)
    partial.replace(path)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _append(path: Path, name: str, value: str) -> None:
    check_name(path.name, 1, name)
    _write(path, "".join(f"{line}\n" for line in [*_lines(path), f"{name} {value}"]))


def add_key(root: Path, name: str) -> str:
    """Make an API key for `name`, keep its hash and return it. A name may have several, for rotation."""
    key = new_api_key()
    _append(root / "publishers" / "api-keys", name, hash_api_key(key))
    share_operators(root)
    return key


def add_webhook(root: Path, name: str) -> str:
    """Make a Standard Webhooks secret for the source `name` and return it."""
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    _append(root / "publishers" / "webhook-secrets", name, secret)
    return secret


def share_operators(root: Path) -> bool:
    """Give index the hashes of the operator's keys, which open its own page; tell if they changed."""
    path = root / "operators" / "keys"
    lines = [line for line in _lines(root / "publishers" / "api-keys") if line.split()[:1] == [FIRST_KEY]]
    if lines == _lines(path):
        return False
    _write(path, "".join(f"{line}\n" for line in lines))
    return True


def revoke(root: Path, name: str) -> str:
    """Mark every key of `name` as revoked and drop its webhook secrets; say how many that were."""
    keys, hooks = (root / "publishers" / file for file in ("api-keys", "webhook-secrets"))
    taken = [line for line in _lines(keys) if line.split()[:1] == [name] and not line.endswith(" revoked")]
    kept = [line for line in _lines(hooks) if line.split()[:1] != [name]]
    dropped = len(_lines(hooks)) - len(kept)
    if not taken and not dropped:
        raise SystemExit(f"{name} has no key and no webhook secret")
    _write(keys, "".join(f"{line} revoked\n" if line in taken else f"{line}\n" for line in _lines(keys)))
    _write(hooks, "".join(f"{line}\n" for line in kept))
    share_operators(root)
    return f"revoked {len(taken)} keys and {dropped} webhook secrets of {name}"


def init(root: Path) -> list[str]:
    """Make what is missing and return its paths. What exists is never changed."""
    made = []
    password_file = root / "redis-password" / "password"
    users_file = root / "redis-users" / "users.acl"
    if not password_file.exists():
        _write(password_file, f"{secrets.token_urlsafe(32)}\n")
        users_file.unlink(missing_ok=True)  # belongs to a password that is gone
        made.append(str(password_file))
    if not users_file.exists():
        password = password_file.read_text(encoding="utf-8").strip()
        digest = hashlib.sha256(password.encode()).hexdigest()
        _write(users_file, REDIS_USERS.format(password_sha256=digest))
        made.append(str(users_file))
    if not (root / "publishers" / "webhook-secrets").exists():
        _write(root / "publishers" / "webhook-secrets", "# name whsec_<base64>\n")
    if not (root / "publishers" / "api-keys").exists():
        _write(root / "operator" / "api-key", f"{add_key(root, FIRST_KEY)}\n", mode=0o400)
        made.append(str(root / "operator" / "api-key"))
    if share_operators(root):
        made.append(str(root / "operators" / "keys"))
    return made


def main(arguments: list[str], root: Path = ROOT) -> str:
    """Run one command and return what it prints. Raises SystemExit with a message for a wrong call."""
    match arguments:
        case ["init"]:
            made = init(root)
            return f"made {', '.join(made)}" if made else "all secrets exist; nothing changed"
        case ["show"]:
            return (root / "operator" / "api-key").read_text(encoding="utf-8").strip()
        case ["add-key", name]:
            return add_key(root, name)
        case ["add-webhook", name]:
            return add_webhook(root, name)
        case ["revoke", name]:
            return revoke(root, name)
        case ["sources", *words] if words:
            from services.cli.app import run  # heavy, and `init` runs at each start

            raise SystemExit(run(["sources", *words, "--file", str(root / "publishers" / FILE)]))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{main(sys.argv[1:])}\n")
    except ConfigurationError as error:
        sys.exit(str(error))
