//! Has the crate built anew when a page about an error changes: they are embedded in it.

fn main() {
    println!("cargo::rerun-if-changed=../docs/errors");
}
