"""Starts processes, remembers them in a JSON file, and stops those and no others."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path


class EngineError(Exception):
    """What a person must know about an engine that does not run."""


@dataclass
class Engine:
    """One process: everything that is needed to start it again. `pid` is 0 while it is down."""

    name: str
    folder: str
    command: list[str]
    ports: dict[str, int]
    environment: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    host: str = "127.0.0.1"
    # The end of its link that is outside of its network namespace; empty if it has none.
    link: str = ""
    pid: int = 0
    # Clock ticks since boot when the process began: a process id alone may be somebody else's by now.
    began: int = 0
    log: str = ""

    def start(self) -> None:
        """Starts the process in a session of its own; its output is appended to its log."""
        self.log = self.log or str(Path(self.folder) / "output.log")
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=os.environ | self.environment,
                user=self.user,
                start_new_session=True,
            )
        self.pid, self.began = process.pid, _status(process.pid)[2]

    def runs(self) -> bool:
        """Is it still the process that was started here?"""
        if self.pid == 0:
            return False
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        try:
            state, _, began = _status(self.pid)
        except OSError:
            return False
        return state != "Z" and began == self.began

    def signal(self, number: int, family: bool = False) -> None:
        """Signals the process; with `family` its children too, as the ones of PostgreSQL are in sessions of their own."""
        if not self.runs():
            return
        for pid in [self.pid, *(_children(self.pid) if family else [])]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait_until(self, answers: Callable[[], bool], seconds: float = 300) -> None:
        """Waits until the process answers; raises with the end of its log when it does not."""
        deadline = time.monotonic() + seconds
        while not answers():
            if not self.runs():
                raise EngineError(f"{self.name} stopped while starting\n{self.tail()}")
            if time.monotonic() > deadline:
                raise EngineError(f"{self.name} does not answer after {seconds:.0f} s\n{self.tail()}")
            time.sleep(0.1)

    def stop(self, number: int, seconds: float = 20) -> None:
        """Sends a signal and waits for the end, of its children too; kills what is still there then."""
        children = _children(self.pid) if self.runs() else []
        self.signal(number)
        self.signal(signal.SIGCONT, family=True)
        if not self.ends_within(seconds):
            self.signal(signal.SIGKILL)
            self.ends_within(5)
        deadline = time.monotonic() + 5
        while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.pid = self.began = 0

    def ends_within(self, seconds: float) -> bool:
        """Waits for the end of the process."""
        deadline = time.monotonic() + seconds
        while self.runs():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def tail(self, lines: int = 30) -> str:
        """The end of the log."""
        text = Path(self.log).read_text(errors="replace") if self.log else ""
        return "\n".join([f"end of {self.log}:", *text.splitlines()[-lines:]])


@dataclass
class Running:
    """What one run has started, as the JSON file says it."""

    folder: Path
    engines: list[Engine] = field(default_factory=list)
    exports: dict[str, str] = field(default_factory=dict)
    network: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.folder / "engines.json"

    def save(self) -> None:
        """Replaces the file in one step: a reader never sees half of it."""
        engines = [asdict(engine) for engine in self.engines]
        said = {"folder": str(self.folder), "exports": self.exports, "network": self.network, "engines": engines}
        written = self.file.with_suffix(".new")
        written.write_text(json.dumps(said, indent=2) + "\n")
        written.rename(self.file)

    @staticmethod
    def load(file: Path) -> Running:
        """Reads the file of a run."""
        said = json.loads(file.read_text())
        engines = [Engine(**engine) for engine in said["engines"]]
        return Running(file.parent, engines, said["exports"], said["network"])

    def engine(self, name: str) -> Engine:
        """The engine of a name."""
        for engine in self.engines:
            if engine.name == name:
                return engine
        raise EngineError(f"no {name} runs here: {', '.join(e.name for e in self.engines) or 'nothing'} does")

    def stop(self) -> None:
        """Ends everything at once; the data is thrown away, so nothing is asked politely but PostgreSQL."""
        for engine in self.engines:
            engine.signal(signal.SIGCONT, family=True)
            engine.signal(signal.SIGQUIT if engine.name == "postgres" else signal.SIGKILL)
        for engine in self.engines:
            engine.stop(signal.SIGKILL if engine.name != "postgres" else signal.SIGQUIT)


@contextlib.contextmanager
def changed(file: Path) -> Iterator[Running]:
    """The run of a file, written back at the end; two callers come one after the other."""
    with open(file.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = Running.load(file)
        try:
            yield running
        finally:
            running.save()


def free_port() -> int:
    """A port that nobody listens on, below those that the kernel gives to clients, so that a restart finds it free."""
    for _ in range(1000):
        port = random.randint(15000, 32000)
        with socket.socket() as attempt, contextlib.suppress(OSError):
            attempt.bind(("127.0.0.1", port))
            return port
    raise EngineError("no free port between 15000 and 32000")


def _status(pid: int) -> tuple[str, int, int]:
    """State, parent and start of a process, as /proc says them (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], int(fields[1]), int(fields[19])


def _children(pid: int) -> list[int]:
    """The children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if _status(int(entry.name))[1] == pid:
                    found.append(int(entry.name))
    return found
