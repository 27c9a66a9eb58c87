//! The functions that are fuzzed, on what fuzzing has found and on the documents that it begins with.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

#[path = "../fuzz/lib.rs"]
mod fuzz;

use std::{collections::BTreeSet, fs, path::Path};

/// The files of a folder of the crate and of those below it.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(fs::read(path).unwrap()) }
        }
    }
    found
}

#[test]
fn what_was_found_is_found_no_more() {
    for (name, read) in fuzz::READERS {
        let found = files(&format!("fuzz/found/{name}"));
        assert!(!found.is_empty(), "{name} has nothing to begin with");
        for bytes in &found {
            read(bytes);
        }
    }
}

#[test]
fn every_reader_has_a_target() {
    let targets = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets")).unwrap();
    let targets: BTreeSet<String> =
        targets.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(targets, fuzz::READERS.iter().map(|(name, _)| (*name).to_owned()).collect());
}

/// Every document of the samples, spoilt at many places: no reader may panic.
#[test]
fn spoilt_samples_are_read_or_refused() {
    let samples: Vec<Vec<u8>> = files("dialects");
    assert!(samples.len() > 100, "only {} files", samples.len());
    let spoilers: [&[u8]; 8] = [b"\0", b"\xFF", b"<", b"{", b"\"", b"\n", b"\\ud800", b" : "];
    for (turn, sample) in samples.iter().filter(|sample| sample.len() < 20_000).enumerate() {
        let at = (turn * 7919) % sample.len().max(1);
        let spoiler = spoilers[turn % spoilers.len()];
        let spoilt = [&sample[..at], spoiler, &sample[(at + 1).min(sample.len())..]].concat();
        for bytes in [sample, &spoilt, &sample[..at].to_vec()] {
            match bytes.trim_ascii_start().first() {
                Some(b'<') => fuzz::xml(bytes),
                Some(b'{' | b'[') => fuzz::json(bytes),
                _ => {}
            }
            fuzz::labels(bytes);
        }
    }
}
