//! Reads a document and writes it in another dialect: for trying mappings out.

use std::path::Path;

use mappings::{Catalogue, ReadOptions, WriteOptions};
use schemas::Kind;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let catalogue = match Catalogue::load(Path::new("mappings")) {
        Ok(catalogue) => catalogue,
        Err(errors) => {
            for error in errors {
                println!("{error}");
            }
            return;
        }
    };
    let [from, to, file] = arguments.as_slice() else {
        println!("{} mappings load", catalogue.mappings().count());
        return;
    };
    let mapping =
        |name: &str| catalogue.mapping(&name.parse().expect("a name"), Kind::Vacancy).expect("the dialect is there");
    let bytes = std::fs::read(file).expect("the file can be read");
    let reading = match mapping(from).read(&bytes, &ReadOptions { full: true, ..ReadOptions::default() }) {
        Ok(reading) => reading,
        Err(failure) => return println!("{failure:#?}"),
    };
    println!("{}", serde_json::to_string_pretty(&reading.record).expect("records are JSON"));
    println!("{:?} {:?} kept {}", reading.operation, reading.shape, reading.loss.kept);
    for entry in &reading.loss.entries {
        println!("  {:?} {} {:?} {:?}", entry.outcome, entry.code, entry.pointer, entry.path);
    }
    println!("{}", reading.complement.to_json());
    match mapping(to).write(&reading.record, &WriteOptions::default()) {
        Ok(writing) => {
            println!("{}\nkept {}", String::from_utf8_lossy(&writing.bytes), writing.loss.kept);
            for entry in &writing.loss.entries {
                println!("  {:?} {} {:?}", entry.outcome, entry.code, entry.path);
            }
        }
        Err(refusal) => println!("{refusal:?}"),
    }
}
