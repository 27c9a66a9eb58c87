//! Periods that a partner limits: the day of one field is so many days after that of another at most.

use std::borrow::Cow;

use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use schemas::{Outcome, PartialDateTime, Precision, Value};

use crate::plan::{FieldStart, Form, Leaf, Rule};

use super::{leaf::Lettered, sheet::Content, writer::Writer};

impl<'a> Writer<'a> {
    /// Spells a value; a day behind the end of its window becomes the last one in it.
    ///
    /// # Errors
    /// The loss code, if the dialect has no letters for the value or the day is before its window.
    pub(super) fn write_in_window(
        &self,
        rule: &'a Rule,
        leaf: &'a Leaf,
        value: &'a Value,
    ) -> Result<Lettered<'a>, &'static str> {
        let (Some(window), Form::Date { zone, .. }) = (&rule.window, &leaf.form) else {
            return leaf.write(value);
        };
        let start = window.of.iter().find_map(|(target, start)| {
            let level = if *start == FieldStart::Item { rule.level } else { 0 };
            day_of(self.get(level, target), zone)
        });
        let (Some(start), Some(day)) = (start, day_of(value, zone)) else {
            return leaf.write(value);
        };
        let last = start.saturating_add(Span::new().days(i64::from(window.days)));
        if day < start {
            return Err("out_of_range");
        }
        if day <= last {
            return leaf.write(value);
        }
        let last = Value::text(PartialDateTime::from_date(last).as_str());
        let letters = match leaf.write(&last)?.content {
            Content::Text(text) | Content::Cdata(text) | Content::Bare(text) => text.into_owned(),
            Content::Empty | Content::Null => String::new(),
        };
        let content = Content::Text(Cow::Owned(letters));
        Ok(Lettered { content, note: Some((Outcome::Coarsened, "shortened")) })
    }
}

/// The day of a date or an instant; a year or month has none.
fn day_of(value: &Value, zone: &TimeZone) -> Option<Date> {
    let text = value.as_text()?;
    match text.parse::<PartialDateTime>().ok()?.precision() {
        Precision::Instant => Some(text.parse::<Timestamp>().ok()?.to_zoned(zone.clone()).date()),
        Precision::Day => text.parse().ok(),
        Precision::Month | Precision::Year => None,
    }
}
