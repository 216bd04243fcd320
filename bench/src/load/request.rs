//! Request bytes, put together in a buffer that is used again and again: no allocation, no formatting.

use super::key::KEY_LENGTH;
use super::plan::{Plan, Target};

const BODY_HEAD: &[u8] = b"\r\ncontent-type: application/json\r\ncontent-length: ";
/// Around the id of a capture, which is its idempotency key: all that is left is taken.
const CAPTURE: (&[u8], &[u8]) = (b"{\"capture_id\":\"", b"\",\"final\":true}");

/// A route cut at its `{id}`; without one there is nothing after it.
#[derive(Debug)]
struct Path {
    before: Vec<u8>,
    after: Option<Vec<u8>>,
}

impl Path {
    fn new(method: &str, route: &str) -> Self {
        let (before, after) = match route.split_once("{id}") {
            Some((before, after)) => (before, Some(after.into())),
            None => (route, None),
        };
        Self { before: format!("{method} {before}").into_bytes(), after }
    }

    fn write(&self, out: &mut Vec<u8>, id: &[u8]) {
        out.extend_from_slice(&self.before);
        if let Some(after) = &self.after {
            out.extend_from_slice(id);
            out.extend_from_slice(after);
        }
    }
}

/// Writes the requests of one plan.
#[derive(Debug)]
pub(crate) struct Writer {
    command: Path,
    capture: Path,
    read: Path,
    balance: Path,
    /// From the end of the path to the headers that differ, one for each token and one without any.
    heads: Vec<Vec<u8>>,
}

impl Writer {
    pub(crate) fn new(plan: &Plan) -> Self {
        let common = format!(" HTTP/1.1\r\nhost: {}", plan.address);
        let mut heads: Vec<_> =
            plan.tokens.iter().map(|token| format!("{common}\r\nauthorization: Bearer {token}")).collect();
        heads.push(common);
        Self {
            command: Path::new(&plan.routes.method, &plan.routes.command),
            capture: Path::new("POST", &plan.routes.capture),
            read: Path::new("GET", &plan.routes.read),
            balance: Path::new("GET", &plan.routes.balance),
            heads: heads.into_iter().map(String::into_bytes).collect(),
        }
    }

    pub(crate) fn command(&self, out: &mut Vec<u8>, target: &Target, key: &[u8; KEY_LENGTH]) {
        out.clear();
        self.command.write(out, target.id.as_bytes());
        self.command_head(out, target, key, target.body.len());
        out.extend_from_slice(target.body.as_bytes());
    }

    pub(crate) fn capture(&self, out: &mut Vec<u8>, target: &Target, hold: &[u8], key: &[u8; KEY_LENGTH]) {
        out.clear();
        self.capture.write(out, hold);
        let (before, after) = CAPTURE;
        self.command_head(out, target, key, before.len() + key.len() + after.len());
        out.extend_from_slice(before);
        out.extend_from_slice(key);
        out.extend_from_slice(after);
    }

    /// From the end of the path to the beginning of the body.
    fn command_head(&self, out: &mut Vec<u8>, target: &Target, key: &[u8; KEY_LENGTH], length: usize) {
        out.extend_from_slice(self.head(target));
        out.extend_from_slice(b"\r\nidempotency-key: ");
        out.extend_from_slice(key);
        out.extend_from_slice(BODY_HEAD);
        write_number(out, length as u64);
        out.extend_from_slice(b"\r\n\r\n");
    }

    pub(crate) fn read(&self, out: &mut Vec<u8>, target: &Target, min_position: Option<u64>) {
        out.clear();
        self.read.write(out, target.id.as_bytes());
        if let Some(position) = min_position {
            out.extend_from_slice(b"?min_position=");
            write_number(out, position);
        }
        out.extend_from_slice(self.head(target));
        out.extend_from_slice(b"\r\n\r\n");
    }

    pub(crate) fn balance(&self, out: &mut Vec<u8>, target: &Target) {
        out.clear();
        self.balance.write(out, target.id.as_bytes());
        out.extend_from_slice(self.head(target));
        out.extend_from_slice(b"\r\n\r\n");
    }

    fn head(&self, target: &Target) -> &[u8] {
        &self.heads[target.token.unwrap_or(self.heads.len() - 1)]
    }
}

fn write_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), number);
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::key::key;
    use crate::load::plan::Routes;

    fn plan() -> Plan {
        Plan {
            address: "127.0.0.1:8080".parse().unwrap(),
            routes: Routes::counterfoil(),
            tokens: vec!["one".into(), "two".into()],
            targets: Vec::new(),
            lanes: Vec::new(),
            warmup_seconds: 0.0,
            seconds: 1.0,
        }
    }

    fn text(write: impl Fn(&Writer, &mut Vec<u8>)) -> String {
        let mut out = b"left from before".to_vec();
        write(&Writer::new(&plan()), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_command_carries_its_token_its_key_and_a_body_as_long_as_it_says() {
        let target = Target::deposits("w1".into(), Some(1));
        let request = text(|writer, out| writer.command(out, &target, &key(1, 1)));
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /api/v1/wallets/w1/deposit HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n"));
        assert!(head.contains("\r\nauthorization: Bearer two\r\n"));
        let key_line = format!("\r\nidempotency-key: {}\r\n", std::str::from_utf8(&key(1, 1)).unwrap());
        assert!(head.contains(&key_line));
        assert!(head.ends_with(&format!("content-length: {}", body.len())));
        assert_eq!(body, target.body);
    }

    #[test]
    fn a_command_is_sent_by_the_method_that_is_asked_for_and_needs_no_id() {
        let mut plan = plan();
        "PATCH".clone_into(&mut plan.routes.method);
        "/api/v1/users/settings".clone_into(&mut plan.routes.command);
        let (mut out, target) = (Vec::new(), Target::deposits(String::new(), Some(0)));
        Writer::new(&plan).command(&mut out, &target, &key(1, 1));
        assert!(out.starts_with(b"PATCH /api/v1/users/settings HTTP/1.1\r\n"));
    }

    #[test]
    fn a_capture_goes_to_its_hold_and_takes_all_of_it() {
        let target = Target::deposits("w1".into(), Some(0));
        let request = text(|writer, out| writer.capture(out, &target, b"w1.7", &key(1, 1)));
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /api/v1/holds/w1.7/capture HTTP/1.1\r\n"));
        assert!(head.ends_with(&format!("content-length: {}", body.len())));
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["capture_id"], std::str::from_utf8(&key(1, 1)).unwrap());
        assert_eq!(body["final"], true);
    }

    #[test]
    fn a_read_may_name_the_position_it_waits_for() {
        let target = Target::deposits("w1".into(), Some(0));
        let waiting = text(|writer, out| writer.read(out, &target, Some(1_234_567)));
        assert!(waiting.starts_with("GET /api/v1/wallets/w1?min_position=1234567 HTTP/1.1\r\n"));
        let plain = text(|writer, out| writer.read(out, &target, None));
        assert!(plain.starts_with("GET /api/v1/wallets/w1 HTTP/1.1\r\n") && plain.ends_with("\r\n\r\n"));
    }

    #[test]
    fn a_route_without_an_id_and_a_target_without_a_token_are_written_as_they_are() {
        let target = Target::deposits("w1".into(), None);
        let request = text(|writer, out| writer.balance(out, &target));
        assert_eq!(request, "GET /api/v1/users/me/balance HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\r\n");
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 7, 10, u64::MAX] {
            let mut out = Vec::new();
            write_number(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
