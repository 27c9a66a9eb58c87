//! Makes the part of a rule that reads and writes one value.

use std::sync::Arc;

use schemas::{Field, Format as TextFormat, Type};

use crate::{
    codes::CodeList,
    grammar::{MILLISECONDS, TextKind, Written},
};

use super::{ConstantKind, Form, Leaf, Target, TextCoder, compile::canonical_value, rules::RuleMaker};

impl RuleMaker<'_, '_, '_> {
    pub(super) fn leaf(&mut self, ty: Type, field: Option<&'static Field>) -> Option<Leaf> {
        let written = self.written();
        let form = self.form(ty)?;
        let coder = match &written.derive {
            Some(scheme) => {
                Some(TextCoder { coder: self.coder(&[scheme])?, schemes: Vec::new(), derives_words: written.is_words })
            }
            None if written.codes.is_empty() => None,
            None => Some(self.text_coder(ty, field)?),
        };
        let mut values = Vec::new();
        for (ours, theirs) in &written.values {
            match canonical_value(ours, ty) {
                Ok(value) => values.push((value, kind_of(theirs), theirs.letters().into())),
                Err(problem) => self.mistake(problem, "the first of each pair in `values` is the canonical value"),
            }
        }
        let keep_text = match &written.keep_text {
            Some(path) => Some(self.keep_text(path)?),
            None => None,
        };
        let spelling = match &written.ours {
            Some(ours) => Some(self.spelling(ours)?),
            None => None,
        };
        let is_numeric = matches!(ty, Type::Integer | Type::Text(TextFormat::Decimal));
        Some(Leaf {
            form,
            values,
            keeps_others: written.keeps_others,
            coder,
            keep_text,
            is_keep_text_read_only: written.is_keep_text_read_only,
            minimum: written.minimum,
            is_number: written.written.map_or(is_numeric, |written| written == Written::Number),
            case: written.case,
            reads_case: written.reads_case,
            cdata: written.cdata.unwrap_or(self.compiler.file.dialect.cdata),
            strips_links: written.strips_links,
            limit: written.limit,
            is_raw: written.is_raw,
            breaks_lines: written.breaks_lines,
            spelling,
        })
    }

    /// A canonical text beside the value, that takes what is no value; written from the root or from the item.
    pub(super) fn keep_text(&mut self, path: &str) -> Option<Target> {
        let owner = self.line.left.text.rsplit_once("[].").map(|(list, _)| format!("{list}[]."));
        let own =
            owner.and_then(|owner| path.strip_prefix(&*owner).map(str::to_owned)).unwrap_or_else(|| path.to_owned());
        let segments = crate::grammar::Left::parse(&own).ok().map(|left| left.segments);
        let starts = [self.scope.record, self.compiler.model];
        let target = segments
            .and_then(|segments| starts.into_iter().find_map(|start| Target::resolve(Type::Record(start), &segments)));
        match target {
            Some(target) if matches!(target.ty, Type::Text(TextFormat::Plain)) => Some(target),
            _ => {
                self.mistake(
                    format!("`keep_text = \"{path}\"` is no plain text field"),
                    "name one, such as `contract.starts_text`",
                );
                None
            }
        }
    }

    fn text_coder(&mut self, ty: Type, field: Option<&'static Field>) -> Option<TextCoder> {
        let schemes: Vec<Arc<str>> = match ty {
            Type::Text(TextFormat::Country) => vec!["iso-3166-1".into()],
            Type::Text(TextFormat::Language) => vec!["iso-639-1".into()],
            Type::Text(TextFormat::Currency) => vec!["iso-4217".into()],
            Type::Symbol(symbols) => {
                let fits = |list: &&Arc<CodeList>| {
                    list.codes().count() > 0 && list.codes().all(|code| symbols.contains(&&**code))
                };
                self.compiler.library.lists().filter(fits).map(|list| list.scheme().clone()).collect()
            }
            _ => field.map(|field| field.schemes.iter().map(|scheme| (*scheme).into()).collect()).unwrap_or_default(),
        };
        let names: Vec<&str> = schemes.iter().map(|scheme| &**scheme).collect();
        let coder = self.coder(&names)?;
        Some(TextCoder { coder, schemes, derives_words: false })
    }

    fn form(&mut self, ty: Type) -> Option<Form> {
        let written = self.written();
        Some(match ty {
            Type::Integer => Form::Integer,
            Type::Boolean => Form::Boolean,
            Type::Symbol(symbols) => Form::Symbol(symbols),
            Type::Text(TextFormat::Plain) => Form::Plain(written.text.unwrap_or(TextKind::Plain)),
            Type::Text(TextFormat::Html) => Form::Html(written.text.unwrap_or(TextKind::Html)),
            Type::Text(TextFormat::Decimal) => {
                Form::Decimal { has_comma: written.has_decimal_comma, divide: written.divide }
            }
            Type::Text(TextFormat::Language) => Form::Language,
            Type::Text(TextFormat::Country) => Form::Country,
            Type::Text(TextFormat::Currency) => Form::Currency,
            Type::Text(TextFormat::PartialDateTime) => {
                let day = jiff::civil::date(2026, 11, 22).at(8, 30, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
                let instant = written.instant.as_ref().or(self.compiler.file.dialect.instant.as_ref());
                let instants = instant.filter(|format| *format != MILLISECONDS);
                for format in written.date.iter().filter(|format| *format != "iso").chain(instants) {
                    if jiff::fmt::strtime::format(format, &day).is_err() {
                        let remedy = "use the letters of strftime, such as `%d/%m/%Y`";
                        self.mistake(format!("`{format}` is no date format"), remedy);
                        return None;
                    }
                }
                let boxed = |text: &String| text.as_str().into();
                Form::Date {
                    formats: written.date.iter().map(boxed).collect(),
                    instant: instant.map(boxed),
                    zone: self.compiler.zone.clone(),
                }
            }
            Type::Record(_) | Type::List { .. } => return None,
        })
    }
}

fn kind_of(scalar: &crate::grammar::Scalar) -> ConstantKind {
    match scalar {
        crate::grammar::Scalar::Text(_) => ConstantKind::Text,
        crate::grammar::Scalar::Integer(_) => ConstantKind::Number,
        crate::grammar::Scalar::Boolean(_) => ConstantKind::Boolean,
    }
}
