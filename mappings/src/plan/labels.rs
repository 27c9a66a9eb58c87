//! Compiles what a mapping file says of its labels.

use std::ops::Range;

use regex::Regex;

use crate::{
    document::{Format, LabelSyntax, Meaning, NameId, ROOT, Wording, Wordings, normal},
    grammar::{Parts, Step, WrittenWording},
};

use super::compile::Compiler;

impl Compiler<'_, '_> {
    /// The labels, once the lines of every shape have made their names.
    pub(super) fn compile_labels(&mut self) -> LabelSyntax {
        let written = &self.file.labels;
        let mut syntax = LabelSyntax { page: written.page.as_deref().map(Into::into), ..LabelSyntax::default() };
        for (section, name, has_members) in self.label_names() {
            let text = normal(self.namer.names.text(name));
            let meaning = if has_members { Meaning::Section(name) } else { Meaning::Value(name) };
            syntax.labels.insert((section, text), meaning);
        }
        for text in &written.nothing {
            syntax.labels.insert((ROOT, normal(text)), Meaning::Nothing);
        }
        for (heading, label) in &written.within {
            let name = self.label(label);
            syntax.labels.insert((ROOT, normal(heading)), Meaning::Within(name));
            syntax.texts.push(name);
        }
        let texts: Vec<NameId> = written.texts.iter().map(|label| self.label(label)).collect();
        syntax.texts.extend(texts);
        let ends = written.first.as_deref().zip(written.before.as_deref());
        syntax.first = ends.map(|(first, before)| (self.label(first), self.label(before)));
        for (label, regex, span) in &written.lines {
            match Regex::new(regex) {
                Ok(regex) => syntax.lines.push((regex, self.label(label))),
                Err(_) => self.mistakes.at(span.clone(), label, "the regex is wrong", "write one, such as `'^\\('`"),
            }
        }
        for parts in &written.parts {
            let name = self.label(&parts.label);
            let wordings = self.wordings(name, parts);
            syntax.parts.insert(name, wordings);
        }
        syntax
    }

    /// The labels that the mapping speaks of: the section, the label, and whether it is the heading of a section.
    fn label_names(&mut self) -> Vec<(NameId, NameId, bool)> {
        let dialect = &self.file.dialect;
        let mut paths: Vec<&[Step]> = Vec::new();
        for shape in self.file.shapes.iter().filter(|shape| shape.format == Format::Labels) {
            let rules = shape.lines.iter().map(|line| &line.rule);
            let places = rules.flat_map(|rule| rule.at.iter().chain(&rule.each).chain(&rule.also));
            let aside = shape.ignore.iter().chain(shape.discard.iter().map(|discard| &discard.at));
            let constants = shape.constants.iter().map(|constant| &constant.at);
            paths.extend(places.chain(aside).chain(constants).map(|place| place.steps.as_slice()));
        }
        let of_dialect = dialect.ignore.iter().chain(dialect.discard.iter().map(|discard| &discard.at));
        paths.extend(of_dialect.map(|place| place.steps.as_slice()));
        let mut names = Vec::new();
        for path in paths {
            let [Step::Member(first, _), inside @ ..] = path else {
                continue;
            };
            let name = self.label(first);
            // A label with parts has members too, but they stand in its value.
            let section = inside.first().filter(|_| !self.file.labels.parts.iter().any(|parts| parts.label == *first));
            names.push((ROOT, name, section.is_some()));
            if let Some(Step::Member(label, _)) = section {
                names.push((name, self.part(name, label), false));
            }
        }
        names
    }

    fn label(&mut self, text: &str) -> NameId {
        self.part(ROOT, text)
    }

    fn part(&mut self, parent: NameId, text: &str) -> NameId {
        let made = self.namer.name(parent, &Step::Member(text.to_owned(), None));
        made.expect("only names with a prefix can be wrong, and labels have none")
    }

    fn wordings(&mut self, label: NameId, parts: &Parts) -> Wordings {
        let list = parts.list.as_ref().map(|(item, between)| (self.part(label, item), between.as_str().into()));
        let parent = list.as_ref().map_or(label, |(item, _)| *item);
        let mut all = Vec::new();
        let words = &self.file.labels.words;
        for written in &parts.wordings {
            let mut name_of = |name: &str| Ok(self.part(parent, name));
            let made = match written {
                WrittenWording::Template(text) => Wording::of_template(text, words, &mut name_of),
                WrittenWording::Regex(text, None) => Wording::of_regex(text, None, &mut name_of),
                WrittenWording::Regex(text, Some(template)) => Wording::of_template(template, words, &mut name_of)
                    .and_then(|written| Wording::of_regex(text, Some(written), &mut name_of)),
            };
            match made {
                Ok(wording) => all.push(wording),
                Err((problem, remedy)) => self.wrong_wording(parts.span.clone(), &parts.label, problem, remedy),
            }
        }
        Wordings { all, list }
    }

    fn wrong_wording(&mut self, span: Option<Range<usize>>, label: &str, problem: String, remedy: &str) {
        self.mistakes.at(span, label, problem, remedy);
    }
}
