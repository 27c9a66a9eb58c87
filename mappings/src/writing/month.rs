//! Writes the month of a date apart from its year.

use std::borrow::Cow;

use schemas::{Outcome, Precision, Value};

use crate::plan::{PlaceId, Rule, Scope};

use super::{
    leaf::is_bare_number,
    sheet::Content,
    writer::{Writer, Wrote},
};

impl<'a> Writer<'a> {
    /// Writes year and month; a day is lost.
    pub(super) fn write_year_and_month(
        &mut self,
        scope: &'a Scope,
        base: usize,
        rule: &'a Rule,
        (value, place): (&'a Value, PlaceId),
    ) -> Wrote {
        let text = value.as_text().unwrap_or_default();
        let Ok(precision) = text.parse::<schemas::PartialDateTime>().map(|date| date.precision()) else {
            self.note(rule.level, &rule.target, Outcome::Dropped, "not_a_date");
            return Wrote::Nothing;
        };
        let wrote = self.put(scope, base, rule, number(&text[..4]));
        if wrote == Wrote::Nothing || precision == Precision::Year {
            return wrote;
        }
        let node = self.ensure(&scope.places, base, place);
        self.sheet.node_mut(node).content = number(text[5..7].trim_start_matches('0'));
        if precision != Precision::Month {
            self.note(rule.level, &rule.target, Outcome::Coarsened, "day_of_month");
        }
        wrote
    }
}

fn number(letters: &str) -> Content<'_> {
    if is_bare_number(letters) { Content::Bare(Cow::Borrowed(letters)) } else { Content::Text(Cow::Borrowed(letters)) }
}
