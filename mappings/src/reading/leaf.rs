//! One value of a document as a canonical value. Pure: no tree, no record.

use std::borrow::Cow;

use jiff::{Timestamp, civil, fmt::strtime, tz::TimeZone};
use schemas::{Decimal, Format, Outcome, PartialDateTime, Value};

use crate::{
    document::Kind,
    grammar::{MILLISECONDS, TextKind},
    plan::{Form, Leaf},
    text::{clean, decode_html, html_of_plain, is_plain_in_html, plain_of_html, sanitise},
};

/// What became of a value that was read.
#[derive(Debug)]
pub(crate) enum Read {
    /// The value, and what was noted on the way.
    Value(Value, Option<Note>),
    /// The document says that there is nothing, for a field that is no text.
    Cleared,
    /// The value cannot be read: the loss code.
    Unreadable(&'static str),
}

/// What is noted of a value that was read all the same.
pub(crate) type Note = (Outcome, &'static str);

impl Leaf {
    /// Reads a value from its letters.
    pub(crate) fn read(&self, text: &str, kind: Kind, absent: &[Box<str>]) -> Read {
        if self.is_raw {
            return Read::Value(Value::text(text), None);
        }
        let cased = self.in_read_case(text.trim());
        let text = &*cased;
        if absent.iter().any(|sentinel| **sentinel == *text) {
            return Read::Unreadable("sentinel");
        }
        if let Some((value, ..)) = self.values.iter().find(|(_, _, theirs)| **theirs == *text) {
            return Read::Value(value.clone(), None);
        }
        let is_text = !matches!(self.form, Form::Integer | Form::Boolean | Form::Symbol(_));
        if text.is_empty() {
            return if is_text { Read::Value(Value::text(""), None) } else { Read::Cleared };
        }
        if !self.values.is_empty() && !self.keeps_others {
            return Read::Unreadable("unknown_value");
        }
        match (&self.coder, &self.form) {
            (Some(coder), Form::Symbol(symbols)) => return read_symbol(symbols, coder.coder.read_symbol(text)),
            (Some(coder), _) => return self.read_code(coder.coder.read_text(text), text),
            (None, _) => {}
        }
        if let Some(ours) = self.spelling.as_ref().and_then(|spelling| spelling.read(text)) {
            return value(Value::text(ours));
        }
        self.form.read(text, kind)
    }

    fn in_read_case<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.reads_case { Cow::Owned(text.to_uppercase()) } else { Cow::Borrowed(text) }
    }

    /// A code that leads to a text; one that leads nowhere may still be a text of the field.
    fn read_code(&self, found: Result<std::sync::Arc<str>, &'static str>, text: &str) -> Read {
        let code = match found {
            Ok(code) => code,
            Err(problem) => {
                return match self.form.read(text, Kind::Text) {
                    Read::Value(value, _) => Read::Value(value, Some((Outcome::Coarsened, problem))),
                    _ => Read::Unreadable(problem),
                };
            }
        };
        value(Value::Text(code))
    }
}

impl Form {
    fn read(&self, text: &str, kind: Kind) -> Read {
        match self {
            Self::Plain(held) => read_plain(text, *held),
            Self::Html(held) => read_html(text, *held),
            Self::Decimal { has_comma, divide } => read_decimal(text, *has_comma && kind != Kind::Number, *divide)
                .map_or(Read::Unreadable("no_number"), value),
            Self::Date { formats, instant, zone } => {
                let formats = formats.iter().chain(instant).map(|format| &**format).filter(|format| *format != "iso");
                read_date(text, formats, zone)
                    .map_or(Read::Unreadable("no_date"), |date| value(Value::text(date.as_str())))
            }
            Self::Language => read_language(text),
            Self::Country => read_checked(text.to_ascii_uppercase(), Format::Country, "no_country"),
            Self::Currency => read_checked(text.to_ascii_uppercase(), Format::Currency, "no_currency"),
            Self::Integer => {
                read_integer(text).map_or(Read::Unreadable("no_number"), |number| value(Value::Integer(number)))
            }
            Self::Boolean => match text {
                "true" | "1" => value(Value::Boolean(true)),
                "false" | "0" => value(Value::Boolean(false)),
                _ => Read::Unreadable("unknown_value"),
            },
            Self::Symbol(symbols) => symbol(symbols, text).map_or(Read::Unreadable("unknown_value"), value),
        }
    }
}

fn value(value: Value) -> Read {
    Read::Value(value, None)
}

/// A code that leads to a symbol, and why it is not quite the same.
fn read_symbol(symbols: &[&str], found: Result<(std::sync::Arc<str>, Option<&'static str>), &'static str>) -> Read {
    match found.map(|(code, coarsened)| (symbol(symbols, &code), coarsened)) {
        Ok((Some(value), coarsened)) => Read::Value(value, coarsened.map(|code| (Outcome::Coarsened, code))),
        Ok((None, _)) => Read::Unreadable("unknown_code"),
        Err(problem) => Read::Unreadable(problem),
    }
}

fn symbol(symbols: &[&str], text: &str) -> Option<Value> {
    let index = symbols.iter().position(|symbol| *symbol == text)?;
    Some(Value::Symbol(u16::try_from(index).ok()?))
}

fn read_plain(text: &str, held: TextKind) -> Read {
    let html = match held {
        TextKind::Plain => None,
        TextKind::Html => Some(Cow::Borrowed(text)),
        TextKind::EncodedHtml => Some(decode_html(text)),
    };
    let is_formatted = html.as_deref().is_some_and(|html| !is_plain_in_html(html));
    let plain = html.as_deref().map_or(Cow::Borrowed(text), plain_of_html);
    let (clean, was_repaired) = clean(&plain);
    let note = if was_repaired {
        Some((Outcome::Repaired, "illegal_characters"))
    } else {
        is_formatted.then_some((Outcome::Coarsened, "formatting"))
    };
    Read::Value(Value::text(clean.trim()), note)
}

fn read_html(text: &str, held: TextKind) -> Read {
    let html = match held {
        TextKind::Plain => {
            let (clean, was_repaired) = clean(text);
            let note = was_repaired.then_some((Outcome::Repaired, "illegal_characters"));
            return Read::Value(Value::text(&*html_of_plain(clean.trim())), note);
        }
        TextKind::Html => Cow::Borrowed(text),
        TextKind::EncodedHtml => decode_html(text),
    };
    let (clean, was_repaired) = clean(&html);
    let sanitised = sanitise(clean.trim());
    let note = if was_repaired {
        Some((Outcome::Repaired, "illegal_characters"))
    } else {
        (*sanitised != *clean).then_some((Outcome::Repaired, "html_sanitised"))
    };
    Read::Value(Value::text(sanitised.trim()), note)
}

fn read_checked(text: String, format: Format, code: &'static str) -> Read {
    if format.check(&text).is_ok() { value(Value::text(text)) } else { Read::Unreadable(code) }
}

/// A language tag; only its language is kept.
fn read_language(text: &str) -> Read {
    let (language, region) = text.split_once(['-', '_']).unwrap_or((text, ""));
    let language = language.to_ascii_lowercase();
    if Format::Language.check(&language).is_err() {
        return Read::Unreadable("no_language");
    }
    let note = (!region.is_empty()).then_some((Outcome::Coarsened, "region_of_language"));
    Read::Value(Value::text(language), note)
}

fn read_integer(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    read_plain_decimal(text)?.as_str().parse().ok()
}

fn read_decimal(text: &str, has_comma: bool, divide: Option<u32>) -> Option<Value> {
    let plain: Cow<'_, str> = if has_comma {
        let digits = text.chars().filter(|character| !character.is_whitespace() && *character != '.');
        digits.map(|character| if character == ',' { '.' } else { character }).collect::<String>().into()
    } else {
        Cow::Borrowed(text)
    };
    let decimal = read_plain_decimal(&plain)?;
    let decimal = match divide {
        None => decimal,
        Some(divisor) => shift(&decimal, -i64::from(divisor.checked_ilog10()?))?,
    };
    Some(Value::text(decimal.as_str()))
}

fn read_plain_decimal(text: &str) -> Option<Decimal> {
    if let Ok(decimal) = text.parse() {
        return Some(decimal);
    }
    let (digits, exponent) = text.split_once(['e', 'E'])?;
    shift(&digits.parse().ok()?, exponent.parse().ok()?)
}

/// A decimal times a power of ten.
pub(crate) fn shift(decimal: &Decimal, by: i64) -> Option<Decimal> {
    /// More places than any amount has.
    const MAX_PLACES: i64 = 30;
    if by.abs() > MAX_PLACES {
        return None;
    }
    let text = decimal.as_str();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let places = usize::try_from(by.abs()).ok()?;
    let zeros = "0".repeat(places);
    let (letters, point) = if by < 0 {
        (format!("{zeros}{whole}{fraction}"), whole.len())
    } else {
        (format!("{whole}{fraction}{zeros}"), whole.len() + places)
    };
    let (whole, fraction) = letters.split_at(point);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}").parse().ok()
}

fn read_date<'f>(text: &str, formats: impl Iterator<Item = &'f str>, zone: &TimeZone) -> Option<PartialDateTime> {
    if let Ok(date) = text.parse() {
        return Some(date);
    }
    for format in formats {
        if format == MILLISECONDS {
            if let Some(instant) = text.parse().ok().and_then(|count| Timestamp::from_millisecond(count).ok()) {
                return Some(PartialDateTime::from_timestamp(instant));
            }
            continue;
        }
        if let Ok(parts) = strtime::parse(format, text) {
            return read_parts(&parts, zone);
        }
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(PartialDateTime::from_timestamp(instant));
    }
    let has_time = text.contains('T') || text.contains(' ');
    let local: civil::DateTime = text.parse().ok().filter(|_| has_time)?;
    let instant = local.to_zoned(zone.clone()).ok()?.timestamp();
    Some(PartialDateTime::from_timestamp(instant))
}

fn read_parts(parts: &strtime::BrokenDownTime, zone: &TimeZone) -> Option<PartialDateTime> {
    if parts.hour().is_none() {
        return parts.to_date().ok().map(PartialDateTime::from_date);
    }
    if parts.offset().is_some() {
        return parts.to_timestamp().ok().map(PartialDateTime::from_timestamp);
    }
    let instant = parts.to_datetime().ok()?.to_zoned(zone.clone()).ok()?.timestamp();
    Some(PartialDateTime::from_timestamp(instant))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(read: Read) -> (String, Option<&'static str>) {
        match read {
            Read::Value(value, note) => (value.as_text().unwrap_or_default().to_owned(), note.map(|(_, code)| code)),
            Read::Cleared => ("(cleared)".to_owned(), None),
            Read::Unreadable(code) => (String::new(), Some(code)),
        }
    }

    #[test]
    fn dates_keep_their_precision_and_become_utc() {
        let zone = TimeZone::get("Europe/Brussels").unwrap();
        for (text, format, date) in [
            ("2026-11", "", "2026-11"),
            ("2026-11-22", "", "2026-11-22"),
            ("2026-11-22T08:30:00+01:00", "", "2026-11-22T07:30:00Z"),
            ("2026-11-22T08:30:00+0100", "", "2026-11-22T07:30:00Z"),
            ("2026-07-22T08:30:00", "", "2026-07-22T06:30:00Z"),
            ("2026-07-22 08:30:00", "", "2026-07-22T06:30:00Z"),
            ("22/11/2026", "%d/%m/%Y", "2026-11-22"),
            ("22/07/2026 08:30", "%d/%m/%Y %H:%M", "2026-07-22T06:30:00Z"),
            ("2016-01-14T10:55:28-05:00", "", "2016-01-14T15:55:28Z"),
        ] {
            let read = read_date(text, [format].into_iter().filter(|format| !format.is_empty()), &zone);
            assert_eq!(read.map(|date| date.to_string()).as_deref(), Some(date), "{text}");
        }
        for text in ["Spring 2020", "22/11/2026", "31.02.2026", ""] {
            assert!(read_date(text, std::iter::empty(), &zone).is_none(), "{text}");
        }
    }

    #[test]
    fn numbers_keep_their_digits() {
        for (text, has_comma, divide, number) in [
            ("2500.00", false, None, Some("2500")),
            ("1 234,50", true, None, Some("1234.5")),
            ("1.234,5", true, None, Some("1234.5")),
            ("1999", false, Some(100), Some("19.99")),
            ("5", false, Some(100), Some("0.05")),
            ("1.5e3", false, None, Some("1500")),
            ("12345678901234567890.12", false, None, Some("12345678901234567890.12")),
            ("1e999", false, None, None),
            ("a lot", false, None, None),
        ] {
            let read = read_decimal(text, has_comma, divide);
            assert_eq!(read.as_ref().and_then(Value::as_text), number, "{text}");
        }
    }

    #[test]
    fn texts_become_what_the_field_holds() {
        for (form, text, read, note) in [
            (Form::Plain(TextKind::Plain), " a\u{1}b ", "ab", Some("illegal_characters")),
            (Form::Plain(TextKind::Html), "<p>a</p>", "a", Some("formatting")),
            (Form::Plain(TextKind::Html), "R&amp;D", "R&D", None),
            (Form::Html(TextKind::Plain), "a < b\nc", "a &lt; b<br>c", None),
            (Form::Html(TextKind::Html), "<p>a</p>", "<p>a</p>", None),
            (Form::Html(TextKind::Html), "<p style=x>a</p>", "<p>a</p>", Some("html_sanitised")),
            (Form::Html(TextKind::EncodedHtml), "&lt;p&gt;a&lt;/p&gt;", "<p>a</p>", None),
            (Form::Language, "nl-BE", "nl", Some("region_of_language")),
            (Form::Language, "EN", "en", None),
            (Form::Language, "eng", "", Some("no_language")),
            (Form::Country, "be", "BE", None),
            (Form::Currency, "euro", "", Some("no_currency")),
        ] {
            assert_eq!(text_of(form.read(text.trim(), Kind::Text)), (read.to_owned(), note), "{text}");
        }
    }
}
