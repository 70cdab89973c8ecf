//! Changes on their way into the database.
//!
//! A statement costs several times what its row does, so changes of the same sort that follow each other go in together.

use std::fmt::Write as _;

use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};

use crate::Change;

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments<'q>>;

/// So many rows are in one statement, the largest number first that there are. Each of them is a statement of its own that stays compiled.
const ROWS: [usize; 3] = [64, 8, 1];

/// What is done with changes that can share a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Put,
    /// Records of one kind.
    Delete(&'static str),
    Event,
}

/// Makes the changes in their order, all of them or none; they are on the disk when this returns `Ok`.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    changes: impl Iterator<Item = &Change>,
) -> Result<(), sqlx::Error> {
    let written = write_in_transaction(connection, changes).await;
    if written.is_err() {
        // After some failures, such as a full disk, SQLite has done this already, and says that there is nothing to roll back.
        let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
    }
    written
}

/// Not with a transaction of sqlx: it counts how many are open, and a commit that fails leaves that count wrong. What is committed later then
/// only ends a savepoint, in a transaction that never ends.
async fn write_in_transaction(
    connection: &mut SqliteConnection,
    changes: impl Iterator<Item = &Change>,
) -> Result<(), sqlx::Error> {
    let changes: Vec<&Change> = changes.collect();
    sqlx::raw_sql("BEGIN").execute(&mut *connection).await?;
    for mut rest in changes.chunk_by(|a, b| Sort::of(a) == Sort::of(b)) {
        while let Some(first) = rest.first() {
            let rows = ROWS.into_iter().find(|rows| *rows <= rest.len()).unwrap_or(1);
            let (part, others) = rest.split_at(rows);
            let sort = Sort::of(first);
            let sql = sort.sql(rows);
            let query = part.iter().fold(sort.start(&sql), |query, change| bind(query, change));
            query.execute(&mut *connection).await?;
            rest = others;
        }
    }
    sqlx::raw_sql("COMMIT").execute(connection).await?;
    Ok(())
}

impl Sort {
    fn of(change: &Change) -> Self {
        match change {
            Change::Put { .. } => Self::Put,
            Change::Delete { kind, .. } => Self::Delete(kind),
            Change::Event(_) => Self::Event,
        }
    }

    fn sql(self, rows: usize) -> String {
        let (head, row, tail) = match self {
            Self::Put => (
                "INSERT INTO records (kind, key, value) VALUES ",
                "(?, ?, ?)",
                " ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
            ),
            Self::Delete(_) => ("DELETE FROM records WHERE kind = ? AND key IN (", "?", ")"),
            Self::Event => ("INSERT INTO events (kind, at_ms, subject, value) VALUES ", "(?, ?, ?, ?)", ""),
        };
        let mut sql = head.to_owned();
        for n in 0..rows {
            let comma = if n > 0 { ", " } else { "" };
            write!(sql, "{comma}{row}").expect("BUG: writing to a string cannot fail");
        }
        sql + tail
    }

    /// The statement with what all rows share.
    fn start(self, sql: &str) -> Query<'_> {
        match self {
            Self::Delete(kind) => sqlx::query(sql).bind(kind),
            Self::Put | Self::Event => sqlx::query(sql),
        }
    }
}

/// The statement with the next row.
fn bind<'q>(query: Query<'q>, change: &'q Change) -> Query<'q> {
    match change {
        Change::Put { kind, key, value } => query.bind(*kind).bind(key).bind(value),
        Change::Delete { key, .. } => query.bind(key),
        Change::Event(event) => {
            query.bind(&*event.kind).bind(event.at_ms).bind(&event.subject).bind(&event.value)
        }
    }
}
