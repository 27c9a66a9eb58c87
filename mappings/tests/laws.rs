//! The laws of every mapping: on its samples, and on records made by chance.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod generated;

use std::fmt;

use mappings::{Catalogue, WriteOptions, laws};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use schemas::Record;

/// A record that is shown as JSON.
struct AsJson(Record);

impl fmt::Debug for AsJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serde_json::to_string(&self.0).unwrap())
    }
}

#[test]
fn every_sample_is_what_its_files_say() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut count = 0;
    let mut broken = Vec::new();
    for mapping in catalogue.mappings() {
        let samples = laws::samples(mapping);
        assert!(!samples.is_empty(), "{} has no samples", mapping.dialect());
        for sample in samples {
            broken.extend(laws::check_sample(&catalogue, mapping, &sample));
            count += 1;
        }
    }
    let report: Vec<String> = broken.iter().map(ToString::to_string).collect();
    assert!(report.is_empty(), "{} of {count} samples:\n{}", report.len(), report.join("\n"));
    assert!(count >= 20, "only {count} samples were found");
}

#[test]
fn reading_what_was_written_gives_the_record_up_to_the_losses() {
    const CASES: u32 = 500;
    let catalogue = Catalogue::embedded().unwrap();
    for mapping in catalogue.mappings().filter(|mapping| mapping.directions().reads() && mapping.directions().writes())
    {
        let strategy = generated::records(mapping.kind(), catalogue.library()).prop_map(AsJson);
        let mut runner = TestRunner::new_with_rng(
            Config { cases: CASES, failure_persistence: None, ..Config::default() },
            TestRng::deterministic_rng(RngAlgorithm::ChaCha),
        );
        let result = runner.run(&strategy, |AsJson(record)| {
            let broken = laws::check_record(&catalogue, mapping, &record);
            let problems: Vec<String> = broken.iter().map(ToString::to_string).collect();
            proptest::prop_assert!(problems.is_empty(), "{}", problems.join("\n"));
            Ok(())
        });
        if let Err(error) = result {
            panic!("{}: {error}", mapping.dialect());
        }
        let (mut written, mut kept, mut lost) = (0, 0, 0);
        for _ in 0..CASES {
            let AsJson(record) = strategy.new_tree(&mut runner).unwrap().current();
            if let Ok(writing) = mapping.write(&record, &WriteOptions::default()) {
                written += 1;
                kept += writing.loss.kept;
                lost += writing.loss.entries.len();
            }
        }
        // A law that holds because nothing is ever written would prove nothing.
        assert!(written > CASES / 4, "{}: {written} of {CASES} were written", mapping.dialect());
        assert!(kept > 0, "{}: nothing was kept beside {lost} losses", mapping.dialect());
    }
}
