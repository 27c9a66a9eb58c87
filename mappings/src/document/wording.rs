//! How a value is worded that says several things: `({posts:\d+}) {title}`.

use regex::{Captures, Regex};

use super::{Kind, NameId, NodeId, Tree, tree::NodeName};

/// The ways to word a value of several parts; the first that fits is read, the first that says all is written.
#[derive(Debug, Default)]
pub(crate) struct Wordings {
    pub(crate) all: Vec<Wording>,
    /// The name of an item and what stands between two, where the value is a list.
    pub(crate) list: Option<(NameId, Box<str>)>,
}

/// One way to word a value.
#[derive(Debug)]
pub(crate) struct Wording {
    regex: Regex,
    /// The parts by the names of their groups.
    parts: Vec<(String, NameId)>,
    /// How it is written; none where it is only read.
    template: Option<Template>,
}

/// The text before each part, then the text behind the last.
#[derive(Debug)]
struct Template {
    parts: Vec<(Box<str>, NameId)>,
    end: Box<str>,
}

/// A part of a value that was read.
pub(crate) struct Part<'t> {
    name: NameId,
    text: &'t str,
    /// It stands in another part.
    is_echo: bool,
}

/// What is wrong with a wording, and how it is written.
pub(crate) type WrongWording = (String, &'static str);

impl Wording {
    /// Reads a wording; runs of blanks in it stand for any blanks, or none. `words` are regexes by name.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(crate) fn of_template(
        text: &str,
        words: &[(String, String)],
        mut name_of: impl FnMut(&str) -> Result<NameId, String>,
    ) -> Result<Self, WrongWording> {
        const FORM: &str = "write `{name}` or `{name:regex}` for each part, such as `({posts:\\d+}) {title}`";
        let mut regex = String::from("(?s)^");
        let mut parts: Vec<(String, NameId)> = Vec::new();
        let mut template = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let end = closing_brace(behind).ok_or_else(|| ("a brace is not closed".to_owned(), FORM))?;
            let (name, own) = behind[..end].split_once(':').unwrap_or((&behind[..end], ".+?"));
            let own = match own.strip_prefix('$') {
                None => own,
                Some(name) => {
                    let word = words.iter().find(|(known, _)| known == name);
                    let unknown = || (format!("there is no `{name}` under `[labels.words]`"), FORM);
                    word.map(|(_, regex)| regex.as_str()).ok_or_else(unknown)?
                }
            };
            let id = name_of(name).map_err(|problem| (problem, FORM))?;
            push_literal(&mut regex, before);
            regex.push_str(&format!("(?P<p{}>{own})", parts.len()));
            parts.push((format!("p{}", parts.len()), id));
            template.push((before.into(), id));
            rest = &behind[end + 1..];
        }
        push_literal(&mut regex, rest);
        regex.push('$');
        let regex = Regex::new(&regex).map_err(|_| ("a regex in it is wrong".to_owned(), FORM))?;
        Ok(Self { regex, parts, template: Some(Template { parts: template, end: rest.into() }) })
    }

    /// Reads a regex of which every named group is a part; one in another is no part of its own. It is written with
    /// another template, or never.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(crate) fn of_regex(
        text: &str,
        template: Option<Self>,
        mut name_of: impl FnMut(&str) -> Result<NameId, String>,
    ) -> Result<Self, WrongWording> {
        const FORM: &str = "write a regex with named groups, such as `^(?<day>\\d+)`";
        let regex = Regex::new(text).map_err(|_| ("the regex is wrong".to_owned(), FORM))?;
        let names = regex.capture_names().flatten().map(str::to_owned);
        let parts = names.map(|name| name_of(&name).map(|id| (name, id))).collect::<Result<Vec<_>, _>>();
        let template = template.and_then(|written| written.template);
        Ok(Self { parts: parts.map_err(|problem| (problem, FORM))?, regex, template })
    }

    fn read<'t>(&self, text: &'t str) -> Option<Vec<Part<'t>>> {
        let found: Captures<'t> = self.regex.captures(text)?;
        let groups: Vec<_> = self.parts.iter().filter_map(|(group, id)| Some((*id, found.name(group)?))).collect();
        let is_echo = |at: usize| groups[..at].iter().any(|(_, other)| other.end() > groups[at].1.start());
        let parts = groups.iter().enumerate().map(|(at, (name, group))| Part {
            name: *name,
            text: group.as_str().trim(),
            is_echo: is_echo(at),
        });
        Some(parts.filter(|part| !part.text.is_empty()).collect())
    }

    /// The text, if the template has a place for each of the parts, and each of them is there.
    fn print(&self, parts: &[(NameId, &str)]) -> Option<String> {
        let template = self.template.as_ref()?;
        let mut text = String::new();
        for (before, id) in &template.parts {
            text.push_str(before);
            text.push_str(parts.iter().find(|(known, _)| known == id)?.1);
        }
        text.push_str(&template.end);
        (template.parts.len() == parts.len()).then_some(text)
    }
}

impl Wordings {
    /// Adds the parts of a value below its node; nothing if no wording fits.
    pub(crate) fn add(&self, text: &str, node: NodeId, tree: &mut Tree<'_>) -> bool {
        let Some((item, between)) = &self.list else {
            let Some(parts) = self.read(text) else {
                return false;
            };
            add_parts(&parts, node, tree);
            return true;
        };
        let pieces = text.split(&**between).map(str::trim).filter(|piece| !piece.is_empty());
        let Some(items) = pieces.map(|piece| self.read(piece)).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let mut last = super::NONE;
        for parts in items.iter().filter(|parts| !parts.is_empty()) {
            last = tree.add(node, last, NodeName::Known(*item), Kind::Element, "".into());
            add_parts(parts, last, tree);
        }
        last != super::NONE
    }

    /// The parts of a value, or of one item of it.
    fn read<'t>(&self, text: &'t str) -> Option<Vec<Part<'t>>> {
        self.all.iter().find_map(|wording| wording.read(text))
    }

    /// Words some parts so that the same parts are read again; nothing if there is no such wording.
    pub(crate) fn print(&self, parts: &[(NameId, &str)]) -> Option<String> {
        let text = self.all.iter().find_map(|wording| wording.print(parts))?;
        let holds_separator = self.list.as_ref().is_some_and(|(_, between)| text.contains(&**between));
        let read = self.read(&text)?;
        let is_same = parts.iter().all(|(name, text)| read.iter().any(|part| part.name == *name && part.text == *text));
        (is_same && !holds_separator).then_some(text)
    }
}

fn add_parts(parts: &[Part<'_>], node: NodeId, tree: &mut Tree<'_>) {
    let mut last = super::NONE;
    for part in parts {
        last = tree.add(node, last, NodeName::Known(part.name), Kind::Text, part.text.to_owned().into());
        tree.node_mut(last).is_echo = part.is_echo;
    }
}

fn push_literal(regex: &mut String, text: &str) {
    if text.starts_with(char::is_whitespace) {
        regex.push_str(r"\s*");
    }
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 {
            regex.push_str(r"\s*");
        }
        regex.push_str(&regex::escape(word));
    }
    if text.ends_with(char::is_whitespace) {
        regex.push_str(r"\s*");
    }
}

/// Where the brace that is open closes.
pub(crate) fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 1_usize;
    text.char_indices().find_map(|(at, character)| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["a", "b", "c", "whole"];

    fn name_of(name: &str) -> Result<NameId, String> {
        let index = NAMES.iter().position(|known| *known == name).ok_or_else(|| format!("no `{name}`"))?;
        Ok(NameId::try_from(index).unwrap())
    }

    fn template(text: &str) -> Wording {
        let words = [("number".to_owned(), r"\d+".to_owned())];
        Wording::of_template(text, &words, name_of).unwrap()
    }

    fn read<'t>(wordings: &Wordings, text: &'t str) -> Vec<(&'static str, &'t str, bool)> {
        let parts = wordings.read(text).unwrap_or_default();
        parts.into_iter().map(|part| (NAMES[part.name as usize], part.text, part.is_echo)).collect()
    }

    #[test]
    fn the_first_wording_that_fits_is_read() {
        let all = vec![template("({a:$number}) {b}"), template("{a:$number} {c:DHS?} {b}"), template("{b}")];
        let wordings = Wordings { all, list: None };
        assert_eq!(read(&wordings, "(80)\nConcepteur"), [("a", "80", false), ("b", "Concepteur", false)]);
        assert_eq!(read(&wordings, "( 80 )x"), [("b", "( 80 )x", false)]);
        assert_eq!(
            read(&wordings, "3700DH+ primes"),
            [("a", "3700", false), ("c", "DH", false), ("b", "+ primes", false)]
        );
        assert_eq!(read(&wordings, ""), []);
    }

    #[test]
    fn a_group_in_a_group_is_an_echo() {
        let regex = Wording::of_regex(r"^(?<whole>[A-Z]+(?<a>\d+))$", Some(template("{whole}")), name_of).unwrap();
        let wordings = Wordings { all: vec![regex], list: None };
        assert_eq!(read(&wordings, "AG12"), [("whole", "AG12", false), ("a", "12", true)]);
        assert_eq!(wordings.print(&[(3, "AG12")]).as_deref(), Some("AG12"));
        assert_eq!(wordings.print(&[(0, "12")]), None);
    }

    #[test]
    fn only_what_is_read_again_is_written() {
        let wordings = Wordings { all: vec![template("{a} : {b}"), template("{a}")], list: Some((9, "\n".into())) };
        assert_eq!(wordings.print(&[(0, "x"), (1, "y")]).as_deref(), Some("x : y"));
        assert_eq!(wordings.print(&[(0, "x")]).as_deref(), Some("x"));
        assert_eq!(wordings.print(&[(0, "x : z"), (1, "y")]), None);
        assert_eq!(wordings.print(&[(0, "x\ny")]), None);
        assert_eq!(wordings.print(&[(1, "y")]), None);
    }

    #[test]
    fn a_wrong_wording_says_why() {
        for (text, problem) in [
            ("{a", "a brace is not closed"),
            ("{d}", "no `d`"),
            ("{a:(}", "a regex in it is wrong"),
            ("{a:$count}", "there is no `count` under `[labels.words]`"),
        ] {
            let Err((found, _)) = Wording::of_template(text, &[], name_of) else {
                panic!("{text} is a wording");
            };
            assert_eq!(found, problem, "{text}");
        }
        assert!(Wording::of_regex("(", None, name_of).is_err());
    }
}
