//! Makes the part of a rule that reads and writes several fields in one text.

use regex::Regex;

use crate::document::closing_brace;

use super::{Pattern, PatternForm, Spelling, Target, rules::RuleMaker};

impl RuleMaker<'_, '_, '_> {
    pub(super) fn pattern(&mut self, target: &Target) -> Option<Pattern> {
        let mut fields = Vec::new();
        for name in &self.line.left.braces {
            let Some(field) = target.child(name) else {
                self.mistake(format!("there is no field `{name}`"), "correct the names in braces");
                return None;
            };
            let leaf = self.leaf(field.ty, field.field)?;
            fields.push((field, leaf));
        }
        let mut forms = Vec::new();
        for pattern in &self.written().pattern {
            match pattern_form(pattern, &self.line.left.braces) {
                Ok(form) => forms.push(form),
                Err(problem) => self.mistake(problem, "write `pattern = \"{postcode} {city}\"`"),
            }
        }
        if forms.is_empty() {
            self.mistake("several fields in one place need a pattern", "add `pattern = \"{postcode} {city}\"`");
            return None;
        }
        let keep_text = match &self.written().keep_text {
            Some(path) => Some(self.keep_text(path)?),
            None => None,
        };
        Some(Pattern { fields, forms, keep_text })
    }
}

impl RuleMaker<'_, '_, '_> {
    /// The two spellings of one text: `ours`, and those of `pattern`.
    pub(super) fn spelling(&mut self, ours: &str) -> Option<Spelling> {
        let names = names_of(ours);
        let mut forms = Vec::new();
        for text in [ours].into_iter().chain(self.written().pattern.iter().map(String::as_str)) {
            match pattern_form(text, &names) {
                Ok(form) if form.parts.len() == names.len() => forms.push(form),
                Ok(_) => self.mistake(format!("`{text}` has other parts than `ours`"), "name the same parts in both"),
                Err(problem) => self.mistake(problem, "write `ours = \"+32{number}\"` and `pattern = \"0{number}\"`"),
            }
        }
        if names.is_empty() || forms.len() < 2 {
            self.mistake("`ours` spells nothing in another way", "name parts in braces, and add `pattern`");
            return None;
        }
        let ours = forms.remove(0);
        Some(Spelling { theirs: forms, ours })
    }
}

/// The names in braces; a regular expression in them may have braces of its own.
fn names_of(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('{') {
        let Some(end) = closing_brace(behind) else {
            break;
        };
        names.push(behind[..end].split(':').next().unwrap_or_default().to_owned());
        rest = &behind[end + 1..];
    }
    names
}

/// Reads `{postcode:\d{4}} - {city}`: letters, and fields with the regex that they match.
fn pattern_form(text: &str, names: &[String]) -> Result<PatternForm, String> {
    let mut regex = String::from("^");
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let end = closing_brace(behind).ok_or_else(|| format!("a brace of `{text}` is not closed"))?;
        let (name, own) = behind[..end].split_once(':').unwrap_or((&behind[..end], ".+?"));
        let index = names.iter().position(|known| known == name);
        let index = index.ok_or_else(|| format!("`{{{name}}}` is none of the fields on the left side"))?;
        regex.push_str(&regex::escape(before));
        regex.push_str(&format!("(?P<f{index}>{own})"));
        parts.push((before.into(), index));
        rest = &behind[end + 1..];
    }
    regex.push_str(&regex::escape(rest));
    regex.push('$');
    let regex = Regex::new(&regex).map_err(|_| format!("a regex in `{text}` is wrong"))?;
    Ok(PatternForm { regex, parts, end: rest.into() })
}
