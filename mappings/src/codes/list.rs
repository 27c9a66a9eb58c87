//! A code list: codes with their labels, from a TSV file with a commented header.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use regex::Regex;

use crate::{
    codes::Grade,
    error::{MappingError, Mistakes, did_you_mean},
    fnv::FnvMap,
};

/// A coded vocabulary.
#[derive(Debug)]
pub struct CodeList {
    name: Arc<str>,
    scheme: Arc<str>,
    version: Option<Arc<str>>,
    title: String,
    is_open: bool,
    ignores_case: bool,
    pattern: Option<Regex>,
    several: Option<Regex>,
    derivations: Vec<Derivation>,
    rows: Vec<Row>,
    languages: Vec<Box<str>>,
    by_code: FnvMap<Box<str>, u32>,
    by_label: OnceLock<FnvMap<Box<str>, u32>>,
}

/// A code with its labels.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) code: Arc<str>,
    labels: Box<[Option<Arc<str>>]>,
    other_spellings: Vec<Box<str>>,
}

/// What a list knows of a code.
pub(crate) enum Known<'l> {
    /// It has this row.
    Row(&'l Row),
    /// It has no row, but the pattern of the list fits.
    Fits,
    /// Nothing.
    Not,
}

/// How the code of another list follows from the letters of this one.
#[derive(Debug)]
pub(crate) struct Derivation {
    pub(crate) pattern: Regex,
    pub(crate) list: Box<str>,
    pub(crate) grade: Grade,
    pub(crate) line: usize,
}

/// The header keys there are.
const HEADER_KEYS: [&str; 11] =
    ["title", "version", "source", "licence", "open", "pattern", "several", "derive", "compare", "scheme", "note"];

impl CodeList {
    /// Reads a code list; `name` is its path without `.tsv`.
    ///
    /// # Errors
    /// Every mistake in the file.
    pub fn parse(name: &str, file: &str, text: &str) -> Result<Self, Vec<MappingError>> {
        let mut mistakes = Mistakes::new(file, text);
        let mut list = Self {
            name: name.into(),
            scheme: name.into(),
            version: None,
            title: String::new(),
            is_open: false,
            ignores_case: false,
            pattern: None,
            several: None,
            derivations: Vec::new(),
            rows: Vec::new(),
            languages: Vec::new(),
            by_code: FnvMap::default(),
            by_label: OnceLock::new(),
        };
        let header_lines = text.lines().take_while(|line| line.starts_with('#')).count();
        for (index, line) in text.lines().take(header_lines).enumerate() {
            list.read_header(line, index + 1, &mut mistakes);
        }
        let body_start = text.split_inclusive('\n').take(header_lines).map(str::len).sum();
        list.read_rows(&text[body_start..], header_lines, &mut mistakes);
        if list.rows.is_empty() && list.pattern.is_none() && mistakes.found.is_empty() {
            mistakes.on_line(0, None, "the list has no codes", "add rows, or a `# pattern:` that codes are checked by");
        }
        if mistakes.found.is_empty() { Ok(list) } else { Err(mistakes.found) }
    }

    fn read_header(&mut self, line: &str, number: usize, mistakes: &mut Mistakes<'_>) {
        let Some((key, value)) = line.trim_start_matches('#').split_once(':') else {
            return;
        };
        let (key, value) = (key.trim(), value.trim());
        let problem = match key {
            "title" => {
                value.clone_into(&mut self.title);
                None
            }
            "version" => {
                self.version = Some(value.into());
                None
            }
            "scheme" => {
                self.scheme = value.into();
                None
            }
            "open" => {
                self.is_open = value == "true";
                (!matches!(value, "true" | "false")).then(|| "write `true` or `false`".to_owned())
            }
            "compare" => {
                self.ignores_case = value == "ignore-case";
                (!self.ignores_case).then(|| "the only other way to compare is `ignore-case`".to_owned())
            }
            "pattern" => Regex::new(value).map(|pattern| self.pattern = Some(pattern)).err().map(|e| last_line(&e)),
            "several" => parse_several(value).map(|several| self.several = Some(several)).err(),
            "derive" => parse_derivation(value, number).map(|derivation| self.derivations.push(derivation)).err(),
            known if HEADER_KEYS.contains(&known) => None,
            // Free remarks may hold a colon; only what looks like a key is held to be one.
            other if other.contains(' ') || other.is_empty() => None,
            other => Some(did_you_mean(other, HEADER_KEYS)),
        };
        if let Some(remedy) = problem {
            mistakes.on_line(number, Some(key), format!("`{value}` is not understood"), remedy);
        }
    }

    fn read_rows(&mut self, text: &str, header_lines: usize, mistakes: &mut Mistakes<'_>) {
        let mut reader =
            csv::ReaderBuilder::new().delimiter(b'\t').quoting(false).flexible(true).from_reader(text.as_bytes());
        let Ok(columns) = reader.headers().cloned() else {
            return;
        };
        if columns.is_empty() {
            return;
        }
        if columns.get(0) != Some("code") {
            let remedy = "the columns are `code`, then `label.<language>` and `alt.<language>`";
            mistakes.on_line(header_lines + 1, None, "the first column is not `code`", remedy);
            return;
        }
        self.languages = columns.iter().filter_map(label_language).map(Into::into).collect();
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    mistakes.on_line(0, None, error.to_string(), "write the file in UTF-8");
                    return;
                }
            };
            let line =
                header_lines + record.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(0));
            self.read_row(&columns, &record, line, mistakes);
        }
    }

    fn read_row(
        &mut self,
        columns: &csv::StringRecord,
        record: &csv::StringRecord,
        line: usize,
        mistakes: &mut Mistakes<'_>,
    ) {
        let code = record.get(0).unwrap_or_default();
        if code.is_empty() {
            mistakes.on_line(line, None, "a row without a code", "remove it, or write its code");
            return;
        }
        let mut labels = Vec::with_capacity(self.languages.len());
        let mut other_spellings = Vec::new();
        for (column, value) in columns.iter().zip(record.iter().chain(std::iter::repeat(""))).skip(1) {
            if label_language(column).is_some() {
                labels.push((!value.is_empty()).then(|| value.into()));
            } else if column.starts_with("alt.") {
                other_spellings.extend(value.split(" | ").filter(|text| !text.is_empty()).map(Into::into));
            }
        }
        let index = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        if self.by_code.insert(self.key(code).into(), index).is_some() {
            mistakes.on_line(line, Some(code), "the code stands twice", "remove one of the rows");
        }
        self.rows.push(Row { code: code.into(), labels: labels.into(), other_spellings });
    }

    fn key<'a>(&self, code: &'a str) -> Cow<'a, str> {
        if self.ignores_case { Cow::Owned(code.to_lowercase()) } else { Cow::Borrowed(code) }
    }

    /// The name: its path without `.tsv`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The canonical scheme of its codes; the name unless the list says otherwise.
    pub fn scheme(&self) -> &Arc<str> {
        &self.scheme
    }

    /// The version, as its owner words it.
    pub fn version(&self) -> Option<&Arc<str>> {
        self.version.as_ref()
    }

    /// What the list is.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Whether codes that are not in the list are to be expected.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// The codes, in the order of the file.
    pub fn codes(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rows.iter().map(|row| &row.code)
    }

    pub(crate) fn derivations(&self) -> &[Derivation] {
        &self.derivations
    }

    /// The row of a code.
    pub(crate) fn row(&self, code: &str) -> Option<&Row> {
        self.by_code.get(&*self.key(code)).map(|index| &self.rows[*index as usize])
    }

    /// What the list knows of a code: its row, or that its pattern fits.
    pub(crate) fn look_up(&self, code: &str) -> Known<'_> {
        match self.row(code) {
            Some(row) => Known::Row(row),
            None if self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(code)) => Known::Fits,
            None => Known::Not,
        }
    }

    /// The codes or words in a text that says several at once; none where it is a code itself.
    pub(crate) fn several<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let several = self.several.as_ref().filter(|_| self.row(text).is_none());
        let found = several.into_iter().flat_map(|several| several.captures_iter(text));
        found.filter_map(|found| Some(found.get(1)?.as_str().trim()))
    }

    /// Whether the list knows the code, by row or by pattern.
    pub fn knows(&self, code: &str) -> bool {
        self.row(code).is_some() || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(code))
    }

    /// The row that a label or another spelling of it belongs to.
    pub(crate) fn row_of_label(&self, label: &str) -> Option<&Row> {
        if self.rows.is_empty() {
            return None;
        }
        let by_label = self.by_label.get_or_init(|| {
            let mut by_label = FnvMap::default();
            for (index, row) in (0_u32..).zip(&self.rows) {
                let labels = row.labels.iter().flatten().map(|label| &**label);
                for label in labels.chain(row.other_spellings.iter().map(|label| &**label)) {
                    by_label.entry(normal_label(label)).or_insert(index);
                }
            }
            by_label
        });
        by_label.get(&normal_label(label)).map(|index| &self.rows[*index as usize])
    }

    /// The label of a code in a language, else in the first language that has one.
    pub(crate) fn label(&self, code: &str, language: Option<&str>) -> Option<&Arc<str>> {
        let row = self.row(code)?;
        let wanted = self.languages.iter().position(|known| Some(&**known) == language);
        wanted.and_then(|index| row.labels[index].as_ref()).or_else(|| row.labels.iter().flatten().next())
    }

    /// Whether the label is one that the list has for the code, so that the code alone says it.
    pub(crate) fn implies(&self, code: &str, label: &str) -> bool {
        let is_it = |row: &Row| {
            let labels = row.labels.iter().flatten().map(|label| &**label);
            labels
                .chain(row.other_spellings.iter().map(|label| &**label))
                .any(|known| known == label || normal_label(known) == normal_label(label))
        };
        self.row(code).is_some_and(is_it)
    }
}

/// The language of a label column; `label` alone is for names that are the same in every language.
fn label_language(column: &str) -> Option<&str> {
    if column == "label" { Some("") } else { column.strip_prefix("label.") }
}

/// Labels are compared without case, runs of blanks and a final full stop.
fn normal_label(label: &str) -> Box<str> {
    let words: Vec<&str> = label.split_whitespace().collect();
    words.join(" ").trim_end_matches('.').to_lowercase().into()
}

fn parse_several(value: &str) -> Result<Regex, String> {
    let several = Regex::new(value).map_err(|error| last_line(&error))?;
    if several.captures_len() == 2 { Ok(several) } else { Err("write a regex with one group, the code".to_owned()) }
}

fn parse_derivation(value: &str, line: usize) -> Result<Derivation, String> {
    let form = || "write `<regex> -> <list> <grade>`, the regex capturing the other code".to_owned();
    let (pattern, target) = value.rsplit_once(" -> ").ok_or_else(form)?;
    let (list, grade) = target.split_once(' ').ok_or_else(form)?;
    Ok(Derivation {
        pattern: Regex::new(pattern).map_err(|error| last_line(&error))?,
        list: list.into(),
        grade: Grade::of_symbol(grade.trim()).ok_or_else(|| {
            did_you_mean(grade, ["exact", "close", "target_is_broader", "target_is_narrower", "related"])
        })?,
        line,
    })
}

/// The part of the library's message that says what is wrong.
fn last_line(error: &regex::Error) -> String {
    error.to_string().lines().last().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# title: Contracts\n# version: 2021-02\n# compare: ignore-case\n\
        code\tlabel.nl\tlabel.fr\talt.nl\nG\tGewoon contract.\tContrat\tvast | vaste job\nI\tInterim\t\t\n";

    #[test]
    fn codes_and_labels_are_found() {
        let list = CodeList::parse("vdab/contract", "codelists/vdab/contract.tsv", LIST).unwrap();
        assert!(list.knows("g") && !list.knows("X"));
        assert_eq!(&*list.row_of_label("gewoon  CONTRACT").unwrap().code, "G");
        assert_eq!(&*list.row_of_label("Vaste job").unwrap().code, "G");
        assert_eq!(list.label("I", Some("fr")).map(|label| &**label), Some("Interim"));
        assert!(list.implies("G", "Gewoon contract") && !list.implies("I", "Gewoon contract"));
        assert_eq!((list.version().map(|v| &**v), list.title()), (Some("2021-02"), "Contracts"));
    }

    #[test]
    fn every_mistake_has_its_line() {
        for (text, message) in [
            ("# title: x\n", "x.tsv: the list has no codes; add rows"),
            ("# open: yes\ncode\nA\n", "x.tsv:1: rule `open`: `yes` is not understood; write `true` or `false`"),
            ("# titel: x\ncode\nA\n", "x.tsv:1: rule `titel`: `x` is not understood; did you mean `title`?"),
            ("# title: x\nlabel.nl\nA\n", "x.tsv:2: the first column is not `code`; the columns"),
            ("code\nA\nA\n", "x.tsv:3: rule `A`: the code stands twice"),
            ("# pattern: (\ncode\nA\n", "x.tsv:1: rule `pattern`: `(` is not understood; error: unclosed group"),
            ("# several: A\ncode\nA\n", "x.tsv:1: rule `several`: `A` is not understood; write a regex with one group"),
            ("# derive: ^A -> rome\ncode\nA\n", "x.tsv:1: rule `derive`: `^A -> rome` is not understood; write"),
        ] {
            let errors = CodeList::parse("x", "x.tsv", text).unwrap_err();
            assert!(errors[0].to_string().starts_with(message), "{}", errors[0]);
        }
    }
}
