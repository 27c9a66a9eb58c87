//! Rows of any table as values, for whoever moves them or reads them back.

use anyhow::{Context, Result};
use sqlx::Row as _;

use super::Row;
use crate::store::tables::{Kind, Table, Value};

/// The values of a row, column by column.
pub fn values_of(table: &Table, row: &Row) -> Result<Vec<Value>> {
    let value = |(name, kind): &(&'static str, Kind)| {
        let value = match kind {
            Kind::Id => Value::Id(row.try_get(*name)?),
            Kind::Text => Value::Text(row.try_get(*name)?),
            Kind::Number => Value::Number(row.try_get(*name)?),
            Kind::Flag => Value::Flag(row.try_get(*name)?),
            Kind::Bytes => Value::Bytes(row.try_get(*name)?),
        };
        Ok(value)
    };
    let values: sqlx::Result<Vec<Value>> = table.columns.iter().map(value).collect();
    values.with_context(|| format!("damaged row in `{}`", table.name))
}
