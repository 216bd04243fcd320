//! Passwords for the servers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::RuntimeError;

/// 192 bits, in characters that need no escape in a URL, a configuration file or a shell.
pub(super) fn random() -> Result<String, RuntimeError> {
    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes).map_err(RuntimeError::Randomness)?;
    // Begins with a letter: a configuration parser might take digits for a number.
    Ok(format!("p{}", URL_SAFE_NO_PAD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_passwords_differ_and_need_no_escape() {
        let (first, second) = (random().unwrap(), random().unwrap());
        assert_ne!(first, second);
        assert!(first.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }
}
