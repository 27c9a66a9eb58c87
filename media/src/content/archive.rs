//! Documents that are ZIP archives: Office Open XML and `OpenDocument`.
//!
//! **Invariant:** what an archive says of itself is never believed: its files are counted, and inflated into nothing.

use std::io::Read;

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};

use crate::{ContentLimits, FetchError, MediaType};

/// How an archive begins that has no other file before it (APPNOTE.TXT 4.3.7).
pub(super) const SIGNATURE: &[u8] = b"PK\x03\x04";

/// The file in which `OpenDocument` says its type.
const MIMETYPE: &[u8] = b"mimetype";

/// Enough of a file to compare a type with.
const HEAD_BYTES: usize = 128;

/// What of an archive tells its type.
#[derive(Default)]
struct Found {
    entries: usize,
    inflated_bytes: u64,
    has_types: bool,
    has_word_document: bool,
    has_macros: bool,
    is_open_document: bool,
}

/// Tells what an archive is, having gone through all of it.
pub(super) fn look(file: &[u8], limits: ContentLimits) -> Result<MediaType, FetchError> {
    let archive = ZipArchive::from_slice(file).map_err(|_| FetchError::Damaged)?;
    let mut found = Found::default();
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry().map_err(|_| FetchError::Damaged)? {
        found.entries += 1;
        if found.entries > limits.entries {
            return Err(FetchError::Entries { limit: limits.entries });
        }
        let path = entry.file_path();
        let path = path.as_ref();
        found.has_types |= path == b"[Content_Types].xml";
        found.has_word_document |= path == b"word/document.xml";
        found.has_macros |= path.ends_with(b"vbaProject.bin");
        let room = limits.inflated_bytes - found.inflated_bytes;
        let file =
            inflate(&archive, &entry, room)?.ok_or(FetchError::Inflated { limit_bytes: limits.inflated_bytes })?;
        found.inflated_bytes += file.bytes;
        found.is_open_document |= path == MIMETYPE && file.head == MediaType::Odt.as_str().as_bytes();
    }
    if found.entries as u64 != archive.entries_hint() {
        return Err(FetchError::Damaged);
    }
    found.media_type()
}

impl Found {
    fn media_type(&self) -> Result<MediaType, FetchError> {
        if self.has_macros {
            return Err(FetchError::Macros);
        }
        match (self.is_open_document, self.has_types && self.has_word_document) {
            (true, false) => Ok(MediaType::Odt),
            (false, true) => Ok(MediaType::Docx),
            _ => Err(FetchError::Type),
        }
    }
}

/// What is known of a file in an archive after it was inflated.
struct Inflated {
    bytes: u64,
    head: Vec<u8>,
}

/// Inflates a file as far as there is room; none if there is not enough.
fn inflate(
    archive: &ZipSliceArchive<&[u8]>,
    entry: &ZipFileHeaderRecord<'_>,
    room: u64,
) -> Result<Option<Inflated>, FetchError> {
    let packed = archive.get_entry(entry.wayfinder()).map_err(|_| FetchError::Damaged)?;
    if entry.flags().is_encrypted() || packed.local_header().flags().is_encrypted() {
        return Err(FetchError::Packing);
    }
    let plain: Box<dyn Read> = match entry.compression_method() {
        CompressionMethod::STORE => Box::new(packed.data()),
        CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(packed.data())),
        _ => return Err(FetchError::Packing),
    };
    // Length and checksum have to be those that the archive says, so that everybody who opens it inflates the same.
    let mut plain = packed.verifying_reader(plain);
    let mut inflated = Inflated { bytes: 0, head: Vec::new() };
    let mut piece = [0; 16 << 10];
    loop {
        let read = plain.read(&mut piece).map_err(|_| FetchError::Damaged)?;
        if read == 0 {
            return Ok(Some(inflated));
        }
        inflated.bytes += read as u64;
        if inflated.bytes > room {
            return Ok(None);
        }
        let wanted = HEAD_BYTES.saturating_sub(inflated.head.len()).min(read);
        inflated.head.extend_from_slice(&piece[..wanted]);
    }
}
