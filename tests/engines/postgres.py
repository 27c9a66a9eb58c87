"""PostgreSQL on a free port, trusting whoever comes from this machine."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from pathlib import Path

import install
from processes import Engine, EngineError, Running, free_port

SETTINGS = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300", "log_min_messages=warning"]


def add(running: Running) -> None:
    """Makes an empty cluster and starts it; as root it runs as the user `postgres`."""
    programs = install.postgres()
    user = "postgres" if os.geteuid() == 0 else None
    folder = running.folder / "postgres"
    folder.mkdir(mode=0o700)
    if user:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    _initialise(programs, folder, user)
    port = free_port()
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    command = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port), *settings]
    postgres = Engine("postgres", str(folder), command, {"sql": port}, user=user)
    postgres.start()
    running.engines.append(postgres)
    running.save()
    postgres.wait_until(lambda: answers(postgres))
    running.exports["PASSERELLE_TEST_POSTGRESQL"] = f"postgres://postgres@127.0.0.1:{port}/postgres"


def act(postgres: Engine, what: str) -> None:
    """Does to PostgreSQL what the command says: kill, restart, stop, cont or start."""
    match what:
        case "kill":
            postgres.stop(signal.SIGKILL)
        case "stop":
            postgres.signal(signal.SIGSTOP, family=True)
        case "cont":
            postgres.signal(signal.SIGCONT, family=True)
        case "restart":
            postgres.stop(signal.SIGINT)
            _start(postgres)
        case "start" if not postgres.runs():
            _start(postgres)


def answers(postgres: Engine) -> bool:
    """Does it take connections?"""
    ready = Path(postgres.command[0]).with_name("pg_isready")
    asked = [str(ready), "-q", "-t", "2", "-h", "127.0.0.1", "-p", str(postgres.ports["sql"])]
    return subprocess.run(asked, check=False).returncode == 0


def _start(postgres: Engine) -> None:
    """Starts it again. The file would keep it from starting where nobody has asked yet how the old process ended."""
    (Path(postgres.folder) / "data" / "postmaster.pid").unlink(missing_ok=True)
    postgres.start()
    postgres.wait_until(lambda: answers(postgres))


def _initialise(programs: Path, folder: Path, user: str | None) -> None:
    options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-D", str(folder / "data")]
    command = [str(programs / "initdb"), *options]
    done = subprocess.run(command, check=False, user=user, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise EngineError(f"initdb failed\n{done.stdout}{done.stderr}")
