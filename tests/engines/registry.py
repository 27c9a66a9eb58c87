"""Apicurio Registry, with its storage in a file: in memory, ids would begin anew with every start."""

from __future__ import annotations

import signal
import urllib.error
import urllib.request

import install
from processes import Engine, Running, free_port


def add(running: Running) -> None:
    """Starts the registry and waits until it lists its subjects."""
    runner, java = install.apicurio(), install.java()
    folder = running.folder / "registry"
    folder.mkdir()
    port = free_port()
    environment = {
        "QUARKUS_HTTP_HOST": "127.0.0.1",
        "QUARKUS_HTTP_PORT": str(port),
        "APICURIO_STORAGE_KIND": "sql",
        "APICURIO_STORAGE_SQL_KIND": "h2",
        "APICURIO_DATASOURCE_URL": f"jdbc:h2:file:{folder}/data;WRITE_DELAY=0",
        "APICURIO_DATASOURCE_USERNAME": "sa",
        "APICURIO_DATASOURCE_PASSWORD": "sa",
    }
    command = [java, "-Xmx384m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-jar", str(runner)]
    registry = Engine("registry", str(folder), command, {"http": port}, environment)
    registry.start()
    running.engines.append(registry)
    running.save()
    registry.wait_until(lambda: answers(registry))
    running.exports["PASSERELLE_TEST_REGISTRY"] = address(registry)


def act(registry: Engine, what: str) -> None:
    """Does to the registry what the command says: kill, stop, cont or start."""
    match what:
        case "kill":
            registry.stop(signal.SIGKILL)
        case "stop":
            registry.signal(signal.SIGSTOP)
        case "cont":
            registry.signal(signal.SIGCONT)
        case "start" if not registry.runs():
            registry.start()
            registry.wait_until(lambda: answers(registry))


def address(registry: Engine) -> str:
    """The base of the API that Confluent's clients speak."""
    return f"http://127.0.0.1:{registry.ports['http']}/apis/ccompat/v7"


def answers(registry: Engine) -> bool:
    """Does it list its subjects?"""
    try:
        with urllib.request.urlopen(f"{address(registry)}/subjects", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
