//! A crosswalk: graded links from one code list to another, from an SSSOM TSV file (<https://w3id.org/sssom/>).

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use percent_encoding::percent_decode_str;

use crate::{
    codes::Grade,
    error::{MappingError, Mistakes, did_you_mean},
    fnv::FnvMap,
};

/// Graded links from the codes of one list to those of another, and back.
#[derive(Debug)]
pub struct Crosswalk {
    /// The file, as it is named under the mappings folder.
    pub file: String,
    /// The list that the links start from.
    pub subject: Box<str>,
    /// The list that they lead to.
    pub object: Box<str>,
    /// The version of the set.
    pub version: Option<Box<str>>,
    forward: FnvMap<Box<str>, Option<Link>>,
    backward: FnvMap<Box<str>, Link>,
    pub(crate) rows: Vec<LinkRow>,
    /// The lines on which the header names the two lists.
    header_lines: [usize; 2],
}

/// Where a code leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The code there.
    pub code: Arc<str>,
    /// How well it fits, seen from the code one comes from.
    pub grade: Grade,
    /// Whether the way back leads to the same code.
    pub is_reversible: bool,
}

/// A row as written, for checks against the lists.
#[derive(Debug)]
pub(crate) struct LinkRow {
    pub(crate) line: usize,
    pub(crate) subject: Arc<str>,
    /// None where the file says that there is no term.
    pub(crate) object: Option<Arc<str>>,
    grade: Grade,
    reverse: Reverse,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Reverse {
    Unsaid,
    Default,
    Never,
}

const COLUMNS: [&str; 4] = ["subject_id", "predicate_id", "object_id", "reverse_default"];

impl Crosswalk {
    /// Reads a crosswalk.
    ///
    /// # Errors
    /// Every mistake in the file.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<MappingError>> {
        let mut mistakes = Mistakes::new(file, text);
        let header_lines = text.lines().take_while(|line| line.starts_with('#')).count();
        let header = read_header(text, header_lines);
        let named = |key: &str, mistakes: &mut Mistakes<'_>| -> Box<str> {
            if let Some(value) = header.get(key) {
                return (*value).into();
            }
            let remedy = format!("add `#{key}: <name of a code list>`");
            mistakes.on_line(1, Some(key), "the header does not say it", remedy);
            "".into()
        };
        let mut crosswalk = Self {
            file: file.to_owned(),
            subject: named("subject_source", &mut mistakes),
            object: named("object_source", &mut mistakes),
            version: header.get("mapping_set_version").map(|version| (*version).into()),
            forward: FnvMap::default(),
            backward: FnvMap::default(),
            rows: Vec::new(),
            header_lines: ["subject_source", "object_source"].map(|key| {
                let names = |line: &str| {
                    line.trim_start_matches('#').split_once(':').is_some_and(|(name, _)| name.trim() == key)
                };
                text.lines().position(names).map_or(1, |at| at + 1)
            }),
        };
        let body_start = text.split_inclusive('\n').take(header_lines).map(str::len).sum();
        crosswalk.read_rows(&text[body_start..], header_lines, &mut mistakes);
        crosswalk.link(&mut mistakes);
        if mistakes.found.is_empty() { Ok(crosswalk) } else { Err(mistakes.found) }
    }

    fn read_rows(&mut self, text: &str, header_lines: usize, mistakes: &mut Mistakes<'_>) {
        let mut reader =
            csv::ReaderBuilder::new().delimiter(b'\t').quoting(false).flexible(true).from_reader(text.as_bytes());
        let Ok(columns) = reader.headers().cloned() else {
            return;
        };
        let place_of = |name: &str| columns.iter().position(|column| column == name);
        for name in &COLUMNS[..3] {
            if place_of(name).is_none() {
                let remedy = did_you_mean(name, columns.iter());
                mistakes.on_line(header_lines + 1, Some(name), "the column is missing", remedy);
            }
        }
        let [Some(subject), Some(predicate), Some(object), reverse] = COLUMNS.map(place_of) else {
            return;
        };
        for record in reader.records().map_while(Result::ok) {
            let line =
                header_lines + record.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(0));
            let field = |index: usize| record.get(index).unwrap_or_default();
            let Some(grade) = Grade::of_predicate(field(predicate)) else {
                let known =
                    ["skos:exactMatch", "skos:closeMatch", "skos:broadMatch", "skos:narrowMatch", "skos:relatedMatch"];
                let problem = format!("`{}` is no mapping property", field(predicate));
                mistakes.on_line(line, Some(field(subject)), problem, did_you_mean(field(predicate), known));
                continue;
            };
            let reverse = match reverse.map(field).unwrap_or_default() {
                "true" => Reverse::Default,
                "never" => Reverse::Never,
                _ => Reverse::Unsaid,
            };
            let object = field(object);
            self.rows.push(LinkRow {
                line,
                subject: code_of(field(subject)).as_ref().into(),
                object: (object != "sssom:NoTermFound").then(|| code_of(object).as_ref().into()),
                grade,
                reverse,
            });
        }
    }

    /// Makes the tables of both directions: the first row of a subject leads on, the default one leads back.
    fn link(&mut self, mistakes: &mut Mistakes<'_>) {
        let mut by_object: HashMap<&str, Vec<&LinkRow>> = HashMap::new();
        let mut first_of_subject: HashMap<&str, Option<&str>> = HashMap::new();
        for row in &self.rows {
            first_of_subject.entry(&row.subject).or_insert(row.object.as_deref());
            if let Some(object) = &row.object {
                by_object.entry(object).or_default().push(row);
            }
        }
        for (object, rows) in &by_object {
            let usable: Vec<&&LinkRow> = rows.iter().filter(|row| row.reverse != Reverse::Never).collect();
            let marked: Vec<&&LinkRow> = usable.iter().filter(|row| row.reverse == Reverse::Default).copied().collect();
            let chosen = match (usable.as_slice(), marked.as_slice()) {
                ([], _) => continue,
                ([only], _) | (_, [only]) => only,
                (several, _) => {
                    let subjects: Vec<&str> = several.iter().map(|row| &*row.subject).collect();
                    let problem = format!("going back from `{object}` is ambiguous: {}", subjects.join(", "));
                    let remedy =
                        "write `true` in `reverse_default` of one of them, or `never` in those that may not be used";
                    mistakes.on_line(several[1].line, Some(object), problem, remedy);
                    continue;
                }
            };
            // A subject of two parts is written by its first; the other part has a rule of its own.
            let code = chosen.subject.split('+').next().unwrap_or_default();
            let is_reversible = rows.len() == 1 && first_of_subject[&*chosen.subject] == Some(object);
            let link = Link { code: code.into(), grade: chosen.grade.reversed(), is_reversible };
            self.backward.insert((*object).into(), link);
        }
        for row in &self.rows {
            let link = row.object.as_ref().map(|object| Link {
                code: object.clone(),
                grade: row.grade,
                is_reversible: by_object[&**object].len() == 1,
            });
            self.forward.entry((&*row.subject).into()).or_insert(link);
        }
    }

    /// Where a code of the subject list leads; nothing where no row speaks of it or there is no term.
    pub fn forward(&self, code: &str) -> Option<&Link> {
        self.forward.get(code)?.as_ref()
    }

    /// The line of the header that names the list of subjects or of objects.
    pub(crate) fn line_of(&self, key: &str) -> usize {
        self.header_lines[usize::from(key == "object_source")]
    }

    /// Where a pair of codes leads.
    pub(crate) fn forward_pair(&self, code: &str, other: &str) -> Option<&Link> {
        self.forward.get(format!("{code}+{other}").as_str())?.as_ref()
    }

    /// Where a code of the object list leads back to.
    pub fn backward(&self, code: &str) -> Option<&Link> {
        self.backward.get(code)
    }
}

/// The scalar entries of the YAML header; what is indented belongs to an entry above and is of no use here.
fn read_header(text: &str, lines: usize) -> HashMap<&str, &str> {
    let entries = text.lines().take(lines).filter_map(|line| line.trim_start_matches('#').split_once(':'));
    entries
        .filter(|(key, _)| !key.starts_with("  "))
        .map(|(key, value)| (key.trim(), value.trim().trim_matches('"')))
        .collect()
}

/// The code behind the prefix of a CURIE; what no CURIE may hold, such as blanks, is percent-encoded there.
fn code_of(curie: &str) -> Cow<'_, str> {
    let code = curie.split_once(':').map_or(curie, |(_, code)| code);
    percent_decode_str(code).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crosswalk(rows: &str) -> Result<Crosswalk, Vec<MappingError>> {
        let header = "#subject_source: a\n#object_source: b\n#curie_map:\n#  a: urn:a\n\
            subject_id\tpredicate_id\tobject_id\treverse_default\n";
        Crosswalk::parse("x.sssom.tsv", &format!("{header}{rows}"))
    }

    fn link(code: &str, grade: Grade, is_reversible: bool) -> Link {
        Link { code: code.into(), grade, is_reversible }
    }

    #[test]
    fn the_first_row_leads_on_and_the_default_leads_back() {
        let walk = crosswalk(
            "a:3\tskos:exactMatch\tb:2\t\na:3\tskos:narrowMatch\tb:3\t\na:G+X\tskos:closeMatch\tb:D\tnever\n\
             a:G\tskos:closeMatch\tb:D\ttrue\na:V\tskos:broadMatch\tb:D\t\na:0\tskos:exactMatch\tsssom:NoTermFound\t\n\
             a:1\tskos:exactMatch\tb:1\t\n",
        )
        .unwrap();
        assert_eq!(walk.forward("3"), Some(&link("2", Grade::Exact, true)));
        assert_eq!(walk.backward("2"), Some(&link("3", Grade::Exact, true)));
        assert_eq!(walk.backward("3"), Some(&link("3", Grade::TargetIsBroader, false)));
        assert_eq!(walk.backward("D"), Some(&link("G", Grade::Close, false)));
        assert_eq!(walk.forward_pair("G", "X"), Some(&link("D", Grade::Close, false)));
        assert_eq!(walk.forward("V"), Some(&link("D", Grade::TargetIsBroader, false)));
        assert_eq!((walk.forward("0"), walk.forward("9")), (None, None));
        assert_eq!(walk.forward("1"), Some(&link("1", Grade::Exact, true)));
        let walk = crosswalk("a:Full%20Time\tskos:exactMatch\tb:x:50%25\t\n").unwrap();
        assert_eq!(walk.forward("Full Time"), Some(&link("x:50%", Grade::Exact, true)));
    }

    #[test]
    fn every_mistake_has_its_line() {
        for (rows, message) in [
            (
                "a:1\tskos:exactMatch\tb:1\t\na:2\tskos:exactMatch\tb:1\t\n",
                "x.sssom.tsv:7: rule `1`: going back from `1` is ambiguous: 1, 2; write `true`",
            ),
            ("a:1\tskos:exact\tb:1\t\n", "x.sssom.tsv:6: rule `a:1`: `skos:exact` is no mapping property; "),
        ] {
            let errors = crosswalk(rows).unwrap_err();
            assert!(errors[0].to_string().starts_with(message), "{}", errors[0]);
        }
        let errors = Crosswalk::parse("x", "#object_source: b\nsubject_id\tpredicate_id\tobjectid\n").unwrap_err();
        assert_eq!(errors.len(), 2, "{errors:?}");
    }
}
