//! Hashing, bounded: argon2id takes 19 MiB and some 20 ms of a core, so a login storm is a queue, not an outage.
//!
//! Correct because the permit moves into the blocking closure: a request that is given up does not free its place while
//! its hash still runs. Every path does the same work: somebody unknown is verified against a hash that nothing
//! matches. Stored parameters are checked before they are obeyed, or a planted hash could ask for all memory.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_LEN: usize = 16;
const TAG_LEN: usize = 32;

/// What a stored hash may ask for.
const MEMORY_KIB_ALLOWED: RangeInclusive<u32> = 8 * 1024..=128 * 1024;
const PASSES_ALLOWED: RangeInclusive<u32> = 1..=10;
const LANES_ALLOWED: RangeInclusive<u32> = 1..=4;

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
    /// Looks like any other hash; its tag is random, so no password has it.
    nobodys: String,
}

impl Hasher {
    pub fn new(options: HasherOptions) -> Result<Self, HashError> {
        let inner = Inner {
            places: Arc::new(Semaphore::new(options.places.get())),
            options,
            waiting: AtomicUsize::new(0),
            nobodys: nobodys_hash()?,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The hash to store, as a PHC string.
    pub async fn hash(&self, password: SecretString) -> Result<String, HashError> {
        let mut salt = [0; SALT_LEN];
        getrandom::fill(&mut salt).map_err(failed)?;
        self.hash_salted(password, salt).await
    }

    /// The same with a salt that the caller derives, unlike any other, so that a repeat gives the same hash.
    pub async fn hash_salted(
        &self,
        password: SecretString,
        salt: [u8; SALT_LEN],
    ) -> Result<String, HashError> {
        self.run(move || hash_now(&password, &salt)).await
    }

    /// Whether this is the password. Give nothing for somebody who does not exist: it takes as long, and is false.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, HashError> {
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.inner.nobodys.clone());
        let matches = self.run(move || verify_now(&password, &stored)).await?;
        Ok(exists && matches)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let place = self.wait_for_place().await?;
        let done = tokio::task::spawn_blocking(move || {
            let _place = InFlight::begin(place);
            work()
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

/// A place while a hash is being made on it. Both leave together, however that ends.
struct InFlight {
    _place: OwnedSemaphorePermit,
}

impl InFlight {
    fn begin(place: OwnedSemaphorePermit) -> Self {
        metrics::gauge!("counterfoil_hash_in_flight").increment(1);
        Self { _place: place }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!("counterfoil_hash_in_flight").decrement(1);
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

/// Whether a stored hash was made with other parameters than today's, so that it had better be made again while the password
/// is at hand.
pub(crate) fn needs_rehash(stored: &str) -> bool {
    usable(stored).is_ok_and(|(_, params)| {
        (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY_KIB, PASSES, LANES)
    })
}

fn todays() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(TAG_LEN)).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &SecretString, salt: &[u8; SALT_LEN]) -> Result<String, HashError> {
    let argon2 = todays()?;
    let mut tag = [0; TAG_LEN];
    argon2.hash_password_into(password.expose_secret().as_bytes(), salt, &mut tag).map_err(failed)?;
    phc_string(&argon2, salt, &tag)
}

fn nobodys_hash() -> Result<String, HashError> {
    let mut salt = [0; SALT_LEN];
    let mut tag = [0; TAG_LEN];
    getrandom::fill(&mut salt).map_err(failed)?;
    getrandom::fill(&mut tag).map_err(failed)?;
    phc_string(&todays()?, &salt, &tag)
}

fn phc_string(argon2: &Argon2<'_>, salt: &[u8], tag: &[u8]) -> Result<String, HashError> {
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).map_err(failed)?,
        salt: Some(Salt::new(salt).map_err(failed)?),
        hash: Some(Output::new(tag).map_err(failed)?),
    };
    Ok(hash.to_string())
}

fn verify_now(password: &SecretString, stored: &str) -> Result<bool, HashError> {
    let (hash, params) = usable(stored)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let password = password.expose_secret().as_bytes();
    match argon2.verify_password(password, &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn usable(stored: &str) -> Result<(PasswordHash, Params), HashError> {
    let hash = PasswordHash::new(stored).map_err(|_| HashError::Unusable("it is no PHC string"))?;
    if hash.algorithm != Algorithm::Argon2id.ident() {
        return Err(HashError::Unusable("it is not argon2id"));
    }
    let params = Params::try_from(&hash).map_err(|_| HashError::Unusable("its parameters make no sense"))?;
    let bounded = MEMORY_KIB_ALLOWED.contains(&params.m_cost())
        && PASSES_ALLOWED.contains(&params.t_cost())
        && LANES_ALLOWED.contains(&params.p_cost());
    if !bounded || hash.salt.is_none() || hash.hash.is_none() {
        return Err(HashError::Unusable("its parameters are out of bounds"));
    }
    Ok((hash, params))
}

fn failed(error: impl fmt::Display) -> HashError {
    HashError::Failed(error.to_string())
}

#[cfg(test)]
mod tests;
