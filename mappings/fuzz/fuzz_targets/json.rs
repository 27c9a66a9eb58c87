#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mappings_fuzz::json(bytes));
