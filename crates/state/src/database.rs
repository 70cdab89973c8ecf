//! The thread of the database: a connection, what is done with it, and in which order.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use crate::queue::{Command, Queue, Reply};
use crate::write::write;
use crate::{Change, Event, EventPlace, EventQuery, Keep, KeptEvent, Record, StateError};

/// The file in the data folder.
pub const FILE_NAME: &str = "state.db";
/// So many events are read at once, at most.
pub const EVENTS_AT_ONCE_MAX: usize = 1000;
/// So many events are forgotten in one transaction, at most.
const FORGOTTEN_AT_ONCE_MAX: u64 = 2000;

/// "Bell": in the header of the file, it says whose database it is.
const APPLICATION_ID: i64 = 0x4265_6c6c;
/// The schema that is written, and the newest one that is read.
const SCHEMA_VERSION: i64 = 1;
const SCHEMA: &str = "
CREATE TABLE records (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE events (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, at_ms INTEGER NOT NULL, subject TEXT NOT NULL, value BLOB NOT NULL);
CREATE INDEX events_by_time ON events (kind, at_ms);
CREATE INDEX events_by_subject ON events (kind, subject, at_ms);
";

/// Opens the database, says so, and does what the queue says until it is closed.
pub(crate) fn run(path: &Path, queue: &Queue, opened: &SyncSender<Result<(), StateError>>) {
    // The receiver waits for exactly this.
    let tell = |result| opened.send(result).expect("BUG: who opens a store waits for it");
    let runtime = match tokio::runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime,
        Err(source) => return tell(Err(StateError::Io { path: path.to_owned(), source: source.into() })),
    };
    match runtime.block_on(open(path)) {
        Ok(connection) => {
            tell(Ok(()));
            let event_bytes = BTreeMap::new();
            runtime.block_on(Database { connection, path, event_bytes }.serve(queue));
        }
        Err(error) => tell(Err(error)),
    }
}

/// Copies the database to a new file over a connection of its own: in WAL mode who reads does not keep others from writing.
pub(crate) fn copy(path: &Path, file: &Path) -> Result<(), StateError> {
    let io = |source| StateError::Io { path: file.to_owned(), source: Arc::new(source) };
    let name = file.to_str().ok_or_else(|| io(std::io::Error::other("the name is not UTF-8")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(io)?;
    let copied = runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path).disable_statement_logging();
        let mut connection = options.connect().await?;
        sqlx::query("VACUUM INTO ?").bind(name).execute(&mut connection).await?;
        connection.close().await
    });
    copied.map_err(|source| StateError::database(file, source))
}

/// Tells that what was queued is not kept.
pub(crate) fn tell_lost(error: &StateError) {
    tracing::error!(%error, "changes of the state are lost");
}

async fn open(path: &Path) -> Result<SqliteConnection, StateError> {
    let refused = |source| StateError::database(path, source);
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit is on the disk when it returns.
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(refused)?;
    let number = |sql| sqlx::query_scalar::<_, i64>(sql);
    let tables = number("SELECT count(*) FROM sqlite_schema").fetch_one(&mut connection).await;
    let tables = tables.map_err(refused)?;
    let application = number("PRAGMA application_id").fetch_one(&mut connection).await.map_err(refused)?;
    let version = number("PRAGMA user_version").fetch_one(&mut connection).await.map_err(refused)?;
    if tables == 0 {
        make(&mut connection).await.map_err(refused)?;
    } else if application != APPLICATION_ID {
        return Err(StateError::Foreign { path: path.to_owned(), found: application });
    } else if version > SCHEMA_VERSION {
        return Err(StateError::Newer { path: path.to_owned(), found: version, known: SCHEMA_VERSION });
    }
    Ok(connection)
}

async fn make(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let header = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};");
    sqlx::raw_sql(SCHEMA).execute(&mut *transaction).await?;
    sqlx::raw_sql(&header).execute(&mut *transaction).await?;
    transaction.commit().await
}

struct Database<'p> {
    connection: SqliteConnection,
    path: &'p Path,
    /// How many bytes the values of the events have, of the kinds of which somebody has asked. Adding them up reads them all, so it is done once.
    event_bytes: BTreeMap<String, u64>,
}

impl Database<'_> {
    async fn serve(mut self, queue: &Queue) {
        loop {
            let mut commands = queue.take_all();
            if commands.is_empty() {
                break;
            }
            while let Some(command) = commands.pop_front() {
                self.obey(command, &mut commands).await;
            }
        }
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "closing the state");
        }
    }

    /// Does what is asked. If that is to write, so are all writes right behind it in `next`, in the same transaction.
    async fn obey(&mut self, command: Command, next: &mut VecDeque<Command>) {
        match command {
            Command::Write { changes, reply, .. } => {
                let mut writes = vec![(changes, reply)];
                while matches!(next.front(), Some(Command::Write { .. })) {
                    if let Some(Command::Write { changes, reply, .. }) = next.pop_front() {
                        writes.push((changes, reply));
                    }
                }
                self.write_all(writes).await;
            }
            Command::Records { kind, reply } => {
                let records = records(&mut self.connection, &kind).await;
                answer(&reply, self.told(records));
            }
            Command::Events { query, reply } => {
                let events = events(&mut self.connection, &query).await;
                answer(&reply, self.told(events));
            }
            Command::Forget { kind, keep, reply } => {
                let forgotten = self.forget(&kind, keep).await;
                answer(&reply, self.told(forgotten));
            }
        }
    }

    /// One transaction for all, with one result for all.
    async fn write_all(&mut self, writes: Vec<(Vec<Change>, Option<Reply<()>>)>) {
        let changes = writes.iter().flat_map(|(changes, _)| changes);
        let written = write(&mut self.connection, changes.clone()).await;
        if written.is_ok() {
            changes.for_each(|change| self.count(change));
        }
        let result = self.told(written);
        if let Err(error) = &result
            && writes.iter().any(|(_, reply)| reply.is_none())
        {
            tell_lost(error);
        }
        for reply in writes.iter().filter_map(|(_, reply)| reply.as_ref()) {
            answer(reply, result.clone());
        }
    }

    /// Adds what was written to what there is.
    fn count(&mut self, change: &Change) {
        if let Change::Event(event) = change
            && let Some(bytes) = self.event_bytes.get_mut(&*event.kind)
        {
            *bytes += event.value.len() as u64;
        }
    }

    /// Forgets some of the events that are too old or too many, the oldest first. 0 if there are none.
    async fn forget(&mut self, kind: &str, keep: Keep) -> Result<u64, sqlx::Error> {
        let connection = &mut self.connection;
        let bytes = match self.event_bytes.get(kind) {
            Some(bytes) => *bytes,
            None => bytes_of(connection, kind).await?,
        };
        let too_many = count(connection, kind, i64::MAX).await?.saturating_sub(keep.rows);
        let mut n = too_many.max(count(connection, kind, keep.from_ms).await?).min(FORGOTTEN_AT_ONCE_MAX);
        if bytes > keep.bytes {
            n = n.max(oldest_of(connection, kind, bytes - keep.bytes).await?);
        }
        let forgotten = forget_oldest(connection, kind, n).await?;
        self.event_bytes.insert(kind.to_owned(), bytes.saturating_sub(forgotten.iter().sum()));
        Ok(forgotten.len() as u64)
    }

    fn told<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, StateError> {
        result.map_err(|source| StateError::database(self.path, source))
    }
}

/// Who asked may have gone.
fn answer<T>(reply: &Reply<T>, result: Result<T, StateError>) {
    let _ = reply.send(result);
}

async fn records(connection: &mut SqliteConnection, kind: &str) -> Result<Vec<Record>, sqlx::Error> {
    let query = sqlx::query("SELECT key, value FROM records WHERE kind = ? ORDER BY key").bind(kind);
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| Ok(Record { key: row.try_get(0)?, value: row.try_get(1)? })).collect()
}

async fn events(
    connection: &mut SqliteConnection,
    query: &EventQuery,
) -> Result<Vec<KeptEvent>, sqlx::Error> {
    // Two texts, so that each finds its index.
    let sql = match &query.subject {
        None => {
            "SELECT at_ms, subject, value, id FROM events WHERE kind = ?1 AND at_ms BETWEEN ?2 AND ?3
             AND (at_ms < ?3 OR id <= ?5) ORDER BY at_ms DESC, id DESC LIMIT ?4"
        }
        Some(_) => {
            "SELECT at_ms, subject, value, id FROM events WHERE kind = ?1 AND subject = ?6 AND at_ms BETWEEN ?2 AND ?3
             AND (at_ms < ?3 OR id <= ?5) ORDER BY at_ms DESC, id DESC LIMIT ?4"
        }
    };
    let end = EventPlace { at_ms: query.end_ms, number: i64::MAX };
    let first = query.from.filter(|from| from.at_ms <= end.at_ms).unwrap_or(end);
    let statement = sqlx::query(sql)
        .bind(&*query.kind)
        .bind(query.start_ms)
        .bind(first.at_ms)
        .bind(query.limit.min(EVENTS_AT_ONCE_MAX) as i64)
        .bind(first.number);
    let statement = match &query.subject {
        None => statement,
        Some(subject) => statement.bind(subject),
    };
    let rows = statement.fetch_all(connection).await?;
    let event = |row: &sqlx::sqlite::SqliteRow| {
        let (kind, at_ms) = (query.kind.clone(), row.try_get(0)?);
        Ok(KeptEvent {
            place: EventPlace { at_ms, number: row.try_get(3)? },
            event: Event { kind, at_ms, subject: row.try_get(1)?, value: row.try_get(2)? },
        })
    };
    rows.iter().map(event).collect()
}

/// How many events of a kind happened before a time.
async fn count(connection: &mut SqliteConnection, kind: &str, before_ms: i64) -> Result<u64, sqlx::Error> {
    let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM events WHERE kind = ? AND at_ms < ?");
    Ok(count.bind(kind).bind(before_ms).fetch_one(connection).await?.unsigned_abs())
}

/// How many bytes the values of the events of a kind have.
async fn bytes_of(connection: &mut SqliteConnection, kind: &str) -> Result<u64, sqlx::Error> {
    let bytes =
        sqlx::query_scalar::<_, i64>("SELECT coalesce(sum(length(value)), 0) FROM events WHERE kind = ?");
    Ok(bytes.bind(kind).fetch_one(connection).await?.unsigned_abs())
}

/// How many of the oldest events of a kind have so many bytes together; some of them if these are very many.
async fn oldest_of(connection: &mut SqliteConnection, kind: &str, bytes: u64) -> Result<u64, sqlx::Error> {
    let lengths = sqlx::query_scalar::<_, i64>(
        "SELECT length(value) FROM events WHERE kind = ? ORDER BY at_ms, id LIMIT ?",
    );
    let lengths = lengths.bind(kind).bind(FORGOTTEN_AT_ONCE_MAX as i64).fetch_all(connection).await?;
    let mut left = bytes;
    let needed = lengths.iter().take_while(|length| {
        let is_needed = left > 0;
        left = left.saturating_sub(length.unsigned_abs());
        is_needed
    });
    Ok(needed.count() as u64)
}

/// Forgets the oldest events of a kind. Returns how many bytes the value of each had.
async fn forget_oldest(
    connection: &mut SqliteConnection,
    kind: &str,
    n: u64,
) -> Result<Vec<u64>, sqlx::Error> {
    let forgotten = sqlx::query_scalar::<_, i64>(
        "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE kind = ? ORDER BY at_ms, id LIMIT ?)
         RETURNING length(value)",
    );
    let lengths = forgotten.bind(kind).bind(n as i64).fetch_all(connection).await?;
    Ok(lengths.into_iter().map(i64::unsigned_abs).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn in_a_folder<F: Future<Output = ()>>(test: impl FnOnce(std::path::PathBuf) -> F) {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("starts");
        runtime.block_on(test(folder.path().join(FILE_NAME)));
    }

    fn put(key: &str, bytes: usize) -> [Change; 1] {
        [Change::Put { kind: "test", key: key.to_owned(), value: vec![b'x'; bytes] }]
    }

    #[test]
    fn what_is_written_after_commits_that_failed_is_durable() {
        in_a_folder(async |path| {
            let mut connection = open(&path).await.expect("opens");
            let is_full = Arc::new(AtomicBool::new(true));
            let refuses = Arc::clone(&is_full);
            // As on a full disk, the commit fails and SQLite rolls back by itself.
            let mut handle = connection.lock_handle().await.expect("works");
            handle.set_commit_hook(move || !refuses.load(Ordering::Relaxed));
            drop(handle);
            for key in ["first", "second", "third"] {
                write(&mut connection, put(key, 1).iter()).await.expect_err("the commit fails");
            }
            is_full.store(false, Ordering::Relaxed);
            write(&mut connection, put("fourth", 1).iter()).await.expect("there is room again");

            // Another connection sees only what is committed.
            let mut other = open(&path).await.expect("opens");
            let found = records(&mut other, "test").await.expect("read");
            assert_eq!(found.iter().map(|record| record.key.as_str()).collect::<Vec<_>>(), ["fourth"]);
        });
    }

    #[test]
    fn a_full_disk_is_told_with_what_to_do() {
        in_a_folder(async |path| {
            let mut connection = open(&path).await.expect("opens");
            sqlx::raw_sql("PRAGMA max_page_count = 10").execute(&mut connection).await.expect("works");
            let refused = write(&mut connection, put("large", 1 << 20).iter()).await.expect_err("no room");
            let want =
                format!("{}: the disk is full: make room on the file system of this file", path.display());
            assert_eq!(StateError::database(&path, refused).to_string(), want);
            write(&mut connection, put("small", 1).iter()).await.expect("there is room for this");
        });
    }
}
