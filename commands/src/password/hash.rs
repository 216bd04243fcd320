//! One hash: argon2id, with memory that is kept for the next one.
//!
//! Stored parameters are checked before they are obeyed, or a planted hash could ask for all memory. Memory is handed on
//! and not given back: 19 MiB fresh from the system cost some milliseconds to be mapped, and every thread's allocator
//! would keep as much for itself.

use super::HashError;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::ops::RangeInclusive;

/// OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
pub(super) const SALT_LEN: usize = 16;
const TAG_LEN: usize = 32;

/// What a stored hash may ask for.
const MEMORY_KIB_ALLOWED: RangeInclusive<u32> = 8 * 1024..=128 * 1024;
const PASSES_ALLOWED: RangeInclusive<u32> = 1..=10;
const LANES_ALLOWED: RangeInclusive<u32> = 1..=4;

/// Whether a stored hash was made with other parameters than today's, so that it had better be made again while the password
/// is at hand.
pub(crate) fn needs_rehash(stored: &str) -> bool {
    usable(stored).is_ok_and(|Usable { params, .. }| {
        (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY_KIB, PASSES, LANES)
    })
}

fn todays() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(TAG_LEN)).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

pub(super) fn hash_now(
    password: &SecretString,
    salt: &[u8; SALT_LEN],
    memory: &mut Memory,
) -> Result<String, HashError> {
    let argon2 = todays()?;
    let mut tag = [0; TAG_LEN];
    memory.fill(&argon2, password, salt, &mut tag)?;
    phc_string(&argon2, salt, &tag)
}

pub(super) fn nobodys_hash() -> Result<String, HashError> {
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

pub(super) fn verify_now(
    password: &SecretString,
    stored: &str,
    memory: &mut Memory,
) -> Result<bool, HashError> {
    let Usable { params, salt, tag } = usable(stored)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut found = vec![0; tag.len()];
    memory.fill(&argon2, password, &salt, &mut found)?;
    // Compared in constant time: that is what an `Output` is for.
    Ok(Output::new(&found).map_err(failed)? == tag)
}

/// What is needed of a stored hash.
struct Usable {
    params: Params,
    salt: Salt,
    tag: Output,
}

fn usable(stored: &str) -> Result<Usable, HashError> {
    let hash = PasswordHash::new(stored).map_err(|_| HashError::Unusable("it is no PHC string"))?;
    if hash.algorithm != Algorithm::Argon2id.ident() {
        return Err(HashError::Unusable("it is not argon2id"));
    }
    if hash.version != Some(Version::V0x13.into()) {
        return Err(HashError::Unusable("it is of another version"));
    }
    let params = Params::try_from(&hash).map_err(|_| HashError::Unusable("its parameters make no sense"))?;
    let bounded = MEMORY_KIB_ALLOWED.contains(&params.m_cost())
        && PASSES_ALLOWED.contains(&params.t_cost())
        && LANES_ALLOWED.contains(&params.p_cost());
    match (hash.salt, hash.hash) {
        (Some(salt), Some(tag)) if bounded => Ok(Usable { params, salt, tag }),
        _ => Err(HashError::Unusable("its parameters are out of bounds")),
    }
}

/// The memory of one hash after the other.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    fn fill(
        &mut self,
        argon2: &Argon2<'_>,
        password: &SecretString,
        salt: &[u8],
        tag: &mut [u8],
    ) -> Result<(), HashError> {
        let blocks = argon2.params().block_count();
        self.0.resize(blocks, Block::new());
        // Only a stored hash of another time asks for more, and what it got is given back with the next of today's.
        self.0.shrink_to(blocks);
        let password = password.expose_secret().as_bytes();
        argon2.hash_password_into_with_memory(password, salt, tag, &mut self.0).map_err(failed)
    }
}

fn failed(error: impl fmt::Display) -> HashError {
    HashError::Failed(error.to_string())
}
