//! Has the crate built anew when a mapping, a code list or a crosswalk changes: they are embedded in it.

fn main() {
    for folder in ["dialects", "codelists", "crosswalks"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
