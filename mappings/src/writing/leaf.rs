//! One canonical value in the letters of a dialect. Pure: no sheet, no report.

use std::borrow::Cow;

use jiff::{Timestamp, civil, fmt::strtime, tz::TimeZone};
use schemas::{Outcome, PartialDateTime, Precision, Value};

use crate::{
    codes::Spelled,
    grammar::{LetterCase, MILLISECONDS, TextKind},
    plan::{ConstantKind, Form, Leaf},
    reading::shift,
    text::{
        Limit, clean, cut_html, cut_plain, encode_html, html_of_plain, html_without_links, is_plain_in_html,
        plain_of_html, without_links,
    },
};

use super::sheet::Content;

/// A value in the letters of a dialect.
pub(super) struct Lettered<'a> {
    pub(super) content: Content<'a>,
    pub(super) note: Option<(Outcome, &'static str)>,
}

type Spell<'a> = Result<(Cow<'a, str>, Option<(Outcome, &'static str)>), &'static str>;

impl Leaf {
    /// Spells a value.
    ///
    /// # Errors
    /// The loss code, if the dialect has no letters for it.
    pub(super) fn write<'a>(&'a self, value: &'a Value) -> Result<Lettered<'a>, &'static str> {
        if let Some(row) = self.values.iter().position(|(ours, ..)| ours == value) {
            let (_, kind, theirs) = &self.values[row];
            let first = self.values.iter().position(|(_, _, other)| other == theirs);
            let note = (first != Some(row)).then_some((Outcome::Coarsened, "not_reversible"));
            return Ok(Lettered { content: content_of(*kind, Cow::Borrowed(theirs)), note });
        }
        if let Some(coder) = &self.coder {
            let code = match (&self.form, value) {
                (Form::Symbol(symbols), Value::Symbol(index)) => symbols.get(usize::from(*index)).copied(),
                _ => value.as_text(),
            };
            let (code, coarsened) = coder.coder.write_text(&coder.schemes, code.ok_or("no_code_in_target")?)?;
            let text = match code {
                Spelled::Borrowed(text) => Cow::Borrowed(text),
                Spelled::Shared(text) => Cow::Owned(text.to_string()),
            };
            let note = coarsened.map(|code| (Outcome::Coarsened, code));
            return Ok(Lettered { content: Content::Text(self.in_case(text)), note });
        }
        if !self.values.is_empty() && !self.keeps_others {
            return Err("no_code_in_target");
        }
        if let Value::Boolean(truth) = value {
            let content = content_of(ConstantKind::Boolean, Cow::Borrowed(if *truth { "true" } else { "false" }));
            return Ok(Lettered { content, note: None });
        }
        if self.minimum.is_some_and(|minimum| is_below(value, minimum)) {
            return Err("out_of_range");
        }
        let (text, note) = self.form.write(value, self.is_raw)?;
        let text = match self.spelling.as_ref().and_then(|spelling| spelling.write(&text)) {
            Some(theirs) => Cow::Owned(theirs),
            None => text,
        };
        let (text, note) = if self.strips_links { self.without_links(text, note)? } else { (text, note) };
        Ok(self.finish(text, note))
    }

    /// Whether codes lead to symbols of the field.
    pub(super) fn leads_to_symbol(&self) -> bool {
        self.coder.is_some() && matches!(self.form, Form::Symbol(_))
    }

    /// Takes links out.
    fn without_links<'a>(&self, text: Cow<'a, str>, note: Option<(Outcome, &'static str)>) -> Spell<'a> {
        let stripped = if self.holds_html() { html_without_links(&text) } else { without_links(&text) };
        match stripped {
            None => Ok((text, note)),
            // Nothing is left but the place of a link: an empty text would say that the field was emptied.
            Some(stripped) if plain_of_html(&stripped).trim().is_empty() => Err("links_removed"),
            Some(stripped) => Ok((Cow::Owned(stripped), Some((Outcome::Coarsened, "links_removed")))),
        }
    }

    fn holds_html(&self) -> bool {
        matches!(self.form, Form::Html(TextKind::Html) | Form::Plain(TextKind::Html))
    }

    /// Cleans, cuts and shapes the letters.
    fn finish<'a>(&self, text: Cow<'a, str>, mut note: Option<(Outcome, &'static str)>) -> Lettered<'a> {
        let mut text = self.in_case(text);
        if !self.is_raw
            && let (Cow::Owned(repaired), was_repaired) = clean(&text)
        {
            note = note.or(was_repaired.then_some((Outcome::Repaired, "illegal_characters")));
            text = Cow::Owned(repaired);
        }
        if self.breaks_lines && text.contains('\n') && !text.contains('<') {
            text = Cow::Owned(text.replace('\n', "<br>"));
            note = note.or(Some((Outcome::Coarsened, "formatting")));
        }
        let holds_html = self.holds_html();
        if self.limit != Limit::default() && !self.limit.holds(&text) {
            let cut = if holds_html { cut_html(&text, self.limit) } else { cut_plain(&text, self.limit).to_owned() };
            text = Cow::Owned(cut);
            note = Some((Outcome::Coarsened, "cut"));
        }
        let content = if self.is_number && is_bare_number(&text) {
            Content::Bare(text)
        } else if self.cdata && holds_html {
            Content::Cdata(text)
        } else {
            Content::Text(text)
        };
        Lettered { content, note }
    }

    fn in_case<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        match self.case {
            None => text,
            Some(LetterCase::Upper) => Cow::Owned(text.to_uppercase()),
            Some(LetterCase::Lower) => Cow::Owned(text.to_lowercase()),
        }
    }
}

/// Whether a number is lower than another; the whole part of a decimal tells.
fn is_below(value: &Value, minimum: i64) -> bool {
    match value {
        Value::Integer(number) => *number < minimum,
        Value::Text(text) => {
            let whole = text.split('.').next().and_then(|whole| whole.parse::<i64>().ok());
            let is_negative = text.starts_with('-');
            whole.is_some_and(|whole| whole < minimum || (is_negative && whole <= minimum && minimum >= 0))
        }
        _ => false,
    }
}

/// The content of a constant.
pub(super) fn content_of(kind: ConstantKind, text: Cow<'_, str>) -> Content<'_> {
    match kind {
        ConstantKind::Text | ConstantKind::Parameter(_) => Content::Text(text),
        ConstantKind::Number | ConstantKind::Boolean => Content::Bare(text),
    }
}

/// Whether the letters are a JSON number that is read back as the same letters.
pub(super) fn is_bare_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole) && is_digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

impl Form {
    fn write<'a>(&self, value: &'a Value, is_raw: bool) -> Spell<'a> {
        if let Value::Integer(number) = value {
            return Ok((Cow::Owned(number.to_string()), None));
        }
        if let (Self::Symbol(symbols), Value::Symbol(index)) = (self, value) {
            let symbol: &'static str = symbols.get(usize::from(*index)).ok_or("no_code_in_target")?;
            return Ok((Cow::Borrowed(symbol), None));
        }
        let text = value.as_text().ok_or("no_code_in_target")?;
        match self {
            _ if is_raw || text.is_empty() => Ok((Cow::Borrowed(text), None)),
            Self::Plain(held) => Ok(write_plain(text, *held)),
            Self::Html(held) => Ok(write_html(text, *held)),
            Self::Decimal { has_comma, divide } => write_decimal(text, *has_comma, *divide).map(|text| (text, None)),
            Self::Date { formats, instant, zone } => {
                let format = formats.first().map(|format| &**format).filter(|format| *format != "iso");
                write_date(text, format, instant.as_deref(), zone)
            }
            _ => Ok((Cow::Borrowed(text), None)),
        }
    }
}

fn write_plain(text: &str, held: TextKind) -> (Cow<'_, str>, Option<(Outcome, &'static str)>) {
    match held {
        TextKind::Plain => (Cow::Borrowed(text), None),
        TextKind::Html => (html_of_plain(text), None),
        TextKind::EncodedHtml => encoded(&html_of_plain(text)),
    }
}

fn write_html(html: &str, held: TextKind) -> (Cow<'_, str>, Option<(Outcome, &'static str)>) {
    match held {
        TextKind::Html => (Cow::Borrowed(html), None),
        TextKind::EncodedHtml => encoded(html),
        TextKind::Plain => {
            let note = (!is_plain_in_html(html)).then_some((Outcome::Coarsened, "formatting"));
            (plain_of_html(html), note)
        }
    }
}

fn encoded(html: &str) -> (Cow<'static, str>, Option<(Outcome, &'static str)>) {
    let (encoded, was_wrapped) = encode_html(html);
    (Cow::Owned(encoded), was_wrapped.then_some((Outcome::Repaired, "wrapped")))
}

fn write_decimal(text: &str, has_comma: bool, divide: Option<u32>) -> Result<Cow<'_, str>, &'static str> {
    let mut letters = Cow::Borrowed(text);
    if let Some(divisor) = divide {
        let places = i64::from(divisor.checked_ilog10().unwrap_or_default());
        let decimal = text.parse().ok().and_then(|decimal| shift(&decimal, places)).ok_or("no_number")?;
        letters = Cow::Owned(decimal.as_str().to_owned());
    }
    if has_comma && letters.contains('.') {
        letters = Cow::Owned(letters.replace('.', ","));
    }
    Ok(letters)
}

fn write_date<'a>(text: &'a str, format: Option<&str>, instant: Option<&str>, zone: &TimeZone) -> Spell<'a> {
    let date: PartialDateTime = text.parse().map_err(|_| "no_date")?;
    let spell =
        |format: &str, zoned: jiff::Zoned| strtime::format(format, &zoned).map(Cow::Owned).map_err(|_| "no_date");
    match date.precision() {
        Precision::Year | Precision::Month | Precision::Day if instant == Some(MILLISECONDS) => Err("partial_date"),
        Precision::Instant => {
            let at: Timestamp = text.parse().map_err(|_| "no_date")?;
            let Some(format) = instant.or(format) else {
                return Ok((Cow::Borrowed(text), None));
            };
            if format == MILLISECONDS {
                let is_whole = at.subsec_nanosecond() % 1_000_000 == 0;
                let note = (!is_whole).then_some((Outcome::Coarsened, "fraction_of_second"));
                return Ok((Cow::Owned(at.as_millisecond().to_string()), note));
            }
            let spelled = spell(format, at.to_zoned(zone.clone()))?;
            let has = |letters: &[&str]| letters.iter().any(|letter| format.contains(letter));
            let note = if !has(&["%H", "%T", "%R", "%I", "%s", "%c", "%X"]) {
                Some((Outcome::Coarsened, "time_of_day"))
            } else if at.subsec_nanosecond() != 0 && !has(&["%f", "%.f", "%N"]) {
                Some((Outcome::Coarsened, "fraction_of_second"))
            } else {
                None
            };
            Ok((spelled, note))
        }
        Precision::Day => match format {
            Some(format) => {
                let day: civil::Date = text.parse().map_err(|_| "no_date")?;
                let zoned = day.to_zoned(TimeZone::UTC).map_err(|_| "no_date")?;
                Ok((spell(format, zoned)?, None))
            }
            None => Ok((Cow::Borrowed(text), None)),
        },
        Precision::Year | Precision::Month if format.is_some() => Err("partial_date"),
        Precision::Year | Precision::Month => Ok((Cow::Borrowed(text), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_dialect_has_them() {
        let zone = TimeZone::get("Europe/Brussels").unwrap();
        for (text, format, instant, spelled) in [
            ("2026-11-22", None, None, Ok("2026-11-22")),
            ("2026-11-22", Some("%d/%m/%Y"), None, Ok("22/11/2026")),
            ("2026-11", None, None, Ok("2026-11")),
            ("2026-11", Some("%d/%m/%Y"), None, Err("partial_date")),
            ("2026-11-22T07:30:00Z", None, Some("%Y-%m-%dT%H:%M:%S"), Ok("2026-11-22T08:30:00")),
            ("2026-11-22T23:30:00Z", Some("%d/%m/%Y"), None, Ok("23/11/2026")),
        ] {
            let written = write_date(text, format, instant, &zone).map(|(text, _)| text.into_owned());
            assert_eq!(written.as_deref(), spelled.as_deref(), "{text}");
        }
    }

    #[test]
    fn only_plain_numbers_go_without_quotation_marks() {
        for (text, is_bare) in [("0", true), ("12.5", true), ("-3", true), ("007", false), ("1e3", false), ("", false)]
        {
            assert_eq!(is_bare_number(text), is_bare, "{text}");
        }
    }
}
