//! The settings of the edge: whose word is believed on where a request comes from, whose pages may call, how often anybody
//! may ask.

use super::{BadConfig, ServeFlags, read};
use api::{Edge, RateLimit};
use domain::Network;

/// More than one machine answers.
const A_SECOND_MAX: u32 = 1_000_000;
const A_MINUTE_MAX: u32 = 60 * A_SECOND_MAX;

pub(super) fn edge(flags: &ServeFlags) -> Result<Edge, BadConfig> {
    let list = |text: Option<&str>| -> Vec<String> {
        let items = read::optional(text).into_iter().flat_map(|text| text.split(','));
        items.map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    };
    let proxies = list(flags.trusted_proxies.as_deref());
    let origins = list(flags.cors_origins.as_deref());
    Ok(Edge {
        trusted_proxies: proxies.iter().map(|text| network(text)).collect::<Result<_, _>>()?,
        cors_origins: origins.iter().map(|text| origin(text)).collect::<Result<_, _>>()?,
        rate_limit: rate_limit(read::optional(flags.rate_limit.as_deref()))?,
        keys_a_minute: keys_a_minute(&flags.api_key_rate_limit)?,
    })
}

fn network(text: &str) -> Result<Network, BadConfig> {
    let mend = "use addresses and networks with commas between, for example 10.0.0.0/8,127.0.0.1";
    text.parse().map_err(|_| read::bad("COUNTERFOIL_TRUSTED_PROXIES", text, "no network", mend))
}

/// As browsers write them: scheme and host in small letters, a port only where it is not the usual one.
fn origin(text: &str) -> Result<String, BadConfig> {
    let setting = "COUNTERFOIL_CORS_ORIGINS";
    if text == "*" {
        return Err(read::bad(setting, text, "every origin there is", "name those whose pages may call"));
    }
    let mend = "use origins with commas between, for example https://app.example.com,http://localhost:3000";
    let bad = || read::bad(setting, text, "no origin", mend);
    let small = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let (scheme, rest) = small.split_once("://").ok_or_else(bad)?;
    let usual_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return Err(bad()),
    };
    let host = rest.strip_suffix(usual_port).unwrap_or(rest);
    let is_legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    if host.is_empty() || !host.bytes().all(is_legal) {
        return Err(bad());
    }
    Ok(format!("{scheme}://{host}"))
}

/// Whoever says something about it wants it for everybody, so that it can be seen at work on one's own machine.
fn rate_limit(text: Option<&str>) -> Result<RateLimit, BadConfig> {
    let Some(text) = text else { return Ok(RateLimit::default()) };
    if let Ok(is_on) = read::switch("COUNTERFOIL_RATE_LIMIT", text)
        && !text.trim().bytes().all(|b| b.is_ascii_digit())
    {
        let everybody = RateLimit::Everybody { a_second: RateLimit::A_SECOND };
        return Ok(if is_on { everybody } else { RateLimit::Off });
    }
    match text.trim().parse() {
        Ok(0) => Ok(RateLimit::Off),
        Ok(a_second) if a_second <= A_SECOND_MAX => Ok(RateLimit::Everybody { a_second }),
        _ => Err(read::bad(
            "COUNTERFOIL_RATE_LIMIT",
            text,
            "no limit",
            "use on, off, or how many requests a second a client may send",
        )),
    }
}

fn keys_a_minute(text: &str) -> Result<Option<u32>, BadConfig> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    match text.parse() {
        Ok(0) => Ok(None),
        Ok(a_minute) if a_minute <= A_MINUTE_MAX => Ok(Some(a_minute)),
        _ => Err(read::bad(
            "COUNTERFOIL_API_KEY_RATE_LIMIT",
            text,
            "no limit",
            "use off, or how many requests a minute an API key is good for",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_keys_is_a_number_or_off() {
        assert_eq!(keys_a_minute("600"), Ok(Some(600)));
        assert_eq!(keys_a_minute("off"), Ok(None));
        assert_eq!(keys_a_minute("0"), Ok(None));
        for bad in ["", "-1", "many", "1.5", "99999999"] {
            assert!(keys_a_minute(bad).unwrap_err().to_string().contains("no limit"), "{bad}");
        }
    }

    #[test]
    fn a_limit_is_a_number_or_a_switch() {
        let everybody = |a_second| Ok(RateLimit::Everybody { a_second });
        assert_eq!(rate_limit(None), Ok(RateLimit::Others { a_second: 100 }));
        assert_eq!(rate_limit(Some("on")), everybody(100));
        assert_eq!(rate_limit(Some("off")), Ok(RateLimit::Off));
        assert_eq!(rate_limit(Some("0")), Ok(RateLimit::Off));
        assert_eq!(rate_limit(Some("1")), everybody(1));
        assert_eq!(rate_limit(Some("250")), everybody(250));
        for bad in ["-1", "many", "1.5", "9999999"] {
            assert!(rate_limit(Some(bad)).unwrap_err().to_string().contains("no limit"), "{bad}");
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        assert_eq!(origin("HTTPS://App.Example.com:443/").unwrap(), "https://app.example.com");
        assert_eq!(origin("http://localhost:3000").unwrap(), "http://localhost:3000");
        assert_eq!(origin("http://[::1]:3000").unwrap(), "http://[::1]:3000");
        for bad in
            ["null", "app.example.com", "https://", "https://a/b", "ftp://a", "https://a?b", "https://ä"]
        {
            assert!(origin(bad).unwrap_err().to_string().contains("no origin"), "{bad}");
        }
        assert!(origin("*").unwrap_err().to_string().contains("every origin"));
    }
}
