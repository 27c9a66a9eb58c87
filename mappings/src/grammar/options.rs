//! The right side of a line: where a value stands in the document, and how it is written there.

use crate::text::Limit;

use super::Place;

/// The right side of a line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rule {
    /// `at`, or the alternatives of `either`; the first is written.
    pub(crate) at: Vec<Place>,
    /// `by = "precision"`: the alternatives are for a day, a month and a year.
    pub(crate) is_by_precision: bool,
    /// `each`: the repeated part.
    pub(crate) each: Option<Place>,
    /// `also`: further places that say the same.
    pub(crate) also: Vec<Place>,
    /// `codes`: names of code lists.
    pub(crate) codes: Vec<String>,
    /// `code`: where the code stands in an object.
    pub(crate) code: Option<Place>,
    /// `label`: where the words stand in an object.
    pub(crate) label: Option<Place>,
    /// `scheme`: where the name of the code list stands in an object.
    pub(crate) scheme: Option<Place>,
    /// `pair`: where the second part of a code stands.
    pub(crate) pair: Option<Place>,
    /// `required_code`: codes that no list knows are not carried.
    pub(crate) is_code_required: bool,
    /// `values`: canonical value and document value.
    pub(crate) values: Vec<(Scalar, Scalar)>,
    /// `others = "keep"`: values that the table does not have, or codes of other lists, are carried as they are.
    pub(crate) keeps_others: bool,
    /// `date`: formats of days; the first is written.
    pub(crate) date: Vec<String>,
    /// `month`: where the month of a date stands of which the place of the line holds the year.
    pub(crate) month: Option<Place>,
    /// `instant`: the format of instants.
    pub(crate) instant: Option<String>,
    /// `keep_text`: the canonical text that takes what is no value.
    pub(crate) keep_text: Option<String>,
    /// `decimal = "comma"`.
    pub(crate) has_decimal_comma: bool,
    /// `divide`: the document's number is so many times the canonical one.
    pub(crate) divide: Option<u32>,
    /// `text`: what the document holds.
    pub(crate) text: Option<TextKind>,
    /// `within_days`: so many days after the day of `of` at most.
    pub(crate) within_days: Option<u32>,
    /// `of`: canonical paths of the day that `within_days` counts from; the first that says one.
    pub(crate) of: Vec<String>,
    /// `links = "strip"`: links and addresses of websites are taken out of the text.
    pub(crate) strips_links: bool,
    /// `max_characters`, `max_bytes`.
    pub(crate) limit: Limit,
    /// `as`: how the value is written in JSON.
    pub(crate) written: Option<Written>,
    /// `case`: how the letters are written.
    pub(crate) case: Option<LetterCase>,
    /// `case = "always-upper"`: letters are read so, too.
    pub(crate) reads_case: bool,
    /// `cdata`: HTML is written as CDATA.
    pub(crate) cdata: Option<bool>,
    /// `pattern`: several canonical fields in one text.
    pub(crate) pattern: Vec<String>,
    /// `ours`: how the canonical text spells what `pattern` reads into one field.
    pub(crate) ours: Option<String>,
    /// `split`: a list in one text.
    pub(crate) split: Option<String>,
    /// `count`: the length of a list is the value.
    pub(crate) is_count: bool,
    /// `absent`: texts that say nothing.
    pub(crate) absent: Vec<String>,
    /// `default`: written where the record says nothing.
    pub(crate) default: Option<String>,
    /// `default_from`: canonical paths to take the value from instead.
    pub(crate) default_from: Vec<String>,
    /// `required`: the code of the refusal to write without it.
    pub(crate) required: Option<String>,
    /// `required_item`: the code under which an item without it is left out.
    pub(crate) required_item: Option<String>,
    /// `must`: the code of the refusal to read or write without it.
    pub(crate) must: Option<String>,
    /// `starts_with`: the text must start with what is written there.
    pub(crate) starts_with: Option<Place>,
    /// `one`: the code under which items with another value than the first are left out.
    pub(crate) one: Option<String>,
    /// `append`: canonical fields of the same item that are written behind this one.
    pub(crate) append: Vec<String>,
    /// `with_parent`: defaults are written only if this is written for another reason.
    pub(crate) with_parent: Option<Place>,
    /// `shown_by`: where the document says whether the value may be shown.
    pub(crate) shown_by: Option<Place>,
    /// `max_items`: how many the document has room for.
    pub(crate) max_items: Option<usize>,
    /// `label_only`: lists of which the words are written, not the code.
    pub(crate) label_only: Vec<String>,
    /// `keep_text_write = false`: words that were kept are not written.
    pub(crate) is_keep_text_read_only: bool,
    /// `one_per_list`: the first code of each list is written.
    pub(crate) is_one_per_list: bool,
    /// `minimum`: lower numbers are not written.
    pub(crate) minimum: Option<i64>,
    /// `lines = "br"`: HTML without a tag is written with its line ends as `<br>`.
    pub(crate) breaks_lines: bool,
    /// `raw`: no clean-up.
    pub(crate) is_raw: bool,
    /// `to`, in `[derive]`: the vocabulary in which a value follows from a place that a line of `[fields]` carries.
    pub(crate) derive: Option<String>,
    /// `words = true`: the place holds words where it holds no code; in `[derive]`: the words of the code, not the code.
    pub(crate) is_words: bool,
    /// `read = false`: written only.
    pub(crate) is_write_only: bool,
    /// `write = false`: read only.
    pub(crate) is_read_only: bool,
}

/// The format of moments that are counted in milliseconds since 1970, which strftime has no letters for.
pub(crate) const MILLISECONDS: &str = "milliseconds";

/// What a text field of the document holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextKind {
    /// Plain text.
    Plain,
    /// HTML.
    Html,
    /// HTML with its mark-up encoded as entities.
    EncodedHtml,
}

/// How a value is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// In quotation marks.
    Text,
    /// As a number.
    Number,
}

/// How letters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LetterCase {
    /// In capitals.
    Upper,
    /// In small letters.
    Lower,
}

/// A value in a table of values or constants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
}

impl Scalar {
    /// The name of the parameter that `$name` stands for.
    pub(crate) fn as_parameter(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.strip_prefix('$'),
            Self::Integer(_) | Self::Boolean(_) => None,
        }
    }

    /// The letters of the value.
    pub(crate) fn letters(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Boolean(truth) => truth.to_string(),
        }
    }
}
