use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use deadpool::managed::{self, Manager, Object, PoolError};

use super::pool::{Checkout, Pool, Pools};
use crate::registry::{ExpositionHook, Registry};

/// A pool of `deadpool` of which is counted who waits, who gave up and which objects are in use. A clone is the same pool.
pub struct Deadpool<M: Manager> {
    pool: managed::Pool<M>,
    recorder: Pool,
    /// Alive as long as one of the clones.
    hook: Arc<ExpositionHook>,
}

/// An object that is counted as in use until it is dropped.
pub struct DeadpoolObject<M: Manager> {
    object: Object<M>,
    _checkout: Checkout,
}

impl Pools {
    /// Counts what a pool of `deadpool` does, under a name. How many objects are idle is read before each exposition, until the answer and its clones are dropped.
    pub fn deadpool<M: Manager + 'static>(
        &self,
        registry: &Registry,
        name: &str,
        pool: managed::Pool<M>,
    ) -> Deadpool<M> {
        let recorder = self.pool(name, pool.status().max_size as u64);
        let asked = pool.clone();
        let hook = registry.before_exposition(move || recorder.set_idle(asked.status().available as u64));
        Deadpool { pool, recorder, hook: Arc::new(hook) }
    }
}

impl<M: Manager> Deadpool<M> {
    /// As `deadpool::managed::Pool::get`. A timeout is counted as one, another error as somebody who gave up.
    pub async fn get(&self) -> Result<DeadpoolObject<M>, PoolError<M::Error>> {
        let waiting = self.recorder.wait();
        match self.pool.get().await {
            Ok(object) => Ok(DeadpoolObject { object, _checkout: waiting.acquired() }),
            Err(error) => {
                if matches!(error, PoolError::Timeout(_)) {
                    waiting.timed_out();
                }
                Err(error)
            }
        }
    }

    /// The pool itself. Who takes objects from it is not counted.
    pub fn get_ref(&self) -> &managed::Pool<M> {
        &self.pool
    }
}

impl<M: Manager> Clone for Deadpool<M> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), recorder: self.recorder, hook: Arc::clone(&self.hook) }
    }
}

impl<M: Manager> fmt::Debug for Deadpool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadpool").field(&self.pool.status()).finish()
    }
}

impl<M: Manager> Deref for DeadpoolObject<M> {
    type Target = M::Type;

    fn deref(&self) -> &M::Type {
        &self.object
    }
}

impl<M: Manager> DerefMut for DeadpoolObject<M> {
    fn deref_mut(&mut self) -> &mut M::Type {
        &mut self.object
    }
}

impl<M: Manager> fmt::Debug for DeadpoolObject<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadpoolObject").finish_non_exhaustive()
    }
}
