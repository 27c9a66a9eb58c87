"""A network of namespaces, so that brokers can be cut off from each other and from the gateways. Needs root.

A bridge of this machine, on which the gateways are, joins the namespaces; each broker is in one of its own.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess

from processes import Engine, EngineError, Running


def add(running: Running, brokers: int) -> list[tuple[str, str]]:
    """Makes a namespace for each broker; returns its name, which is also that of its link, and its address."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        raise EngineError("network namespaces need root and the package iproute2")
    name, net = f"pas{secrets.token_hex(3)}", f"10.199.{secrets.randbelow(250)}"
    running.network = {"bridge": name, "gateways": f"{net}.254/24"}
    running.save()
    _ip("link", "add", name, "type", "bridge")
    _ip("addr", "add", running.network["gateways"], "dev", name)
    _ip("link", "set", name, "up")
    made = []
    for number in range(1, brokers + 1):
        inside = f"{name}-{number}"
        _ip("netns", "add", inside)
        _ip("link", "add", inside, "type", "veth", "peer", "name", "eth0", "netns", inside)
        _ip("link", "set", inside, "master", name, "up")
        _ip("-n", inside, "addr", "add", f"{net}.{number}/24", "dev", "eth0")
        _ip("-n", inside, "link", "set", "eth0", "up")
        _ip("-n", inside, "link", "set", "lo", "up")
        made.append((inside, f"{net}.{number}"))
    return made


def remove(running: Running) -> None:
    """Removes what was made; processes within must have ended. Connections keep a namespace alive, so links go first."""
    bridge = running.network.get("bridge")
    if not bridge:
        return
    for number in range(1, 4):
        for kind in ("link", "netns"):
            subprocess.run(["ip", kind, "del", f"{bridge}-{number}"], check=False, capture_output=True)
    subprocess.run(["ip", "link", "del", bridge], check=False, capture_output=True)


def act(running: Running, what: str) -> None:
    """Does to the whole network what the command says: `hide` all brokers from the gateways, or `heal` everything."""
    if what == "hide":
        _ip("addr", "flush", "dev", _bridge(running))
        return
    _ip("addr", "replace", running.network["gateways"], "dev", _bridge(running))
    for broker in running.engines:
        if broker.link:
            act_on(running, broker, "heal")


def act_on(running: Running, broker: Engine, what: str) -> None:
    """Does to one broker what the command says.

    `cut` takes it away from everybody; `part` from the other brokers, while the gateways still reach it; `heal` ends both.
    """
    _bridge(running)
    _ip("link", "set", broker.link, "down" if what == "cut" else "up")
    for other in running.engines:
        if other.link and other is not broker:
            for inside, address in ((broker.link, other.host), (other.link, broker.host)):
                done = ["ip", "-n", inside, "route", "replace" if what == "part" else "del", "blackhole", address]
                # Nothing to remove is no failure.
                subprocess.run(done, check=what == "part", capture_output=True)


def _bridge(running: Running) -> str:
    bridge = running.network.get("bridge")
    if not bridge:
        raise EngineError("the brokers are not in a network of their own: start them with --apart")
    return bridge


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*words: str) -> None:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise EngineError(f"`{' '.join(words)}` failed: {done.stderr.strip()}")
