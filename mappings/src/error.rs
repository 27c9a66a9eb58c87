//! Mistakes in mapping files, code lists and crosswalks: where, what, and the remedy.

use std::{fmt, ops::Range};

use thiserror::Error;

/// A mistake in a file that somebody wrote for us.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct MappingError {
    /// The file, as it is named under the mappings folder.
    pub file: String,
    /// The line, counted from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// The rule: the left side of the line, or the table.
    pub rule: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for MappingError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file)?;
        if self.line > 0 {
            write!(formatter, ":{}", self.line)?;
        }
        if let Some(rule) = &self.rule {
            write!(formatter, ": rule `{rule}`")?;
        }
        write!(formatter, ": {}", self.problem)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(formatter, "; {}", self.remedy) }
    }
}

/// Collects the mistakes of one file.
pub(crate) struct Mistakes<'a> {
    file: &'a str,
    text: &'a str,
    pub(crate) found: Vec<MappingError>,
}

impl<'a> Mistakes<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, found: Vec::new() }
    }

    /// The line on which a byte stands.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
    }

    /// Notes a mistake at a span of the text.
    pub(crate) fn at(
        &mut self,
        span: Option<Range<usize>>,
        rule: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let line = span.map_or(0, |span| self.line_of(span.start));
        self.on_line(line, Some(rule), problem, remedy);
    }

    /// Notes a mistake on a line.
    pub(crate) fn on_line(
        &mut self,
        line: usize,
        rule: Option<&str>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (mut problem, mut remedy) = (problem.into(), remedy.into());
        // Problems that are worded elsewhere bring their remedy along.
        if remedy.is_empty()
            && let Some((wrong, cure)) = problem.split_once("; ").or_else(|| problem.split_once(": use "))
        {
            let verb = if problem.contains("; ") { "" } else { "use " };
            (problem, remedy) = (wrong.to_owned(), format!("{verb}{cure}"));
        }
        self.found.push(MappingError {
            file: self.file.to_owned(),
            line,
            rule: rule.map(str::to_owned),
            problem,
            remedy,
        });
    }
}

/// Words the remedy for a name that is not known.
pub(crate) fn did_you_mean<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let nearest = known.iter().map(|name| (distance(wanted, name), *name)).min();
    match nearest {
        Some((distance, name)) if distance <= 1 + wanted.len() / 4 => format!("did you mean `{name}`?"),
        _ if known.len() <= 60 => format!("use one of {}", known.join(", ")),
        _ => String::new(),
    }
}

/// The number of letters to change, add or take away (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (index, other_letter) in other.iter().enumerate() {
            let cost = diagonal + usize::from(letter != *other_letter);
            diagonal = row[index + 1];
            row[index + 1] = cost.min(row[index] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_proposed() {
        assert_eq!(did_you_mean("titel", ["title", "reference"]), "did you mean `title`?");
        assert_eq!(did_you_mean("xyz", ["title", "reference"]), "use one of title, reference");
    }

    #[test]
    fn a_mistake_names_file_line_rule_and_remedy() {
        let mut mistakes = Mistakes::new("dialects/x/vacancy.toml", "a\nb\nc");
        mistakes.at(Some(2..3), "titel", "unknown field", "did you mean `title`?");
        assert_eq!(
            mistakes.found[0].to_string(),
            "dialects/x/vacancy.toml:2: rule `titel`: unknown field; did you mean `title`?"
        );
    }
}
