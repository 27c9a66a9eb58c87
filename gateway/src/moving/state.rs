//! Rows: every one of every table, of the store and of the keys' database.

use anyhow::{Result, ensure};
use futures::TryStreamExt;
use indicatif::ProgressBar;
use schemas::Position;

use super::{Moved, log::MovedLog};
use crate::store::{Digest, Filling, LeavingStore, Table, Value};

/// Tables whose rows follow from records of the log, and are made again if those are not committed.
const FOLLOWING: [&str; 2] = ["versions", "idempotency"];

/// Copies every table, and compares it with what is there then.
pub(super) async fn copy(
    state: &LeavingStore,
    filling: &mut Filling,
    tables: &'static [Table],
    log: &MovedLog,
    progress: &ProgressBar,
) -> Result<Vec<Moved>> {
    let mut moved = Vec::new();
    for table in tables {
        progress.set_message(table.name);
        let (mut ours, mut made_again) = (Digest::default(), 0);
        let mut rows = Box::pin(state.rows(table));
        while let Some(mut row) = rows.try_next().await? {
            progress.inc(1);
            if is_made_again(table, &row, log) {
                made_again += 1;
                continue;
            }
            Filling::as_kept(&mut row);
            for row in as_there(table, row, log) {
                ours.add(&row);
                filling.put(table, row).await?;
            }
        }
        filling.flush(table).await?;
        let theirs = filling.digest(table).await?;
        progress.inc(u64::try_from(theirs.rows)?);
        ensure!(ours.rows == theirs.rows, "`{}` has {} rows there and {} here", table.name, theirs.rows, ours.rows);
        ensure!(ours == theirs, "`{}` has other rows there than here", table.name);
        moved.push(Moved { name: table.name.to_owned(), count: ours.rows, hash: Some(ours.hash()), made_again });
    }
    Ok(moved)
}

/// Whether a row follows from a record that the router had not committed: that record is routed anew, at its new
/// position, and must not meet what it had led to.
fn is_made_again(table: &Table, row: &[Value], log: &MovedLog) -> bool {
    let Some(routed) = log.routed.filter(|_| FOLLOWING.contains(&table.name)) else { return false };
    position_of(table, row).is_some_and(|position| position > routed)
}

/// A row as it is true of the log that was moved: positions of messages, and what is kept for each share.
fn as_there(table: &Table, mut row: Vec<Value>, log: &MovedLog) -> Vec<Vec<Value>> {
    match (table.name, table.place("share")) {
        ("messages", _) => follow(table, &mut row, log),
        // An embedded log has one share; how far its sync is, every share of the new one is.
        ("syncs", Some(share)) if !log.shares().is_empty() => {
            let of_share = |number: u32| {
                let mut row = row.clone();
                row[share] = Value::Number(Some(number.into()));
                row
            };
            return log.shares().map(of_share).collect();
        }
        ("replays", Some(share)) => {
            let entity = table.place("entity_key").map(|place| &row[place]);
            if let Some(Value::Id(Some(entity))) = entity
                && let Some(number) = log.share_of((*entity).into())
            {
                row[share] = Value::Number(Some(number.into()));
            }
        }
        _ => {}
    }
    vec![row]
}

/// Lets a message say where it stands now.
fn follow(table: &Table, row: &mut [Value], log: &MovedLog) {
    let place = position_of(table, row).and_then(|position| log.place_of(position));
    let (Some(place), Some(generation), Some(offset)) = (place, table.place("generation"), table.place("log_offset"))
    else {
        return;
    };
    row[generation] = Value::Number(Some(place.generation));
    row[offset] = Value::Number(Some(place.offset));
}

fn position_of(table: &Table, row: &[Value]) -> Option<Position> {
    let number = |column| match row[table.place(column)?] {
        Value::Number(number) => number,
        _ => None,
    };
    Some(Position { generation: number("generation")?, offset: number("log_offset")? })
}
