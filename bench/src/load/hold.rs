//! The id of a hold, picked out of the answer that placed it.
//!
//! The answer is not parsed: `"hold":{` stands in it once, and within that object `"id"` is a name of its own.

/// `<wallet>.<sequence>`: a UUID, a dot, and as many digits as a sequence can have.
const LONGEST: usize = 36 + 1 + 19;

#[derive(Debug, Clone, Copy)]
pub(crate) struct HoldId {
    bytes: [u8; LONGEST],
    length: usize,
}

impl HoldId {
    pub(crate) fn find(answer: &[u8]) -> Option<Self> {
        let hold = after(answer, b"\"hold\":{")?;
        let id = after(hold, b"\"id\":\"")?;
        let length = id.iter().take(LONGEST + 1).position(|byte| *byte == b'"')?;
        let mut bytes = [0; LONGEST];
        bytes[..length].copy_from_slice(&id[..length]);
        Some(Self { bytes, length })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

fn after<'a>(bytes: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let at = bytes.windows(wanted.len()).position(|window| window == wanted)?;
    Some(&bytes[at + wanted.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(answer: &str) -> Option<String> {
        HoldId::find(answer.as_bytes()).map(|id| String::from_utf8(id.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn the_holds_own_id_is_found_and_no_other() {
        let id = format!("{}.{}", uuid::Uuid::max(), i64::MAX);
        let answer = format!(
            r#"{{"position":7,"wallet":{{"id":"w1"}},"hold":{{"wallet_id":"w1","id":"{id}","amount":"0.01"}}}}"#
        );
        assert_eq!(found(&answer).as_ref(), Some(&id));
    }

    #[test]
    fn an_answer_without_a_hold_or_with_an_endless_id_has_none() {
        let endless = format!(r#"{{"hold":{{"id":"{}"}}}}"#, "1".repeat(LONGEST + 1));
        for answer in ["", "{}", r#"{"hold":{"amount":"1"}}"#, r#"{"hold":{"id":"cut"#, endless.as_str()] {
            assert_eq!(found(answer), None, "{answer}");
        }
    }
}
