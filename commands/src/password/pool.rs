//! Hashing, bounded: argon2id takes 19 MiB and some 20 ms of a core, so a login storm is a queue, not an outage.
//!
//! Correct because the permit moves into the blocking closure: a request that is given up does not free its place while
//! its hash still runs. Every path does the same work: somebody unknown is verified against a hash that nothing
//! matches. As many hashes as there are places are made at a time, each in memory that stays with its place.

use super::hash::{Memory, SALT_LEN, hash_now, nobodys_hash, verify_now};
use secrecy::SecretString;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Past it, whoever waits is better served by "come again".
const WAIT_MAX: Duration = Duration::from_secs(2);
/// Hashes a core can do in that time, roughly: who queues behind more would only wait to be sent away.
const WAITING_PER_PLACE: usize = 80;

#[derive(Clone, Copy, Debug)]
pub struct HasherOptions {
    /// Hashes at a time: each takes a core.
    pub places: NonZeroUsize,
    pub waiting_max: usize,
    pub wait_max: Duration,
}

impl HasherOptions {
    /// Leaves a core to everything else.
    pub fn for_cores(cores: usize) -> Self {
        let places = NonZeroUsize::new(cores.saturating_sub(1)).unwrap_or(NonZeroUsize::MIN);
        Self { places, waiting_max: places.get() * WAITING_PER_PLACE, wait_max: WAIT_MAX }
    }
}

impl Default for HasherOptions {
    fn default() -> Self {
        Self::for_cores(std::thread::available_parallelism().map_or(1, NonZeroUsize::get))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// Come again in a second.
    #[error("too many passwords are being checked")]
    Overloaded,
    #[error("a stored password hash cannot be used: {0}")]
    Unusable(&'static str),
    #[error("hashing failed: {0}")]
    Failed(String),
}

#[derive(Clone)]
pub struct Hasher {
    inner: Arc<Inner>,
}

struct Inner {
    options: HasherOptions,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// Of the places where nobody is: never more than there are places.
    memories: Mutex<Vec<Memory>>,
    /// Looks like any other hash; its tag is random, so no password has it.
    nobodys: String,
}

impl Hasher {
    pub fn new(options: HasherOptions) -> Result<Self, HashError> {
        let inner = Inner {
            places: Arc::new(Semaphore::new(options.places.get())),
            options,
            waiting: AtomicUsize::new(0),
            memories: Mutex::default(),
            nobodys: nobodys_hash()?,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The hash to store, as a PHC string.
    pub async fn hash(&self, password: SecretString) -> Result<String, HashError> {
        let mut salt = [0; SALT_LEN];
        getrandom::fill(&mut salt).map_err(|error| HashError::Failed(error.to_string()))?;
        self.hash_salted(password, salt).await
    }

    /// The same with a salt that the caller derives, unlike any other, so that a repeat gives the same hash.
    pub async fn hash_salted(
        &self,
        password: SecretString,
        salt: [u8; SALT_LEN],
    ) -> Result<String, HashError> {
        self.run(move |memory| hash_now(&password, &salt, memory)).await
    }

    /// Whether this is the password. Give nothing for somebody who does not exist: it takes as long, and is false.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, HashError> {
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.inner.nobodys.clone());
        let matches = self.run(move |memory| verify_now(&password, &stored, memory)).await?;
        Ok(exists && matches)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let place = self.wait_for_place().await?;
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || {
            let mut in_flight = InFlight::begin(place, inner);
            work(&mut in_flight.memory)
        });
        done.await.map_err(|error| HashError::Failed(error.to_string()))?
    }

    async fn wait_for_place(&self) -> Result<OwnedSemaphorePermit, HashError> {
        let places = Arc::clone(&self.inner.places);
        let _waiting = Waiting::join(&self.inner)?;
        let began = Instant::now();
        let place = match tokio::time::timeout(self.inner.options.wait_max, places.acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(HashError::Overloaded),
        };
        metrics::histogram!("counterfoil_hash_wait_seconds").record(began.elapsed().as_secs_f64());
        place
    }
}

/// A place while a hash is being made on it, and its memory. All leave together, however that ends.
struct InFlight {
    memory: Memory,
    inner: Arc<Inner>,
    _place: OwnedSemaphorePermit,
}

impl InFlight {
    fn begin(place: OwnedSemaphorePermit, inner: Arc<Inner>) -> Self {
        metrics::gauge!("counterfoil_hash_in_flight").increment(1);
        let memory = inner.memories.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Self { memory, inner, _place: place }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!("counterfoil_hash_in_flight").decrement(1);
        let memory = std::mem::take(&mut self.memory);
        self.inner.memories.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

/// One who waits, counted for as long as it waits, however that ends.
struct Waiting<'a>(&'a Inner);

impl<'a> Waiting<'a> {
    fn join(inner: &'a Inner) -> Result<Self, HashError> {
        let before = inner.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(inner);
        waiting.show();
        // One more than may wait, because who finds a free place passes through here too.
        if before > inner.options.waiting_max {
            return Err(HashError::Overloaded);
        }
        Ok(waiting)
    }

    fn show(&self) {
        let waiting = u32::try_from(self.0.waiting.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        metrics::gauge!("counterfoil_hash_queue").set(f64::from(waiting));
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        self.show();
    }
}

#[cfg(test)]
mod tests;
