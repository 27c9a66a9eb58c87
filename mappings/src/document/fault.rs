//! Why a document cannot be read.

use thiserror::Error;

/// One thing that is wrong with a document. It holds no value of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: JSON Pointer, XPath or label; empty for the document as a whole.
    pub pointer: String,
    /// What, as a code.
    pub code: String,
    /// What, in words.
    pub problem: String,
}

/// Everything that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the document cannot be read: {}", worded(.faults))]
pub struct ReadFailure {
    /// The faults; never empty.
    pub faults: Vec<Fault>,
}

fn worded(faults: &[Fault]) -> String {
    let word = |fault: &Fault| match fault.pointer.as_str() {
        "" => fault.problem.clone(),
        pointer => format!("`{pointer}`: {}", fault.problem),
    };
    faults.iter().map(word).collect::<Vec<_>>().join("; ")
}

impl ReadFailure {
    /// A failure with one fault.
    pub(crate) fn of(pointer: impl Into<String>, code: &str, problem: impl Into<String>) -> Self {
        Self { faults: vec![Fault { pointer: pointer.into(), code: code.to_owned(), problem: problem.into() }] }
    }
}
