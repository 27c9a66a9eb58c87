"""Brings the engines: Kafka and Apicurio from Maven Central, PostgreSQL from Debian's package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from processes import EngineError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent / "target" / "engines"


def version(engine: str) -> str:
    """The version of `kafka`, `apicurio` or `postgresql` that the pom names."""
    found = ElementTree.parse(HERE / "pom.xml").findtext(f".//{{*}}{engine}.version")
    if found is None:
        raise EngineError(f"pom.xml names no version of {engine}")
    return found


def java() -> str:
    """The Java to run with, 17 or later."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java") or (home and shutil.which("java", path=f"{home}/bin"))
    if not found:
        raise EngineError("Java is missing: apt-get install openjdk-17-jre-headless")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=True).stderr
    major = re.search(r'version "(\d+)', said)
    if not major or int(major[1]) < 17:
        raise EngineError(f"Java 17 or later is needed, {found} is another: {said.splitlines()[0]}")
    return found


def kafka() -> Path:
    """The folder of Kafka's jars; brings them if they are not there."""
    libs = ROOT / f"kafka-{version('kafka')}" / "libs"
    if not libs.is_dir():
        with _folder_for(libs.parent) as folder:
            _maven("dependency:copy-dependencies", f"-DoutputDirectory={folder}/libs")
    return libs


def apicurio() -> Path:
    """The runner of Apicurio Registry; brings it if it is not there."""
    name = f"apicurio-registry-app-{version('apicurio')}"
    home = ROOT / f"apicurio-{version('apicurio')}"
    if not home.is_dir():
        with _folder_for(home) as folder:
            _maven("dependency:copy@registry", f"-DoutputDirectory={folder}")
            archive = folder / f"{name}-all.tar.gz"
            with tarfile.open(archive) as content:
                content.extractall(folder)
            archive.unlink()
    found = next(home.rglob(f"{name}-runner.jar"), None)
    if found is None:
        raise EngineError(f"no runner in {home}: remove the folder and install again")
    return found


def postgres() -> Path:
    """The folder of PostgreSQL's programs; installs Debian's package if there is none."""
    found = _postgres()
    if found is None:
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise EngineError("PostgreSQL is missing: apt-get install postgresql")
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "postgresql"]):
            _run(["apt-get", *command], quiet)
        found = _postgres()
    if found is None:
        raise EngineError("PostgreSQL is installed, but no initdb is below /usr/lib/postgresql")
    return found


def _postgres() -> Path | None:
    """Debian's programs: the version of the pom first, then the newest; any other initdb at last."""
    wanted = version("postgresql")
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if folders:
        return max(folders, key=lambda folder: (folder.parent.name == wanted, float(folder.parent.name)))
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).resolve().parent if elsewhere else None


def _maven(goal: str, setting: str) -> None:
    if not shutil.which("mvn"):
        raise EngineError("Maven is missing: apt-get install maven")
    java()
    _run(["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), goal, setting], None)


def _run(command: list[str], environment: dict[str, str] | None) -> None:
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EngineError(f"`{' '.join(command)}` failed\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


class _folder_for:
    """A folder that takes its name only once it is complete, so that half of an engine is never taken for one."""

    def __init__(self, name: Path) -> None:
        self.name = name

    def __enter__(self) -> Path:
        ROOT.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix=".coming-", dir=ROOT))
        self.folder.chmod(0o755)
        return self.folder

    def __exit__(self, failed: type | None, *_: object) -> None:
        if failed is None and not self.name.exists():
            self.folder.rename(self.name)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
