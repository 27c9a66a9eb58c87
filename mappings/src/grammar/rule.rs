//! Reads the right side of a line.

use toml_edit::Item;

use crate::{document::Format, error::Mistakes, text::Limit};

use super::{
    LetterCase, Place, Rule, Scalar, TextKind, Written,
    toml::{Table, scalar},
};

/// Reads the right side of a line; a bare text is `{ at = "…" }`.
pub(super) fn read_rule(item: &Item, left: &str, format: Format, mistakes: &mut Mistakes<'_>) -> Option<Rule> {
    if let Some(text) = item.as_str() {
        let at = place(text, item, left, format, mistakes)?;
        return Some(Rule { at: vec![at], ..Rule::default() });
    }
    let mut table = Table::of(item, left, mistakes)?;
    let mut rule = Rule::default();
    read_places(&mut rule, &mut table, item, format, mistakes);
    read_codes(&mut rule, &mut table, item, format, mistakes);
    read_form(&mut rule, &mut table, mistakes);
    read_demands(&mut rule, &mut table, item, format, mistakes);
    table.finish(mistakes);
    if rule.at.is_empty() && rule.each.is_none() {
        mistakes.at(item.span(), left, "the line says no place in the document", "add `at = \"…\"` or `each = \"…\"`");
        return None;
    }
    Some(rule)
}

fn place(text: &str, item: &Item, left: &str, format: Format, mistakes: &mut Mistakes<'_>) -> Option<Place> {
    match Place::parse(text, format) {
        Ok(place) => Some(place),
        Err(problem) => {
            mistakes.at(item.span(), left, format!("`{text}` is no path"), problem);
            None
        }
    }
}

fn read_places(rule: &mut Rule, table: &mut Table<'_>, item: &Item, format: Format, mistakes: &mut Mistakes<'_>) {
    let left = table.rule.clone();
    let mut named = |name, mistakes: &mut Mistakes<'_>| -> Vec<Place> {
        let texts = table.texts(name, mistakes);
        texts.iter().filter_map(|text| place(text, item, &left, format, mistakes)).collect()
    };
    rule.at = named("at", mistakes);
    rule.at.extend(named("either", mistakes));
    rule.each = named("each", mistakes).pop();
    rule.also = named("also", mistakes);
}

fn read_codes(rule: &mut Rule, table: &mut Table<'_>, item: &Item, format: Format, mistakes: &mut Mistakes<'_>) {
    let left = table.rule.clone();
    rule.codes = table.texts("codes", mistakes);
    let mut named = |name, mistakes: &mut Mistakes<'_>| -> Option<Place> {
        let text = table.texts(name, mistakes).pop()?;
        place(&text, item, &left, format, mistakes)
    };
    rule.code = named("code", mistakes);
    rule.label = named("label", mistakes);
    rule.scheme = named("scheme", mistakes);
    rule.pair = named("pair", mistakes);
    rule.label_only = table.texts("label_only", mistakes);
    rule.is_one_per_list = table.boolean("one_per_list", mistakes).unwrap_or_default();
    rule.is_code_required = table.boolean("required_code", mistakes).unwrap_or_default();
    rule.keeps_others = table.word("others", &[("keep", true), ("drop", false)], mistakes).unwrap_or_default();
    if let Some(item) = table.item("values") {
        rule.values = read_values(item, table, mistakes);
    }
}

fn read_values(item: &Item, table: &Table<'_>, mistakes: &mut Mistakes<'_>) -> Vec<(Scalar, Scalar)> {
    let pair = |row: &toml_edit::Value| {
        let row = row.as_array()?;
        let (ours, theirs) = (row.get(0)?, row.get(1)?);
        (row.len() == 2).then(|| Some((scalar(ours)?, scalar(theirs)?)))?
    };
    let pairs: Option<Vec<_>> = item.as_array().and_then(|rows| rows.iter().map(pair).collect());
    if pairs.is_none() {
        table.expected("values", item, "pairs: `[[\"canonical\", \"theirs\"], …]`", mistakes);
    }
    pairs.unwrap_or_default()
}

fn read_form(rule: &mut Rule, table: &mut Table<'_>, mistakes: &mut Mistakes<'_>) {
    rule.date = table.texts("date", mistakes);
    rule.instant = table.text("instant", mistakes);
    rule.is_by_precision = table.word("by", &[("precision", true)], mistakes).unwrap_or_default();
    rule.within_days = table.count("within_days", mistakes);
    rule.of = table.texts("of", mistakes);
    rule.keep_text = table.text("keep_text", mistakes);
    rule.is_keep_text_read_only = table.boolean("keep_text_write", mistakes) == Some(false);
    rule.minimum = table.integer("minimum", mistakes);
    rule.has_decimal_comma = table.word("decimal", &[("comma", true), ("point", false)], mistakes).unwrap_or_default();
    rule.divide = read_divisor(table, mistakes);
    let kinds = [("plain", TextKind::Plain), ("html", TextKind::Html), ("encoded-html", TextKind::EncodedHtml)];
    rule.text = table.word("text", &kinds, mistakes);
    let length = |count: Option<u32>| count.and_then(|count| usize::try_from(count).ok());
    let characters = length(table.count("max_characters", mistakes));
    rule.limit = Limit { characters, bytes: length(table.count("max_bytes", mistakes)) };
    rule.strips_links = table.word("links", &[("strip", true), ("keep", false)], mistakes).unwrap_or_default();
    rule.written = table.word("as", &[("text", Written::Text), ("number", Written::Number)], mistakes);
    let cases = [
        ("upper", (LetterCase::Upper, false)),
        ("lower", (LetterCase::Lower, false)),
        ("always-upper", (LetterCase::Upper, true)),
    ];
    let case = table.word("case", &cases, mistakes);
    (rule.case, rule.reads_case) = (case.map(|(case, _)| case), case.is_some_and(|(_, reads)| reads));
    rule.cdata = table.boolean("cdata", mistakes);
    rule.breaks_lines = table.word("lines", &[("br", true), ("keep", false)], mistakes).unwrap_or_default();
    rule.pattern = table.texts("pattern", mistakes);
    rule.ours = table.text("ours", mistakes);
    rule.split = table.text("split", mistakes);
    rule.is_count = table.boolean("count", mistakes).unwrap_or_default();
    rule.is_raw = table.boolean("raw", mistakes).unwrap_or_default();
}

fn read_divisor(table: &mut Table<'_>, mistakes: &mut Mistakes<'_>) -> Option<u32> {
    let divisor = table.count("divide", mistakes)?;
    if 10_u32.checked_pow(divisor.ilog10()) != Some(divisor) {
        let span = table.item("divide").and_then(Item::span);
        let problem = format!("`divide` is {divisor}, no power of ten");
        mistakes.at(span, &table.rule, problem, "write 10, 100 or 1000: only so no digit is lost");
    }
    Some(divisor)
}

fn read_demands(rule: &mut Rule, table: &mut Table<'_>, item: &Item, format: Format, mistakes: &mut Mistakes<'_>) {
    rule.absent = table.texts("absent", mistakes);
    rule.default = table.text("default", mistakes);
    rule.default_from = table.texts("default_from", mistakes);
    rule.required = table.text("required", mistakes);
    rule.required_item = table.text("required_item", mistakes);
    rule.must = table.text("must", mistakes);
    rule.one = table.text("one", mistakes);
    rule.append = table.texts("append", mistakes);
    rule.max_items = table.count("max_items", mistakes).and_then(|count| usize::try_from(count).ok());
    if let Some(text) = table.text("with_parent", mistakes) {
        rule.with_parent = place(&text, item, &table.rule, format, mistakes);
    }
    if let Some(text) = table.text("month", mistakes) {
        rule.month = place(&text, item, &table.rule, format, mistakes);
    }
    if let Some(text) = table.text("shown_by", mistakes) {
        rule.shown_by = place(&text, item, &table.rule, format, mistakes);
    }
    if let Some(text) = table.text("starts_with", mistakes) {
        rule.starts_with = place(&text, item, &table.rule, format, mistakes);
    }
    rule.derive = table.text("to", mistakes);
    rule.is_words = table.boolean("words", mistakes).unwrap_or_default();
    rule.is_write_only = table.boolean("read", mistakes) == Some(false);
    rule.is_read_only = table.boolean("write", mistakes) == Some(false);
}
