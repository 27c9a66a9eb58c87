//! Paths into documents: `a.b[type=x].c` in JSON, `A/oa:B[@type=x]/@c` in XML, `"Heading"/"Label"` in label documents.

use std::fmt;

use crate::document::Format;

/// A path into a document, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where it starts.
    pub(crate) start: Start,
    /// The steps; none means the start itself.
    pub(crate) steps: Vec<Step>,
}

/// Where a path starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At the root of the record.
    Root,
    /// At the item of the repeated part: `.x`, `./x`.
    Item,
    /// At the document itself: `/x`.
    Document,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// To a member, an element, a heading or a label.
    Member(String, Option<Selection>),
    /// To an attribute.
    Attribute(String),
    /// To the items of an array.
    Items(Option<Selection>),
}

/// What is asked of an item or element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Where the discriminator stands, seen from the item.
    pub(crate) at: Vec<Step>,
    /// The values that are wanted, or not wanted; none where it is enough that something stands there.
    pub(crate) values: Vec<String>,
    /// Whether the values are those not wanted.
    pub(crate) is_negated: bool,
    /// `[0]`: the item of that index, whatever it says.
    pub(crate) index: Option<usize>,
}

impl Place {
    /// Reads a path.
    ///
    /// # Errors
    /// Says what is wrong and how it is written.
    pub(crate) fn parse(text: &str, format: Format) -> Result<Self, String> {
        let own_separator = if format == Format::Json { '.' } else { '/' };
        let (start, separator, rest) = match text.strip_prefix('/') {
            Some(rest) => (Start::Document, '/', rest),
            None if text == "." => (Start::Item, own_separator, ""),
            None => match text.strip_prefix(if format == Format::Json { "." } else { "./" }) {
                Some(rest) => (Start::Item, own_separator, rest),
                None => (Start::Root, own_separator, text),
            },
        };
        if rest.is_empty() && start != Start::Item {
            return Err("the path is empty; write `.` for the item itself".to_owned());
        }
        let mut steps = Vec::new();
        let mut rest = rest;
        while !rest.is_empty() {
            let end = step_end(rest, separator)?;
            parse_step(&rest[..end], format, &mut steps)?;
            rest = match rest[end..].strip_prefix(separator) {
                Some("") => return Err(format!("the path ends with `{separator}`; remove it")),
                Some(behind) => behind,
                None => "",
            };
        }
        Ok(Self { start, steps })
    }

    /// The same path from the start of another.
    pub(crate) fn below(&self, start: &[Step]) -> Vec<Step> {
        let start = if self.start == Start::Item { start } else { &[] };
        start.iter().chain(&self.steps).cloned().collect()
    }
}

/// Where a step ends: at a separator that is neither quoted nor in brackets.
fn step_end(text: &str, separator: char) -> Result<usize, String> {
    let mut is_quoted = false;
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '"' => is_quoted = !is_quoted,
            '[' if !is_quoted => depth += 1,
            ']' if !is_quoted => depth = depth.saturating_sub(1),
            _ if character == separator && !is_quoted && depth == 0 => return Ok(at),
            _ => {}
        }
    }
    match (is_quoted, depth) {
        (true, _) => Err("a quotation mark is not closed".to_owned()),
        (_, 0) => Ok(text.len()),
        _ => Err("a bracket is not closed; write `[]` or `[path=value]`".to_owned()),
    }
}

fn parse_step(text: &str, format: Format, steps: &mut Vec<Step>) -> Result<(), String> {
    let (name, bracket) = match name_end(text) {
        Some(at) => (&text[..at], text[at + 1..].strip_suffix(']')),
        None => (text, None),
    };
    if bracket.is_none() && name.len() != text.len() {
        return Err(format!("something stands behind the bracket of `{text}`"));
    }
    let name = name.trim_matches('"');
    if name.is_empty() && !(format == Format::Json && bracket.is_some() && steps.is_empty()) {
        return Err(format!("a step of the path is empty: `{text}`"));
    }
    let selection =
        bracket.filter(|inside| !inside.is_empty()).map(|inside| parse_selection(inside, format)).transpose()?;
    match (format, name.strip_prefix('@'), bracket) {
        (Format::Xml, Some(_), Some(_)) => return Err(format!("an attribute takes no bracket: `{text}`")),
        (Format::Xml, Some(attribute), None) => steps.push(Step::Attribute(attribute.to_owned())),
        (Format::Xml | Format::Labels, _, Some("")) => {
            return Err(format!("`[]` has no meaning here: repeated elements are named by `each = \"{name}\"`"));
        }
        (Format::Json, _, Some(_)) => {
            if !name.is_empty() {
                steps.push(Step::Member(name.to_owned(), None));
            }
            steps.push(Step::Items(selection));
        }
        _ => steps.push(Step::Member(name.to_owned(), selection)),
    }
    Ok(())
}

fn name_end(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    text.char_indices().find_map(|(at, character)| {
        is_quoted ^= character == '"';
        (character == '[' && !is_quoted).then_some(at)
    })
}

fn parse_selection(inside: &str, format: Format) -> Result<Selection, String> {
    let form = || format!("`[{inside}]` selects nothing; write `[path=value]`, `[path=one|other]` or `[path!=value]`");
    if let (Ok(index), Format::Json) = (inside.parse(), format) {
        return Ok(Selection { at: Vec::new(), values: Vec::new(), is_negated: false, index: Some(index) });
    }
    let (at, values) = inside.split_once('=').unwrap_or((inside, ""));
    let (at, is_negated) = at.strip_suffix('!').map_or((at, false), |at| (at, true));
    let place = Place::parse(at.trim(), format)?;
    if place.steps.is_empty() || (values.is_empty() && inside.contains('=')) {
        return Err(form());
    }
    let values = values.split('|').filter(|value| !value.is_empty());
    let values = values.map(|value| value.trim().trim_matches('"').to_owned()).collect();
    Ok(Selection { at: place.steps, values, is_negated, index: None })
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name, None) => formatter.write_str(name),
            Self::Member(name, Some(_)) => write!(formatter, "{name}[…]"),
            Self::Attribute(name) => write!(formatter, "@{name}"),
            Self::Items(None) => formatter.write_str("[]"),
            Self::Items(Some(_)) => formatter.write_str("[…]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> Step {
        Step::Member(name.to_owned(), None)
    }

    fn selection(at: Vec<Step>, values: &[&str], is_negated: bool) -> Selection {
        Selection { at, values: values.iter().map(|value| (*value).to_owned()).collect(), is_negated, index: None }
    }

    #[test]
    fn each_format_has_its_paths() {
        for (text, format, start, steps) in [
            ("a.b", Format::Json, Start::Root, vec![member("a"), member("b")]),
            ("a.\"x.y\"", Format::Json, Start::Root, vec![member("a"), member("x.y")]),
            ("a[].b", Format::Json, Start::Root, vec![member("a"), Step::Items(None), member("b")]),
            (
                "a[t=x|y]",
                Format::Json,
                Start::Root,
                vec![member("a"), Step::Items(Some(selection(vec![member("t")], &["x", "y"], false)))],
            ),
            (".b", Format::Json, Start::Item, vec![member("b")]),
            (".", Format::Json, Start::Item, vec![]),
            ("A/oa:B/@c", Format::Xml, Start::Root, vec![member("A"), member("oa:B"), Step::Attribute("c".to_owned())]),
            (
                "A[@t!=x]/B",
                Format::Xml,
                Start::Root,
                vec![
                    Step::Member("A".to_owned(), Some(selection(vec![Step::Attribute("t".to_owned())], &["x"], true))),
                    member("B"),
                ],
            ),
            ("/a/b", Format::Json, Start::Document, vec![member("a"), member("b")]),
            ("./@c", Format::Xml, Start::Item, vec![Step::Attribute("c".to_owned())]),
            ("\"Poste (a/b)\"/\"Date\"", Format::Labels, Start::Root, vec![member("Poste (a/b)"), member("Date")]),
        ] {
            assert_eq!(Place::parse(text, format), Ok(Place { start, steps }), "{text}");
        }
    }

    #[test]
    fn a_wrong_path_names_its_remedy() {
        for (text, format, problem) in [
            ("", Format::Json, "the path is empty"),
            ("a..b", Format::Json, "a step of the path is empty"),
            ("a.", Format::Json, "the path ends with `.`"),
            ("a[", Format::Json, "a bracket is not closed"),
            ("a[x=]", Format::Json, "`[x=]` selects nothing"),
            ("a[x=1]b", Format::Json, "something stands behind the bracket"),
            ("A[]", Format::Xml, "`[]` has no meaning here"),
            ("\"a", Format::Labels, "a quotation mark is not closed"),
        ] {
            let error = Place::parse(text, format).unwrap_err();
            assert!(error.starts_with(problem), "{text}: {error}");
        }
    }
}
