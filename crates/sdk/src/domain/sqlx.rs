use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{Database, Error};

use super::pool::{Checkout, Pool, Pools};
use crate::registry::{ExpositionHook, Registry};

/// A pool of `sqlx` of which is counted who waits, who gave up and which connections are in use. A clone is the same pool.
///
/// ```no_run
/// use bellwether_sdk::Registry;
/// use bellwether_sdk::domain::Pools;
///
/// # async fn orders() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::global();
/// let pool = sqlx::PgPool::connect("postgres://localhost/orders").await?;
/// let pool = Pools::register(registry)?.sqlx(registry, "orders", pool);
/// let mut connection = pool.acquire().await?;
/// sqlx::query("SELECT 1").execute(&mut *connection).await?;
/// # Ok(())
/// # }
/// ```
pub struct SqlxPool<DB: Database> {
    pool: sqlx::Pool<DB>,
    recorder: Pool,
    /// Alive as long as one of the clones.
    hook: Arc<ExpositionHook>,
}

/// A connection that is counted as in use until it is dropped.
pub struct SqlxConnection<DB: Database> {
    connection: PoolConnection<DB>,
    _checkout: Checkout,
}

impl Pools {
    /// Counts what a pool of `sqlx` does, under a name. How many connections are idle is read before each exposition, until the answer and its clones are dropped.
    pub fn sqlx<DB: Database>(&self, registry: &Registry, name: &str, pool: sqlx::Pool<DB>) -> SqlxPool<DB> {
        let recorder = self.pool(name, u64::from(pool.options().get_max_connections()));
        let asked = pool.clone();
        let hook = registry.before_exposition(move || recorder.set_idle(asked.num_idle() as u64));
        SqlxPool { pool, recorder, hook: Arc::new(hook) }
    }
}

impl<DB: Database> SqlxPool<DB> {
    /// As `sqlx::Pool::acquire`. A timeout is counted as one, another error as somebody who gave up.
    pub async fn acquire(&self) -> Result<SqlxConnection<DB>, Error> {
        let waiting = self.recorder.wait();
        match self.pool.acquire().await {
            Ok(connection) => Ok(SqlxConnection { connection, _checkout: waiting.acquired() }),
            Err(error) => {
                if matches!(error, Error::PoolTimedOut) {
                    waiting.timed_out();
                }
                Err(error)
            }
        }
    }

    /// The pool itself. Who takes connections from it is not counted.
    pub fn get_ref(&self) -> &sqlx::Pool<DB> {
        &self.pool
    }
}

impl<DB: Database> Clone for SqlxPool<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), recorder: self.recorder, hook: Arc::clone(&self.hook) }
    }
}

impl<DB: Database> fmt::Debug for SqlxPool<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqlxPool").field(&self.pool).finish()
    }
}

impl<DB: Database> Deref for SqlxConnection<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        &self.connection
    }
}

impl<DB: Database> DerefMut for SqlxConnection<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }
}

impl<DB: Database> fmt::Debug for SqlxConnection<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqlxConnection").field(&self.connection).finish()
    }
}
