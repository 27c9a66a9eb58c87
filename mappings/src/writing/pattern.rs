//! Writes several fields in one text.

use std::borrow::Cow;

use schemas::Outcome;

use crate::plan::{Pattern, PatternForm, Rule, Scope, Spelling};

use super::{
    sheet::Content,
    writer::{Writer, Wrote},
};

impl<'a> Writer<'a> {
    pub(super) fn write_pattern(
        &mut self,
        scope: &'a Scope,
        base: usize,
        rule: &'a Rule,
        pattern: &'a Pattern,
    ) -> Wrote {
        let mut texts: Vec<Option<Cow<'a, str>>> = Vec::new();
        for (target, leaf) in &pattern.fields {
            let value = self.get(rule.level, target);
            if value.as_text() == Some("") {
                self.note(rule.level, target, Outcome::Dropped, "cleared_not_expressible");
            }
            let lettered = if value.is_absent() { None } else { leaf.write(value).ok() };
            texts.push(lettered.and_then(|lettered| match lettered.content {
                Content::Text(text) | Content::Cdata(text) | Content::Bare(text) if !text.is_empty() => Some(text),
                _ => None,
            }));
        }
        let complete = |form: &&PatternForm| form.parts.iter().all(|(_, index)| texts[*index].is_some());
        let mut forms = pattern.forms.iter().filter(complete).map(|form| (form, form.word(&texts)));
        let first = forms.next();
        // When read, the first form that fits counts.
        let reads_back = |(form, text): &(&PatternForm, String)| {
            let first = pattern.forms.iter().find(|other| other.regex.is_match(text));
            first.is_some_and(|first| std::ptr::eq(first, *form)) && form.reads_back(text, &texts)
        };
        let chosen = match first {
            Some(first) if !reads_back(&first) => forms.find(reads_back).or(Some(first)),
            first => first,
        };
        let Some((form, text)) = chosen else {
            let kept = pattern.keep_text.as_ref().and_then(|target| self.get(rule.level, target).as_text());
            for (index, (target, _)) in pattern.fields.iter().enumerate() {
                if texts[index].is_some() {
                    self.note(rule.level, target, Outcome::Dropped, "pattern_mismatch");
                }
            }
            return match kept.filter(|text| !text.is_empty()) {
                Some(text) => self.put(scope, base, rule, Content::Text(Cow::Borrowed(text))),
                None => Wrote::Nothing,
            };
        };
        let captures = form.regex.captures(&text);
        for (index, (target, _)) in pattern.fields.iter().enumerate() {
            let is_in_form = form.parts.iter().any(|(_, part)| *part == index);
            let reads_back = captures.as_ref().and_then(|captures| captures.name(&format!("f{index}")));
            if !is_in_form && texts[index].is_some() {
                self.note(rule.level, target, Outcome::Dropped, "pattern_mismatch");
            } else if is_in_form && reads_back.map(|found| found.as_str()) != texts[index].as_deref() {
                self.note(rule.level, target, Outcome::Coarsened, "pattern_mismatch");
            }
        }
        self.put(scope, base, rule, Content::Text(Cow::Owned(text)))
    }
}

impl Spelling {
    /// The record's spelling of the dialect's text; nothing if it fits none.
    pub(crate) fn read(&self, text: &str) -> Option<String> {
        self.theirs.iter().find_map(|form| respelled(form, &self.ours, text))
    }

    /// The dialect's spelling of the record's text.
    pub(crate) fn write(&self, text: &str) -> Option<String> {
        respelled(&self.ours, self.theirs.first()?, text)
    }
}

fn respelled(from: &PatternForm, to: &PatternForm, text: &str) -> Option<String> {
    let captures = from.regex.captures(text)?;
    let part = |index: usize| captures.name(&format!("f{index}")).map(|found| Cow::Borrowed(found.as_str()));
    let parts: Vec<_> = (0..from.parts.len()).map(part).collect();
    Some(to.word(&parts))
}

impl PatternForm {
    /// The fields in the words of the form.
    fn word(&self, texts: &[Option<Cow<'_, str>>]) -> String {
        let mut text = String::new();
        for (before, index) in &self.parts {
            text.push_str(before);
            text.push_str(texts[*index].as_deref().unwrap_or_default());
        }
        text.push_str(&self.end);
        text
    }

    /// Whether the words give the same fields again.
    fn reads_back(&self, words: &str, texts: &[Option<Cow<'_, str>>]) -> bool {
        let Some(captures) = self.regex.captures(words) else {
            return false;
        };
        let found = |index: usize| captures.name(&format!("f{index}")).map(|found| found.as_str());
        self.parts.iter().all(|(_, index)| found(*index) == texts[*index].as_deref())
    }
}
