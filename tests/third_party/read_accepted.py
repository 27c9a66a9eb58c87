#!/usr/bin/env python3
"""Reads the accepted vacancies of a gateway on Kafka with stock tools, and prints a line of JSON for each.

    read_accepted.py --bootstrap 127.0.0.1:9092 --registry http://127.0.0.1:8081 [--topic passerelle.accepted]

Nothing in here is of the gateway: the envelope is read under the schema whose id stands before it, the bodies inside
under the registered versions of the subjects that are called like their records (Avro's single-object encoding).
It ends at the end that the topic had when it began.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import sys
from typing import Any

import fastavro
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

CONTENT = "org.passerelle.content.Content"
VACANCY = "org.passerelle.vacancy.Vacancy"
MARKER = b"\xc3\x01"
SECONDS = 30.0


class Bodies:
    """Reads the records of one subject, each under the version whose fingerprint stands before it."""

    def __init__(self, registry: SchemaRegistryClient, subject: str) -> None:
        self.subject = subject
        self.schemas: dict[bytes, Any] = {}
        for version in registry.get_versions(subject):
            text = registry.get_version(subject, version).schema.schema_str
            schema = fastavro.parse_schema(json.loads(text))
            canonical = fastavro.schema.to_parsing_canonical_form(schema)
            fingerprint = fastavro.schema.fingerprint(canonical, "CRC-64-AVRO")
            self.schemas[bytes.fromhex(fingerprint)] = schema

    def read(self, body: bytes) -> Any:
        """The record in these bytes, to their last."""
        if body[:2] != MARKER:
            raise ValueError(f"no single-object encoding of {self.subject}")
        schema = self.schemas[body[2:10]]
        datum = io.BytesIO(body[10:])
        record = fastavro.schemaless_reader(datum, schema, None)
        if datum.read(1):
            raise ValueError(f"bytes are left behind a record of {self.subject}")
        return record


def read(options: argparse.Namespace) -> None:
    """Prints everything that the topic holds now."""
    registry = SchemaRegistryClient({"url": options.registry})
    envelopes = AvroDeserializer(registry)
    contents, vacancies = Bodies(registry, CONTENT), Bodies(registry, VACANCY)
    consumer = Consumer(
        {
            "bootstrap.servers": options.bootstrap,
            "group.id": "third-party",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    try:
        partitions = consumer.list_topics(options.topic, timeout=SECONDS).topics[options.topic].partitions
        begin = [TopicPartition(options.topic, number, 0) for number in partitions]
        ends = {place.partition: consumer.get_watermark_offsets(place, timeout=SECONDS) for place in begin}
        consumer.assign([TopicPartition(options.topic, number, low) for number, (low, _) in ends.items()])
        unread = {number for number, (low, high) in ends.items() if low < high}
        while unread:
            message = consumer.poll(SECONDS)
            if message is None:
                raise TimeoutError(f"nothing came within {SECONDS} s; partitions {sorted(unread)} are not at their end")
            error = message.error()
            if error is not None:
                if error.name() != "_PARTITION_EOF":
                    raise KafkaException(error)
                unread.discard(message.partition())
                continue
            context = SerializationContext(options.topic, MessageField.VALUE)
            envelope = envelopes(message.value(), context)
            print(json.dumps(line_of(envelope, message, contents, vacancies), ensure_ascii=False))
            # The end may be the mark of a transaction, which is never delivered: the end of the partition tells.
            if message.offset() + 1 >= ends[message.partition()][1]:
                unread.discard(message.partition())
    finally:
        consumer.close()


def line_of(envelope: Any, message: Any, contents: Bodies, vacancies: Bodies) -> dict[str, Any]:
    """What is printed of a record."""
    content = contents.read(envelope["body"]["bytes"]) if envelope["body"] else None
    canonical = content["canonical"] if content else b""
    return {
        "partition": message.partition(),
        "offset": message.offset(),
        "key": message.key().decode(),
        "envelope": {name: value for name, value in envelope.items() if name != "body"},
        "media_type": content["media_type"] if content else None,
        "raw": base64.b64encode(content["raw"]).decode() if content else None,
        "loss": content["loss"] if content else None,
        "close": content["close"] if content else None,
        "vacancy": vacancies.read(canonical) if canonical else None,
    }


def main() -> int:
    """Reads what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True, help="bootstrap servers of Kafka")
    parser.add_argument("--registry", required=True, help="the Confluent-compatible API of the schema registry")
    parser.add_argument("--topic", default="passerelle.accepted")
    read(parser.parse_args())
    return 0


if __name__ == "__main__":
    sys.exit(main())
