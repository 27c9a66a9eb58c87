"""Apache Kafka in KRaft mode: one broker, or three with their partitions replicated; each is a controller too."""

from __future__ import annotations

import base64
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import uuid
from functools import partial
from pathlib import Path

import install
import network
from processes import Engine, EngineError, Running, free_port

USER, PASSWORD = "gateway", "gateway-password"

# Small, quick to start and, with three of them, quick to find out that one is gone.
SETTINGS = """\
process.roles=broker,controller
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL
auto.create.topics.enable=false
num.partitions=1
offsets.topic.num.partitions=8
transaction.state.log.num.partitions=8
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=16777216
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controller.quorum.fetch.timeout.ms=1000
controller.quorum.election.timeout.ms=500
replica.lag.time.max.ms=5000
"""
SASL = """\
listener.name.sasl.sasl.enabled.mechanisms=SCRAM-SHA-512,OAUTHBEARER
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
# Takes tokens that nobody signed: what is tested is that one is sent, and again before it ends.
listener.name.sasl.oauthbearer.sasl.jaas.config=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="gateway";
"""


def add(running: Running, brokers: int, data: dict[int, Path], apart: bool) -> None:
    """Starts the brokers and waits until each knows all.

    `data` has the places of logs that are not to lie in the folder; `apart` puts each broker into a network namespace.
    """
    libs, java = install.kafka(), install.java()
    numbers = range(1, brokers + 1)
    places = network.add(running, brokers) if apart else [("", "127.0.0.1")] * brokers
    hosts = {n: places[n - 1][1] for n in numbers}
    ports = {n: {"plaintext": free_port(), "controller": free_port()} for n in numbers}
    if brokers == 1:
        ports[1] |= {"sasl": free_port(), "tls": free_port()}
    voters = ",".join(f"{n}@{hosts[n]}:{ports[n]['controller']}" for n in numbers)
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    new = []
    for n in numbers:
        folder = running.folder / f"kafka-{n}"
        folder.mkdir()
        logs = data.get(n, folder / "data")
        settings = folder / "server.properties"
        settings.write_text(_settings(n, brokers, hosts[n], ports[n], voters, logs, folder))
        format_options = ["--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"]
        _format(java, libs, cluster, settings, format_options)
        heap = "-Xmx512m" if brokers == 1 else "-Xmx300m"
        command = [java, heap, "-Xms128m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Dlog4j2.level=WARN", "-cp", f"{libs}/*"]
        inside = ["ip", "netns", "exec", places[n - 1][0]] if apart else []
        command = [*inside, *command, "kafka.Kafka", str(settings)]
        new.append(Engine(f"kafka-{n}", str(folder), command, ports[n], host=hosts[n], link=places[n - 1][0]))
    for broker in new:
        broker.start()
        running.engines.append(broker)
    running.save()
    for broker in new:
        broker.wait_until(partial(_knows, broker, brokers))
    running.exports["PASSERELLE_TEST_KAFKA"] = ",".join(f"{hosts[n]}:{ports[n]['plaintext']}" for n in numbers)
    if brokers == 1:
        running.exports |= {
            "PASSERELLE_TEST_KAFKA_SASL": f"127.0.0.1:{ports[1]['sasl']}",
            "PASSERELLE_TEST_KAFKA_SASL_USER": USER,
            "PASSERELLE_TEST_KAFKA_SASL_PASSWORD": PASSWORD,
            "PASSERELLE_TEST_KAFKA_TLS": f"localhost:{ports[1]['tls']}",
            "PASSERELLE_TEST_KAFKA_CA": str(running.folder / "kafka-1" / "ca.pem"),
        }


def act(brokers: list[Engine], what: str) -> None:
    """Does to brokers what the command says: kill, term, stop, cont or start.

    Brokers that are all down are started by one command: none of them is ready before most of them run.
    """
    match what:
        case "kill":
            for broker in brokers:
                broker.stop(signal.SIGKILL)
        case "term":
            for broker in brokers:
                broker.stop(signal.SIGTERM, 60)
        case "stop":
            for broker in brokers:
                broker.signal(signal.SIGSTOP)
        case "cont":
            for broker in brokers:
                broker.signal(signal.SIGCONT)
        case "start":
            down = [broker for broker in brokers if not broker.runs()]
            for broker in down:
                broker.start()
            for broker in down:
                broker.wait_until(lambda: known_brokers(broker) > 0)


def known_brokers(broker: Engine) -> int:
    """How many live brokers this one knows, itself among them; 0 when it does not answer (Metadata request, version 4)."""
    own = broker.ports["plaintext"]
    body = struct.pack(">hhih", 3, 4, 1, -1) + struct.pack(">i?", 0, False)
    try:
        with socket.create_connection((broker.host, own), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            with connection.makefile("rb") as answer:
                (size,) = struct.unpack(">i", answer.read(4))
                said = answer.read(size)
    except (OSError, struct.error):
        return 0
    # Correlation id, throttle time, number of brokers, the brokers.
    (count,) = struct.unpack_from(">i", said, 8)
    return count if struct.pack(">i", own) in said else 0


def _knows(broker: Engine, brokers: int) -> bool:
    return known_brokers(broker) == brokers


def _settings(number: int, brokers: int, host: str, ports: dict[str, int], voters: str, logs: Path, folder: Path) -> str:
    copies, in_step = min(brokers, 3), min(brokers, 2)
    listeners = "".join(f",{name.upper()}://{host}:{port}" for name, port in ports.items())[1:]
    lines = [
        SETTINGS,
        f"node.id={number}",
        f"controller.quorum.voters={voters}",
        f"listeners={listeners}",
        f"log.dirs={logs}",
        f"default.replication.factor={copies}",
        f"min.insync.replicas={in_step}",
    ]
    for topic in ("transaction.state.log", "share.coordinator.state.topic"):
        lines += [f"{topic}.replication.factor={copies}", f"{topic}.min.isr={in_step}"]
    lines.append(f"offsets.topic.replication.factor={copies}")
    if "sasl" in ports:
        lines.append(SASL)
    if "tls" in ports:
        lines.append(_tls(folder))
    return "\n".join(lines) + "\n"


def _tls(folder: Path) -> str:
    """A certificate for 127.0.0.1 and localhost, as Java wants it and, for clients, as PEM."""
    keytool = shutil.which("keytool", path=str(Path(install.java()).resolve().parent)) or shutil.which("keytool")
    if keytool is None:
        raise EngineError("keytool is missing; it is part of Java")
    store, password = folder / "keys.p12", secrets.token_hex(16)
    with_store = ["-keystore", str(store), "-storetype", "PKCS12", "-storepass", password, "-alias", "broker"]
    subject = ["-dname", "CN=localhost", "-ext", "SAN=dns:localhost,ip:127.0.0.1", "-validity", "30"]
    for command in (
        ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", *subject, "-ext", "bc=ca:true"],
        ["-exportcert", "-rfc", "-file", str(folder / "ca.pem")],
    ):
        subprocess.run([keytool, *command, *with_store], check=True, capture_output=True)
    named = {"location": store, "type": "PKCS12", "password": password}
    return "\n".join(f"listener.name.tls.ssl.keystore.{key}={value}" for key, value in named.items())


def _format(java: str, libs: Path, cluster: str, settings: Path, options: list[str]) -> None:
    tool = [java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=WARN", "-cp", f"{libs}/*"]
    done = subprocess.run([*tool, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(settings), *options], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise EngineError(f"cannot format the log of a broker\n{done.stdout}{done.stderr}")
