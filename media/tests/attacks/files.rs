//! Files as people send them, and as nobody should.

use std::io::Write;

use flate2::{Compression, write::DeflateEncoder};
use rawzip::{CompressionMethod, ZipArchiveWriter};

pub const PDF: &[u8] = b"%PDF-1.7\n%an invented curriculum vitae\n%%EOF\n";
pub const GIF: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0;";
pub const HTML: &[u8] = b"<!DOCTYPE html><html><script>alert(1)</script></html>";
pub const SVG: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
pub const PROGRAM: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0";

pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    file.extend_from_slice(&width.to_be_bytes());
    file.extend_from_slice(&height.to_be_bytes());
    file.extend_from_slice(&[8, 2, 0, 0, 0, 0, 0, 0, 0]);
    file
}

pub fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut file = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08".to_vec();
    file.extend_from_slice(&height.to_be_bytes());
    file.extend_from_slice(&width.to_be_bytes());
    file.extend_from_slice(b"\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xd9");
    file
}

pub fn webp(width: u16, height: u16) -> Vec<u8> {
    let mut file = b"RIFF\x1e\0\0\0WEBPVP8 \x12\0\0\0\x10\x02\0\x9d\x01\x2a".to_vec();
    file.extend_from_slice(&width.to_le_bytes());
    file.extend_from_slice(&height.to_le_bytes());
    file.extend_from_slice(&[0; 16]);
    file
}

pub fn mp4() -> Vec<u8> {
    [b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".as_slice(), &[0; 8192]].concat()
}

pub fn webm() -> Vec<u8> {
    [
        b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm"
            .as_slice(),
        &[0; 512],
    ]
    .concat()
}

/// An archive of these files, deflated.
pub fn zip<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut file);
    for (name, content) in files {
        let builder = archive.new_file(name).compression_method(CompressionMethod::DEFLATE);
        let (mut entry, config) = builder.start().unwrap();
        let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
        writer.write_all(content).unwrap();
        let (encoder, descriptor) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    file
}

const TYPES: (&str, &[u8]) = ("[Content_Types].xml", b"<Types/>");
const DOCUMENT: (&str, &[u8]) = ("word/document.xml", b"<w:document/>");

pub fn docx<'a>(more: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    zip([TYPES, DOCUMENT].into_iter().chain(more))
}

pub fn odt() -> Vec<u8> {
    zip([
        ("mimetype", b"application/vnd.oasis.opendocument.text".as_slice()),
        ("content.xml", b"<office:document-content/>"),
    ])
}

/// An archive whose directory names its last file so many times: little data, inflated again and again.
pub fn overlapping(archive: &[u8], times: u16) -> Vec<u8> {
    let end = archive.len() - 22;
    let word = |at: usize| u32::from_le_bytes(archive[at..at + 4].try_into().unwrap());
    let (size, begin) = (word(end + 12), word(end + 16) as usize);
    let last = (begin..end).rev().find(|at| archive[*at..].starts_with(b"PK\x01\x02")).unwrap();
    let record = &archive[last..end];
    let mut file = archive[..end].to_vec();
    for _ in 0..times {
        file.extend_from_slice(record);
    }
    let mut tail = archive[end..].to_vec();
    let count = u16::from_le_bytes([tail[10], tail[11]]) + times;
    tail[8..10].copy_from_slice(&count.to_le_bytes());
    tail[10..12].copy_from_slice(&count.to_le_bytes());
    tail[12..16].copy_from_slice(&(size + u32::try_from(record.len()).unwrap() * u32::from(times)).to_le_bytes());
    file.extend_from_slice(&tail);
    file
}

/// An archive whose directory says that its last file has so many bytes once inflated.
pub fn lying(archive: &[u8], says: u32) -> Vec<u8> {
    let mut file = archive.to_vec();
    let last = (0..file.len()).rev().find(|at| file[*at..].starts_with(b"PK\x01\x02")).unwrap();
    file[last + 24..last + 28].copy_from_slice(&says.to_le_bytes());
    file
}

/// The same, saying that its last file is encrypted.
pub fn encrypted(archive: &[u8]) -> Vec<u8> {
    let mut file = archive.to_vec();
    let last = (0..file.len()).rev().find(|at| file[*at..].starts_with(b"PK\x01\x02")).unwrap();
    file[last + 8] |= 1;
    file
}
