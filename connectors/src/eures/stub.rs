//! EURES as a national service meets it: pulls, mirrors, and checks what it gets.

mod codes;
mod document;
mod findings;
mod grammar;
pub mod rule;
mod rules;
mod values;

pub use self::{
    findings::Binding,
    rule::{Breach, Rule, Severity},
    rules::check_document,
};
