//! What one rule does with codes: which it reads, where they lead, and which it writes.

use std::{collections::HashMap, sync::Arc};

use schemas::Value;

use crate::codes::{
    CodeList, Grade, Library,
    coded::{CodedShape, Named},
    entry::{Entry, named},
    library::{Code, Route},
    list::Known,
    said::{Found, Given, Spelled, Written},
};

/// The code lists of one rule, with the ways into and out of the canonical vocabularies.
#[derive(Debug)]
pub(crate) struct Coder {
    entries: Vec<Entry>,
    inbound: Vec<(usize, Route)>,
    by_scheme: Arc<HashMap<Arc<str>, Vec<Arc<CodeList>>>>,
    language: Option<Box<str>>,
    /// Whether codes that no list knows are left out when writing.
    is_required: bool,
    /// The lists of which the words are written, not the code.
    label_only: Vec<usize>,
    /// Whether what is no code of the lists is words: those of the last list when read, of any when written.
    holds_words: bool,
}

/// Where a crosswalk led into one of the rule's lists.
struct Landing<'a> {
    list: usize,
    grade: Grade,
    code: Spelled<'a>,
    is_many_to_one: bool,
}

impl Landing<'_> {
    /// Why the code there is not quite the one that the value had, itself of that grade.
    fn coarsened(&self, before: Grade) -> Option<&'static str> {
        match before.then(self.grade) {
            Grade::Exact => self.is_many_to_one.then_some("many_to_one"),
            grade => Some(grade.as_str()),
        }
    }
}

/// Scheme, code and label.
type Words<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>);

impl Coder {
    /// Resolves the ways between the lists of a rule and the schemes of its canonical field.
    pub(crate) fn new(
        library: &Library,
        lists: Vec<Arc<CodeList>>,
        schemes: &[&str],
        language: Option<Box<str>>,
        is_required: bool,
    ) -> Self {
        let inbound = lists
            .iter()
            .enumerate()
            .flat_map(|(index, list)| library.routes_to(list).into_iter().map(move |route| (index, route)));
        let inbound = inbound.collect();
        let entries = lists.into_iter().map(|list| {
            let mut onward = library.routes_from(&list);
            let rank = |route: &Route| schemes.iter().position(|scheme| **route.to.scheme() == **scheme);
            onward.retain(|route| rank(route).is_some());
            onward.sort_by_key(rank);
            Entry { is_canonical: schemes.contains(&&**list.scheme()), onward, list }
        });
        Self {
            entries: entries.collect(),
            inbound,
            by_scheme: library.by_scheme().clone(),
            language,
            is_required,
            label_only: Vec::new(),
            holds_words: false,
        }
    }

    /// The same, writing the words of some lists instead of their codes.
    pub(crate) fn with_label_only(mut self, lists: &[String]) -> Self {
        let is_one = |entry: &Entry| lists.iter().any(|name| **name == **entry.list.name());
        self.label_only = (0..self.entries.len()).filter(|index| is_one(&self.entries[*index])).collect();
        self
    }

    /// The same, at a place that holds words where it holds no code.
    pub(crate) fn with_words(mut self, holds_words: bool) -> Self {
        self.holds_words = holds_words;
        self
    }

    /// Whether the place holds words where it holds no code.
    pub(crate) fn holds_words(&self) -> bool {
        self.holds_words
    }

    /// The lists of the rule, in its order.
    pub(crate) fn lists(&self) -> impl Iterator<Item = &Arc<CodeList>> {
        self.entries.iter().map(|entry| &entry.list)
    }

    /// The list of that name, as documents say it.
    pub(crate) fn list_named(&self, name: &str) -> Option<usize> {
        let position = |is_it: &dyn Fn(&CodeList) -> bool| self.entries.iter().position(|entry| is_it(&entry.list));
        position(&|list| **list.name() == *name).or_else(|| position(&|list| **list.scheme() == *name))
    }

    /// How documents name the list of a code.
    pub(crate) fn name_of<'a>(&'a self, written: &Written<'a>) -> &'a str {
        written.other.unwrap_or_else(|| self.entries[written.list].list.name())
    }

    /// Whether codes that no list knows are left out when writing.
    pub(crate) fn is_required(&self) -> bool {
        self.is_required
    }

    /// Reads a coded value. A code that no list knows is kept as it is.
    pub(crate) fn read(&self, shape: &CodedShape, given: Given<'_>) -> Found {
        if let Some(other) = given.other {
            let [code, label] = [given.code, given.label].map(|text| text.map(Into::into));
            let named = Named { scheme: Some(other.into()), code, label, ..Named::default() };
            return Found { value: shape.of_source(named), coarsened: None };
        }
        if let Some((entry, code)) = given.code.and_then(|code| self.knower(code, given.list)) {
            let several = entry.value_of_several(shape, &code, given);
            return several
                .unwrap_or_else(|| Found { value: entry.value_of_code(shape, code, given), coarsened: None });
        }
        let words = given.label.or(given.code);
        if let Some((index, code)) = words.and_then(|words| self.find_label(words, given.list)) {
            // A scalar that is no code but a label stands for the label.
            let said_code = given.label.and(given.code);
            let named = Named { code: said_code.map(Into::into), label: words.map(Into::into), ..Named::default() };
            let first = given.list.unwrap_or(0);
            let is_expected = said_code.is_none() && index == first;
            let value = self.entries[index].value_of_label(shape, &code, named, &self.entries[first].list);
            return Found { value, coarsened: (!is_expected).then_some("found_by_label") };
        }
        if let Some(words) = words.filter(|_| self.holds_words) {
            let last = &self.entries[self.entries.len() - 1].list;
            let value = shape.of_source(Named { version: None, ..named(last, None, Some(words.into())) });
            return Found { value, coarsened: None };
        }
        let index = given.list.unwrap_or(0);
        let list = &self.entries[index].list;
        // Where the words of a list are written and not its codes, a text alone is words.
        let is_words = given.label.is_none() && self.label_only.contains(&index);
        let (code, label) = if is_words { (None, given.code) } else { (given.code, given.label) };
        let read = named(list, code.map(Into::into), label.map(Into::into));
        // That the list has no such code may be because the code is of another version.
        let value = shape.of_source(Named { version: None, ..read });
        Found { value, coarsened: given.code.map(|_| "unknown_code") }
    }

    /// Reads a code into a text field that holds codes of a known vocabulary.
    ///
    /// # Errors
    /// The loss code, if no list leads anywhere.
    pub(crate) fn read_text(&self, code: &str) -> Result<Arc<str>, &'static str> {
        let (entry, known) = self.knower(code, None).ok_or("unknown_code")?;
        if entry.is_canonical || entry.onward.is_empty() {
            return Ok(known);
        }
        entry
            .onward
            .iter()
            .find_map(|route| route.follow(code, None))
            .map(|there| there.code.share())
            .ok_or("unknown_code")
    }

    /// Reads a code, or the words of one, into a field of symbols, which have no room for a grade: what is not quite the
    /// same is said.
    ///
    /// # Errors
    /// The loss code, if no list knows it, or none leads anywhere.
    pub(crate) fn read_symbol(&self, said: &str) -> Result<(Arc<str>, Option<&'static str>), &'static str> {
        let known = self.knower(said, None);
        let by_words = || self.find_label(said, None).map(|(index, code)| (&self.entries[index], code));
        let (entry, code) = known.or_else(by_words).ok_or("unknown_code")?;
        if entry.is_canonical || entry.onward.is_empty() {
            return Ok((code, None));
        }
        let is_row = matches!(entry.list.look_up(&code), Known::Row(_));
        let there = entry.onward.iter().find_map(|route| route.follow(&code, None));
        let there = there.ok_or(if is_row { "no_term" } else { "unknown_code" })?;
        let coarsened = (there.grade != Grade::Exact).then_some(there.grade.as_str());
        Ok((there.code.share(), coarsened))
    }

    /// The code that follows from a code or its words, where a list leads to one; or the words of the code.
    pub(crate) fn derive_text(&self, words: &str, wants_words: bool) -> Option<Arc<str>> {
        let (entry, code) = match self.knower(words, None) {
            Some(known) => known,
            None => self.find_label(words, None).map(|(index, code)| (&self.entries[index], code))?,
        };
        if wants_words {
            return entry.list.label(&code, self.language.as_deref()).cloned();
        }
        if entry.is_canonical {
            return Some(code);
        }
        entry.onward.iter().find_map(|route| route.follow(&code, None)).map(|there| there.code.share())
    }

    /// Whether a scheme is one that the codes are to lead to.
    pub(crate) fn leads_to(&self, scheme: Option<&str>) -> bool {
        let is_it = |other: &Arc<str>| scheme == Some(&**other);
        let mut entries = self.entries.iter();
        entries.any(|entry| {
            (entry.is_canonical && is_it(entry.list.scheme()))
                || entry.onward.iter().any(|route| is_it(route.to.scheme()))
        })
    }

    /// The first list that knows a code, and the code in its spelling if it is the very same.
    fn knower(&self, code: &str, only: Option<usize>) -> Option<(&Entry, Arc<str>)> {
        let entries = match only {
            Some(index) => self.entries.get(index..=index)?,
            None => &self.entries,
        };
        entries.iter().find_map(|entry| match entry.list.look_up(code) {
            // Where case does not count, the spelling of the list does.
            Known::Row(row) => Some((entry, row.code.clone())),
            Known::Fits => Some((entry, code.into())),
            Known::Not => None,
        })
    }

    fn find_label(&self, words: &str, only: Option<usize>) -> Option<(usize, Arc<str>)> {
        let mut entries = self.entries.iter().enumerate().filter(|(index, _)| only.is_none_or(|only| only == *index));
        entries.find_map(|(index, entry)| Some((index, entry.list.row_of_label(words)?.code.clone())))
    }

    /// Says what to write for a coded value.
    ///
    /// # Errors
    /// The loss code, if none of the lists has a code for it or its grade is refused.
    pub(crate) fn write<'a>(
        &'a self,
        shape: &CodedShape,
        value: &'a Value,
        has_label: bool,
        refused: &[Grade],
    ) -> Result<Written<'a>, &'static str> {
        let grade = shape.grade(value);
        let source = (shape.source_scheme(value), shape.source_code(value), shape.source_label(value));
        let own = (shape.scheme(value), shape.code(value), shape.label(value));
        // Where a code must be written, words of the source that led to one do not stand for it.
        let wants_code = self.is_required && own.1.is_some();
        if let Some(written) = self.verbatim(source, |_, _| true).filter(|found| found.code.is_some() || !wants_code) {
            return Ok(self.finish(written, has_label, own, source));
        }
        let own_is_refused = refused.contains(&grade);
        let is_words = self.holds_words && own.1.is_none();
        let mut written = if is_words {
            check_grade(own_is_refused)?;
            self.words_of(own, source)?
        } else if let Some(written) = self.verbatim(own, CodeList::knows) {
            check_grade(own_is_refused)?;
            Written { coarsened: (grade != Grade::Exact).then_some(grade.as_str()), ..written }
        } else if let Some(there) = self.arrive(own.0, own.1).or_else(|| self.arrive(source.0, source.1)) {
            check_grade(refused.contains(&there.grade))?;
            let coarsened = there.coarsened(grade);
            let label = has_label.then(|| self.label_of(there.list, there.code.as_str())).flatten();
            let loses_label = self.loses_words(own, source);
            Written { code: Some(there.code), label, list: there.list, coarsened, loses_label, other: None }
        } else if self.holds_words {
            check_grade(own_is_refused)?;
            self.words_of(own, source)?
        } else if let Some(written) = self.verbatim(own, |_, _| !self.is_required) {
            check_grade(own_is_refused)?;
            written
        } else {
            return Err("no_code_in_target");
        };
        if self.label_only.contains(&written.list)
            && let Some(code) = written.code.take()
        {
            written.label = self.label_of(written.list, code.as_str()).or(written.label);
            written.loses_label = self.loses_words(own, source);
            if written.label.is_none() {
                return Err("no_code_in_target");
            }
        }
        Ok(self.finish(written, has_label, own, source))
    }

    /// The words of a value, or those that some list has for its code.
    fn words_of<'a>(&'a self, own: Words<'a>, source: Words<'a>) -> Result<Written<'a>, &'static str> {
        let last = self.entries.len() - 1;
        let of_code = |(scheme, code, _): Words<'_>| {
            let lists = self.by_scheme.get(scheme?)?;
            lists.iter().find_map(|list| list.label(code?, self.language.as_deref())).map(|label| &**label)
        };
        let words =
            own.2.or_else(|| of_code(own)).or(source.2).or_else(|| of_code(source)).ok_or("no_code_in_target")?;
        let comes_back = own == (Some(&**self.entries[last].list.scheme()), None, Some(words))
            && self.knower(words, None).is_none()
            && self.find_label(words, None).is_none();
        let coarsened = (!comes_back).then_some("words");
        Ok(Written { label: Some(Spelled::Borrowed(words)), list: last, coarsened, ..Written::default() })
    }

    /// Says what to write for a coded value of a list that is none of the rule's.
    ///
    /// # Errors
    /// The loss code, if the value names no list or its grade is refused.
    pub(crate) fn write_other<'a>(
        &'a self,
        shape: &CodedShape,
        value: &'a Value,
        has_label: bool,
        refused: &[Grade],
    ) -> Result<Written<'a>, &'static str> {
        let grade = shape.grade(value);
        let source = (shape.source_scheme(value), shape.source_code(value), shape.source_label(value));
        let own = (shape.scheme(value), shape.code(value), shape.label(value));
        let other = own.0.filter(|_| own.1.or(own.2).is_some()).ok_or("no_code_in_target")?;
        check_grade(refused.contains(&grade))?;
        let written = Written {
            code: own.1.map(Spelled::Borrowed),
            label: own.2.map(Spelled::Borrowed),
            other: Some(other),
            coarsened: (grade != Grade::Exact).then_some(grade.as_str()),
            ..Written::default()
        };
        Ok(self.finish(written, has_label, own, source))
    }

    /// Leaves out words that have no place; where there is no code they are all there is.
    fn finish<'a>(&self, mut written: Written<'a>, has_label: bool, own: Words<'_>, source: Words<'_>) -> Written<'a> {
        if !has_label && written.code.is_some() {
            written.label = None;
            written.loses_label = self.loses_words(own, source);
        }
        written
    }

    /// Says what to write for a text that is a code of a known vocabulary, and why it is not quite the same.
    ///
    /// # Errors
    /// The loss code, if none of the lists has a code for it.
    pub(crate) fn write_text<'a>(
        &'a self,
        schemes: &[Arc<str>],
        code: &'a str,
    ) -> Result<(Spelled<'a>, Option<&'static str>), &'static str> {
        for entry in self.entries.iter().filter(|entry| entry.is_canonical || entry.onward.is_empty()) {
            if let Some(row) = entry.list.row(code) {
                return Ok((Spelled::Borrowed(&row.code), None));
            }
        }
        let landing = schemes.iter().find_map(|scheme| self.arrive(Some(&**scheme), Some(code)));
        match landing {
            Some(there) => {
                let coarsened = there.coarsened(Grade::Exact);
                Ok((there.code, coarsened))
            }
            None if self.is_required => Err("no_code_in_target"),
            None => Ok((Spelled::Borrowed(code), None)),
        }
    }

    /// The value as it is, if it is of one of the rule's lists.
    fn verbatim<'a>(
        &'a self,
        (scheme, code, label): Words<'a>,
        is_wanted: impl Fn(&CodeList, &str) -> bool,
    ) -> Option<Written<'a>> {
        let scheme = scheme?;
        let mut of_scheme = self.entries.iter().enumerate().filter(|(_, entry)| &**entry.list.scheme() == scheme);
        let Some(code) = code else {
            let (index, _) = of_scheme.next()?;
            let label = label.map(Spelled::Borrowed)?;
            return Some(Written { label: Some(label), list: index, ..Written::default() });
        };
        let mut wanted = of_scheme.filter(|(_, entry)| is_wanted(&entry.list, code));
        let first = wanted.next()?;
        let (index, _) =
            [first].into_iter().chain(wanted).find(|(_, entry)| entry.list.knows(code)).unwrap_or((first.0, first.1));
        Some(Written {
            code: Some(Spelled::Borrowed(code)),
            label: label.map(Spelled::Borrowed),
            list: index,
            ..Written::default()
        })
    }

    /// Follows the first crosswalk that leads from a code into one of the rule's lists.
    fn arrive<'a>(&'a self, scheme: Option<&str>, code: Option<&str>) -> Option<Landing<'a>> {
        let (scheme, code) = (scheme?, code?);
        let routes = self.inbound.iter().filter(|(_, route)| **route.from.scheme() == *scheme);
        let mut landings = routes.filter_map(|(index, route)| {
            let there = route.follow(code, None)?;
            let is_many_to_one = route.goes_back() && !there.is_reversible;
            let code = match there.code {
                Code::Held(code) => Spelled::Borrowed(code),
                Code::Derived(code) => Spelled::Shared(code),
            };
            Some(Landing { list: *index, grade: there.grade, code, is_many_to_one })
        });
        landings.next()
    }

    fn label_of(&self, index: usize, code: &str) -> Option<Spelled<'_>> {
        let label = self.entries[index].list.label(code, self.language.as_deref())?;
        Some(Spelled::Borrowed(label))
    }

    /// Whether the value has words that no list implies by its code.
    fn loses_words(&self, own: Words<'_>, source: Words<'_>) -> bool {
        [own, source].into_iter().any(|(scheme, code, label)| {
            let Some(label) = label else {
                return false;
            };
            let lists = scheme.and_then(|scheme| self.by_scheme.get(scheme)).map(Vec::as_slice).unwrap_or_default();
            !code.is_some_and(|code| lists.iter().any(|list| list.implies(code, label)))
        })
    }
}

fn check_grade(is_refused: bool) -> Result<(), &'static str> {
    if is_refused { Err("grade_refused") } else { Ok(()) }
}
