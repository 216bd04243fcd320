//! Passwords for the servers, and writing them into a URL.

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

/// For a value in the query of a URL.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => {
                encoded.push('%');
                encoded.push(hex_digit(other >> 4));
                encoded.push(hex_digit(other & 0xf));
            }
        }
    }
    encoded
}

fn hex_digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_passwords_differ_and_need_no_escape() {
        let (first, second) = (random().unwrap(), random().unwrap());
        assert_ne!(first, second);
        assert_eq!(percent_encoded(&first), first);
    }

    #[test]
    fn a_path_is_encoded_for_a_query() {
        assert_eq!(percent_encoded("/da ta/é&"), "%2Fda%20ta%2F%C3%A9%26");
    }
}
