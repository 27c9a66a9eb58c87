//! Writes under the newest schema of one subject, reads under every published version and every one that was learned.
//!
//! **Invariant:** a datum of another version is resolved to the newest as the Avro specification says, and is an error
//! unless it ends where its bytes end. No message repeats a value.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use apache_avro::{Schema, rabin::Rabin, reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter};
use serde::{Serialize, de::DeserializeOwned};

use super::{CodecError, evolution::Subject, published_versions};

/// More than any record may ask for: a damaged length must not take the memory.
const MAX_DATUM_BYTES: usize = 256 << 20;
const MARKER: [u8; 2] = [0xC3, 0x01];
const HEADER_BYTES: usize = MARKER.len() + 8;
/// Versions of one subject that are learned; schemas live as long as the process.
const MOST_LEARNED: usize = 256;

/// The CRC-64-AVRO fingerprint of a schema, as it stands in the bytes.
pub(crate) type Fingerprint = [u8; 8];

/// Reads and writes the records of one subject.
pub(crate) struct Codec {
    newest: Version,
    header: [u8; HEADER_BYTES],
    others: RwLock<HashMap<Fingerprint, Arc<Version>>>,
}

/// A version of a schema, ready for use.
struct Version {
    schema: &'static Schema,
    reader: GenericDatumReader<'static>,
    writer: GenericDatumWriter<'static>,
}

impl Codec {
    pub(crate) fn new(subject: &str) -> Self {
        apache_avro::util::max_allocation_bytes(MAX_DATUM_BYTES);
        let mut versions: Vec<Version> =
            published_versions(subject).iter().map(|text| Version::published(text)).collect();
        let newest = versions.pop().expect("every subject has a published version");
        let mut header = [0; HEADER_BYTES];
        header[..MARKER.len()].copy_from_slice(&MARKER);
        header[MARKER.len()..].copy_from_slice(&fingerprint_of(newest.schema));
        let others = versions.into_iter().map(|version| (fingerprint_of(version.schema), Arc::new(version)));
        Self { newest, header, others: RwLock::new(others.collect()) }
    }

    /// Writes a datum behind the header that names its schema.
    pub(crate) fn encode<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, CodecError> {
        let mut bytes = Vec::with_capacity(1024);
        bytes.extend_from_slice(&self.header);
        self.encode_bare(value, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes a datum alone behind what is there already.
    pub(crate) fn encode_bare<T: Serialize>(&self, value: &T, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
        self.newest.writer.write_ser(bytes, value).map_err(|error| CodecError::Encode(without_schema(&error)))?;
        Ok(())
    }

    /// Reads a datum behind the header that names its schema.
    pub(crate) fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, CodecError> {
        let (fingerprint, datum) = split(bytes)?;
        self.decode_bare(fingerprint, datum)
    }

    /// Reads a datum that was written under the schema of that fingerprint.
    pub(crate) fn decode_bare<T: DeserializeOwned>(
        &self,
        fingerprint: Fingerprint,
        datum: &[u8],
    ) -> Result<T, CodecError> {
        if fingerprint == self.newest_fingerprint() {
            return self.newest.read(datum);
        }
        let other = self.others.read().unwrap_or_else(PoisonError::into_inner).get(&fingerprint).cloned();
        let Some(other) = other else {
            return Err(CodecError::UnknownSchema { fingerprint: format!("{:016x}", u64::from_be_bytes(fingerprint)) });
        };
        self.newest.read(&other.resolve(datum, &self.newest)?)
    }

    /// Whether a datum behind its header can be read.
    pub(crate) fn knows(&self, bytes: &[u8]) -> Result<bool, CodecError> {
        let (fingerprint, _) = split(bytes)?;
        let others = || self.others.read().unwrap_or_else(PoisonError::into_inner).contains_key(&fingerprint);
        Ok(fingerprint == self.newest_fingerprint() || others())
    }

    /// The fingerprint of what is written now.
    pub(crate) fn newest_fingerprint(&self) -> Fingerprint {
        self.header[MARKER.len()..].try_into().expect("the header ends with eight bytes")
    }

    /// Reads what was written under one more version from now on.
    pub(crate) fn learn(&self, subject: Subject, schema: Schema) -> Result<Fingerprint, CodecError> {
        let fingerprint = fingerprint_of(&schema);
        if fingerprint == self.newest_fingerprint() {
            return Ok(fingerprint);
        }
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        if !others.contains_key(&fingerprint) {
            if others.len() >= MOST_LEARNED {
                return Err(CodecError::Schema(format!("{subject} has more than {MOST_LEARNED} versions")));
            }
            let version = Version::of(schema).map_err(|error| CodecError::Schema(without_schema(&error)))?;
            others.insert(fingerprint, Arc::new(version));
        }
        Ok(fingerprint)
    }
}

impl Version {
    fn published(text: &str) -> Self {
        let schema = Schema::parse_str(text).expect("published schemas parse");
        Self::of(schema).expect("published schemas resolve")
    }

    fn of(schema: Schema) -> Result<Self, apache_avro::Error> {
        let schema: &'static Schema = Box::leak(Box::new(schema));
        Ok(Self {
            schema,
            reader: GenericDatumReader::builder(schema).human_readable(false).build()?,
            writer: GenericDatumWriter::builder(schema).human_readable(false).build()?,
        })
    }

    fn read<T: DeserializeOwned>(&self, mut datum: &[u8]) -> Result<T, CodecError> {
        let value = self.reader.read_deser(&mut datum).map_err(|error| damaged(&error))?;
        require_end(datum)?;
        Ok(value)
    }

    /// Rewrites a datum of this version under another one.
    fn resolve(&self, mut datum: &[u8], newest: &Version) -> Result<Vec<u8>, CodecError> {
        let length = datum.len();
        let value = self.reader.read_value(&mut datum).map_err(|error| damaged(&error))?;
        require_end(datum)?;
        // Where the bytes end too early the library puts nulls: the value cannot be written again, or takes more bytes.
        let mut again = Vec::with_capacity(length);
        self.writer.write_value_ref(&mut again, &value).map_err(|error| damaged(&error))?;
        if again.len() > length {
            return Err(CodecError::Damaged("the bytes end too early".to_owned()));
        }
        let value = value.resolve(newest.schema).map_err(|error| damaged(&error))?;
        newest.writer.write_value_to_vec(value).map_err(|error| damaged(&error))
    }
}

fn split(bytes: &[u8]) -> Result<(Fingerprint, &[u8]), CodecError> {
    let (header, datum) = bytes.split_at_checked(HEADER_BYTES).ok_or(CodecError::Header)?;
    let fingerprint = header.strip_prefix(&MARKER).ok_or(CodecError::Header)?;
    Ok((fingerprint.try_into().expect("eight bytes are left of the header"), datum))
}

fn require_end(rest: &[u8]) -> Result<(), CodecError> {
    if rest.is_empty() { Ok(()) } else { Err(CodecError::Damaged(format!("{} bytes too many", rest.len()))) }
}

fn damaged(error: &apache_avro::Error) -> CodecError {
    CodecError::Damaged(without_schema(error))
}

/// The library's message without the whole schema that it quotes.
pub(super) fn without_schema(error: &apache_avro::Error) -> String {
    let message = error.to_string();
    message.split(" using schema ").next().unwrap_or_default().chars().take(200).collect()
}

/// The fingerprint of a schema.
pub(super) fn fingerprint_of(schema: &Schema) -> Fingerprint {
    let fingerprint = schema.fingerprint::<Rabin>();
    fingerprint.bytes.try_into().expect("CRC-64 has eight bytes")
}
