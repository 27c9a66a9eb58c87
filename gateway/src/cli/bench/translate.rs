//! `passerelle bench translate`.

use std::hint::black_box;

use anyhow::{Context, Result, anyhow};
use mappings::{Catalogue, Mapping, ReadOptions, WriteOptions};
use schemas::Kind;

use super::{Row, floor::Floor, side_by_side};

/// The documents: one with HTML bodies, one of the same size with plain ones. Both invented.
const DOCUMENTS: [(&str, &str); 2] = [
    ("HTML bodies", include_str!("../../../../mappings/dialects/vdab-json/samples/001-full-html.in.json")),
    ("plain bodies", include_str!("../../../../mappings/dialects/vdab-json/samples/002-full-plain.in.json")),
];

/// Measures both documents: the whole translation, its halves, and bare tokenising.
pub fn run(rounds: usize) -> Result<Vec<Row>> {
    let catalogue = Catalogue::embedded().map_err(|errors| anyhow!("{} mistakes in the mappings", errors.len()))?;
    let (source, target) = (mapping(&catalogue, "vdab-json")?, mapping(&catalogue, "eures-xml")?);
    let floor = Floor::new();
    let mut rows = Vec::new();
    for (name, document) in DOCUMENTS {
        let document = document.as_bytes();
        let (read_options, write_options) = (ReadOptions::default(), WriteOptions::default());
        let record = source.read(document, &read_options).map_err(|failure| anyhow!("{failure}"))?.record;
        target.write(&record, &write_options)?;
        let write = || drop(black_box(target.write(black_box(&record), &write_options)));
        let read = || drop(black_box(source.read(black_box(document), &read_options)));
        let both = || {
            if let Ok(reading) = source.read(black_box(document), &read_options) {
                drop(black_box(target.write(&reading.record, &write_options)));
            }
        };
        let bare = || drop(black_box(floor.translate(black_box(document))));
        let tokens = || drop(black_box(serde_json::from_slice::<serde::de::IgnoredAny>(black_box(document))));
        rows.push(side_by_side(&format!("translate vdab-json eures-xml, {name}"), rounds, both, bare));
        rows.push(side_by_side(&format!("  of which reading, {name}"), rounds, read, bare));
        rows.push(side_by_side(&format!("  of which writing, {name}"), rounds, write, bare));
        rows.push(side_by_side(&format!("  bare tokenising, {name}"), rounds, tokens, bare));
    }
    Ok(rows)
}

fn mapping<'c>(catalogue: &'c Catalogue, dialect: &str) -> Result<&'c Mapping> {
    let found = catalogue.mapping(&dialect.parse()?, Kind::Vacancy);
    found.map(std::sync::Arc::as_ref).with_context(|| format!("there is no mapping of `{dialect}`"))
}
