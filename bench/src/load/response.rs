//! The least HTTP/1.1 response parser a load generator can do with.
//!
//! It looks at a whole buffer, keeps no state, and needs only four things of a response: the status, how
//! long it is, the journal position it tells and whether it was replayed. A response that came in pieces
//! is parsed again from its beginning, which is rare and cheap. Chunked bodies are refused: a server under
//! test sends a length.

use std::ops::Range;

/// No response of the API comes near this; a longer head or body means that the stream is out of step.
const LONGEST: usize = 4 << 20;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) position: Option<u64>,
    pub(crate) replayed: bool,
    /// The server ends the connection after this response.
    pub(crate) close: bool,
    pub(crate) body: Range<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// More bytes are needed.
    Incomplete,
    /// One response; it ends at `body.end`, and what follows belongs to the next.
    Complete(Response),
    /// Not a response this parser can follow.
    Broken(&'static str),
}

pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    let Some(head) = head_length(bytes) else {
        return if bytes.len() > LONGEST { Parsed::Broken("endless head") } else { Parsed::Incomplete };
    };
    let Some(status) = status(&bytes[..head]) else {
        return Parsed::Broken("not an HTTP/1.1 status line");
    };
    let mut response = Response { status, position: None, replayed: false, close: false, body: head..head };
    let mut length = None;
    for line in bytes[..head].split(|byte| *byte == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        // The length of a name decides most of the time; only then are letters compared.
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let Some(told) = number(value) else {
                    return Parsed::Broken("content-length");
                };
                length = Some(told);
            }
            20 if name.eq_ignore_ascii_case(b"counterfoil-position") => response.position = number(value),
            20 if name.eq_ignore_ascii_case(b"idempotency-replayed") => response.replayed = value == b"true",
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => return Parsed::Broken("chunked body"),
            10 if name.eq_ignore_ascii_case(b"connection") => {
                response.close = value.eq_ignore_ascii_case(b"close");
            }
            _ => {}
        }
    }
    let bodiless = status == 204 || status == 304;
    let length = match length {
        Some(length) => usize::try_from(length).unwrap_or(usize::MAX),
        None if bodiless => 0,
        None => return Parsed::Broken("no content-length"),
    };
    if length > LONGEST {
        return Parsed::Broken("endless body");
    }
    response.body.end = head + length;
    if bytes.len() < response.body.end { Parsed::Incomplete } else { Parsed::Complete(response) }
}

/// The length of the head with its empty line, if all of it is there.
fn head_length(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = bytes[from..].iter().position(|byte| *byte == b'\n') {
        let line_end = from + found;
        if bytes[line_end + 1..].starts_with(b"\r\n") {
            return Some(line_end + 3);
        }
        from = line_end + 1;
    }
    None
}

fn status(head: &[u8]) -> Option<u16> {
    let digits = head.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    u16::try_from(number(digits)?).ok()
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: &[u8] = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\
        Counterfoil-Position: 90071992547409931\r\ncontent-length: 13\r\n\r\n{\"some\":true}";

    fn complete(bytes: &[u8]) -> Response {
        match parse(bytes) {
            Parsed::Complete(response) => response,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn status_length_and_position_are_read() {
        let response = complete(CREATED);
        assert_eq!((response.status, response.position), (201, Some(90_071_992_547_409_931)));
        assert_eq!(&CREATED[response.body], b"{\"some\":true}");
        assert!(!response.replayed && !response.close);
    }

    #[test]
    fn every_cut_of_a_response_is_incomplete() {
        for cut in 0..CREATED.len() {
            assert_eq!(parse(&CREATED[..cut]), Parsed::Incomplete, "cut at {cut}");
        }
    }

    #[test]
    fn the_bytes_of_the_next_response_are_left_alone() {
        let two = [CREATED, b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno"].concat();
        let first = complete(&two);
        assert_eq!(first.body.end, CREATED.len());
        let second = complete(&two[first.body.end..]);
        assert_eq!((second.status, second.position), (404, None));
    }

    #[test]
    fn a_replayed_answer_and_a_last_answer_are_recognised() {
        let bytes =
            b"HTTP/1.1 201 Created\r\nIdempotency-Replayed: true\r\nConnection: close\r\ncontent-length: 0\r\n\r\n";
        let response = complete(bytes);
        assert!(response.replayed && response.close);
    }

    #[test]
    fn an_answer_without_a_body_needs_no_length() {
        let response = complete(b"HTTP/1.1 204 No Content\r\ndate: now\r\n\r\n");
        assert_eq!((response.status, response.body.len()), (204, 0));
    }

    #[test]
    fn what_cannot_be_followed_is_broken() {
        for bytes in [
            &b"SSH-2.0-x\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
        ] {
            assert!(matches!(parse(bytes), Parsed::Broken(_)), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
