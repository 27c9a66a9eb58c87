#!/usr/bin/env python3
"""What docker/ names is what the tests use: versions, ports, variables, settings, metrics."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

import install

PROJECT = Path(__file__).resolve().parent.parent.parent
DOCKER = PROJECT / "docker"
COMPOSE = (DOCKER / "compose.yaml").read_text()
EXAMPLE = dict(re.findall(r"^(\w+)=(.*)$", (DOCKER / ".env.example").read_text(), re.MULTILINE))
TESTS = dict(re.findall(r"^(\w+)=(.*)$", (DOCKER / "tests.env").read_text(), re.MULTILINE))


class Compose(unittest.TestCase):
    def test_compose_finds_the_file_right(self) -> None:
        compose = shutil.which("docker-compose")
        if compose is None:
            self.assertFalse(os.environ.get("PASSERELLE_CI"), "docker-compose is missing")
            self.skipTest("docker-compose is missing: apt-get install docker-compose")
        files = ["-f", str(DOCKER / "compose.yaml"), "--env-file", str(DOCKER / ".env.example")]
        done = subprocess.run([compose, *files, "config", "--quiet"], check=False, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_images_have_the_versions_of_the_pom(self) -> None:
        images = dict(image.rsplit(":", 1) for image in re.findall(r"^    image: (\S+:\S+)$", COMPOSE, re.MULTILINE))
        self.assertEqual(images.pop("apache/kafka"), install.version("kafka"))
        self.assertEqual(images.pop("apicurio/apicurio-registry"), install.version("apicurio"))
        self.assertEqual(images.pop("postgres"), install.version("postgresql"))
        self.assertEqual(sorted(images), ["grafana/grafana", "prom/prometheus"], "an image that nothing compares")

    def test_every_variable_has_an_example(self) -> None:
        self.assertEqual(set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE)), set(EXAMPLE))

    def test_the_tests_find_the_ports(self) -> None:
        for engine in ("KAFKA", "REGISTRY", "POSTGRESQL"):
            self.assertIn(f"127.0.0.1:{EXAMPLE[f'{engine}_PORT']}", TESTS[f"PASSERELLE_TEST_{engine}"])
        runner = (PROJECT / "tests/engines/engines").read_text() + (PROJECT / "tests/engines/kafka.py").read_text()
        for name in TESTS:
            self.assertTrue(f'"{name.removeprefix("PASSERELLE_TEST_")}"' in runner, f"nothing reads {name}")

    def test_every_setting_is_one(self) -> None:
        defaults = tomllib.loads((PROJECT / "gateway/src/gateway.default.toml").read_text())
        for text in (COMPOSE, (DOCKER / "Dockerfile").read_text()):
            for name in re.findall(r"PASSERELLE__(\w+)", text):
                section, setting = name.lower().split("__")
                self.assertTrue(setting in defaults.get(section, {}), f"PASSERELLE__{name} is no setting")

    def test_every_secret_is_a_file(self) -> None:
        folder = DOCKER / EXAMPLE["SECRETS_DIR"]
        for name in re.findall(r"\$\{SECRETS_DIR\}/([\w.-]+)", COMPOSE):
            self.assertTrue((folder / name).is_file(), name)

    def test_every_metric_of_the_dashboard_is_counted(self) -> None:
        sources = "\n".join(path.read_text() for path in (PROJECT / "gateway/src").rglob("*.rs"))
        dashboard = json.loads((DOCKER / "grafana/dashboards/passerelle.json").read_text())
        asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        for name in re.findall(r"passerelle_\w+", "\n".join(asked)):
            self.assertTrue(f'"{name}"' in sources, f"nothing counts {name}")


if __name__ == "__main__":
    unittest.main()
