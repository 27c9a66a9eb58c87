//! The canonical record of a coded value, by name of its fields.

use std::sync::Arc;

use schemas::{Type, Value};

use crate::codes::Grade;

/// Where the fields of the record `Coded` stand.
#[derive(Debug, Clone)]
pub(crate) struct CodedShape {
    count: usize,
    scheme: usize,
    scheme_version: usize,
    code: usize,
    label: usize,
    obtained: usize,
    grade: usize,
    source_scheme: usize,
    source_scheme_version: usize,
    source_code: usize,
    source_label: usize,
    symbols_of_obtained: &'static [&'static str],
    symbols_of_grade: &'static [&'static str],
}

/// A vocabulary named in a coded value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Named {
    pub(crate) scheme: Option<Arc<str>>,
    pub(crate) version: Option<Arc<str>>,
    pub(crate) code: Option<Arc<str>>,
    pub(crate) label: Option<Arc<str>>,
}

impl CodedShape {
    /// The shape of a record; nothing if it is not the one of coded values.
    pub(crate) fn of(ty: Type) -> Option<Self> {
        let Type::Record(record) = ty else {
            return None;
        };
        let index = |name: &str| record.field(name).map(|(index, _)| index);
        let symbols = |name: &str| match record.field(name)?.1.ty {
            Type::Symbol(symbols) => Some(symbols),
            _ => None,
        };
        if !record.is_coded() {
            return None;
        }
        Some(Self {
            count: record.fields.len(),
            scheme: index("scheme")?,
            scheme_version: index("scheme_version")?,
            code: index("code")?,
            label: index("label")?,
            obtained: index("obtained")?,
            grade: index("grade")?,
            source_scheme: index("source_scheme")?,
            source_scheme_version: index("source_scheme_version")?,
            source_code: index("source_code")?,
            source_label: index("source_label")?,
            symbols_of_obtained: symbols("obtained")?,
            symbols_of_grade: symbols("grade")?,
        })
    }

    /// A value as the source said it.
    pub(crate) fn of_source(&self, named: Named) -> Value {
        Value::Record(self.fields(named, "source").into())
    }

    /// A value that a crosswalk led to.
    pub(crate) fn of_crosswalk(&self, named: Named, grade: Grade, source: Named) -> Value {
        let mut fields = self.fields(named, "crosswalk");
        fields[self.grade] = symbol(self.symbols_of_grade, grade.as_str());
        fields[self.source_scheme] = text(source.scheme);
        fields[self.source_scheme_version] = text(source.version);
        fields[self.source_code] = text(source.code);
        fields[self.source_label] = text(source.label);
        Value::Record(fields.into())
    }

    /// A value that a default gives.
    pub(crate) fn of_default(&self, named: Named) -> Value {
        Value::Record(self.fields(named, "default").into())
    }

    fn fields(&self, named: Named, how: &str) -> Vec<Value> {
        let mut fields: Vec<Value> = std::iter::repeat_with(|| Value::Absent).take(self.count).collect();
        fields[self.scheme] = text(named.scheme);
        fields[self.scheme_version] = text(named.version);
        fields[self.code] = text(named.code);
        fields[self.label] = text(named.label);
        fields[self.obtained] = symbol(self.symbols_of_obtained, how);
        fields
    }

    pub(crate) fn scheme<'v>(&self, value: &'v Value) -> Option<&'v str> {
        said(value.field(self.scheme))
    }

    pub(crate) fn code<'v>(&self, value: &'v Value) -> Option<&'v str> {
        said(value.field(self.code))
    }

    pub(crate) fn label<'v>(&self, value: &'v Value) -> Option<&'v str> {
        said(value.field(self.label))
    }

    pub(crate) fn source_scheme<'v>(&self, value: &'v Value) -> Option<&'v str> {
        said(value.field(self.source_scheme))
    }

    pub(crate) fn source_code<'v>(&self, value: &'v Value) -> Option<&'v str> {
        said(value.field(self.source_code))
    }

    pub(crate) fn source_label<'v>(&self, value: &'v Value) -> Option<&'v str> {
        said(value.field(self.source_label))
    }

    /// The grade of the crosswalk that led to the value; exact where none did.
    pub(crate) fn grade(&self, value: &Value) -> Grade {
        match value.field(self.grade) {
            Value::Symbol(index) => {
                self.symbols_of_grade.get(usize::from(*index)).and_then(|symbol| Grade::of_symbol(symbol))
            }
            _ => None,
        }
        .unwrap_or(Grade::Exact)
    }
}

fn said(value: &Value) -> Option<&str> {
    value.as_text().filter(|text| !text.is_empty())
}

fn text(text: Option<Arc<str>>) -> Value {
    text.map_or(Value::Absent, Value::Text)
}

fn symbol(symbols: &[&str], wanted: &str) -> Value {
    let index = symbols.iter().position(|symbol| *symbol == wanted).unwrap_or_default();
    Value::Symbol(u16::try_from(index).unwrap_or_default())
}
