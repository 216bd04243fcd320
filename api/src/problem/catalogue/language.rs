//! The languages that problems are written in, which of them a client asks for, and how they count.

use axum::http::HeaderValue;
use domain::user::Locale;

/// Ranges of one header that are looked at: more than any browser sends.
const RANGES_MAX: usize = 32;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    #[default]
    English,
    Ukrainian,
}

impl Language {
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Ukrainian];

    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Ukrainian => "uk",
        }
    }

    pub(crate) const fn header(self) -> HeaderValue {
        HeaderValue::from_static(self.tag())
    }
}

impl From<Locale> for Language {
    fn from(locale: Locale) -> Self {
        match locale {
            Locale::En => Self::English,
            Locale::Uk => Self::Ukrainian,
        }
    }
}

/// The language an `Accept-Language` chooses (RFC 9110): the one with the greatest weight, the first of equals. None if it
/// names none of ours, or leaves it to us.
pub(crate) fn chosen(accepted: &str) -> Option<Language> {
    let mut best: Option<(Language, u16)> = None;
    for range in accepted.split(',').take(RANGES_MAX) {
        let mut parts = range.split(';').map(str::trim);
        // The first part of a tag is the language; what follows is where and how it is written.
        let primary = parts.next().and_then(|tag| tag.split('-').next()).unwrap_or_default();
        let known = Language::ALL.into_iter().find(|known| known.tag().eq_ignore_ascii_case(primary));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight = weight.map_or(Some(WHOLE), thousandths).unwrap_or(0);
        if let Some(language) = known.filter(|_| weight > best.map_or(0, |(_, weight)| weight)) {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language)
}

/// A weight of one.
const WHOLE: u16 = 1_000;

/// A weight from 0 to 1 with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_legal = decimals.len() <= 3 && decimals.bytes().all(|b| b.is_ascii_digit());
    let decimals: u16 = format!("{decimals:0<3}").parse().ok().filter(|_| is_legal)?;
    match whole {
        "0" => Some(decimals),
        "1" if decimals == 0 => Some(WHOLE),
        _ => None,
    }
}

/// The form of a Ukrainian noun that goes with a number: 1 символ, 2 символи, 5 символів; 11 символів, 21 символ.
pub(super) fn form<N: Copy + TryInto<u64>>(
    count: &N,
    one: &'static str,
    few: &'static str,
    many: &'static str,
) -> &'static str {
    let count = (*count).try_into().unwrap_or_default();
    match (count % 10, count % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{English, Ukrainian};

    #[test]
    fn the_greatest_weight_wins_and_the_first_of_equals() {
        for (accepted, language) in [
            ("uk", Some(Ukrainian)),
            ("UK-ua", Some(Ukrainian)),
            ("uk-UA,uk;q=0.9,en-US;q=0.8,en;q=0.7", Some(Ukrainian)),
            ("en-GB, uk", Some(English)),
            ("uk, en", Some(Ukrainian)),
            ("uk;q=0.4, en;q=0.5", Some(English)),
            ("uk;q=0.501, en;q=0.5", Some(Ukrainian)),
            ("de, fr;q=0.9, uk;q=0.1", Some(Ukrainian)),
            ("de;q=0.9 , uk ; Q=0.2", Some(Ukrainian)),
            ("uk-Cyrl-UA", Some(Ukrainian)),
            ("en;q=1.000", Some(English)),
        ] {
            assert_eq!(chosen(accepted), language, "{accepted}");
        }
    }

    #[test]
    fn what_names_none_of_ours_chooses_nothing() {
        for accepted in ["", "*", "de", "de, *;q=0.5", "uk;q=0", "uk;q=0.000", "ukr", "e", ",,;", "*;q=1, pl"]
        {
            assert_eq!(chosen(accepted), None, "{accepted:?}");
        }
    }

    #[test]
    fn a_weight_that_cannot_be_read_counts_for_nothing() {
        for accepted in ["uk;q=2", "uk;q=1.5", "uk;q=-1", "uk;q=0.1234", "uk;q=abc", "uk;q=", "uk;q=0.9.9"] {
            assert_eq!(chosen(&format!("{accepted}, en;q=0.001")), Some(English), "{accepted}");
        }
        let many = "de,".repeat(RANGES_MAX);
        assert_eq!(chosen(&format!("{many}uk")), None, "bounded");
    }

    #[test]
    fn a_noun_goes_with_its_number() {
        let form = |count: usize| form(&count, "one", "few", "many");
        for (count, expected) in [
            (0, "many"),
            (1, "one"),
            (2, "few"),
            (4, "few"),
            (5, "many"),
            (11, "many"),
            (12, "many"),
            (14, "many"),
            (20, "many"),
            (21, "one"),
            (22, "few"),
            (111, "many"),
            (112, "many"),
            (121, "one"),
            (200, "many"),
        ] {
            assert_eq!(form(count), expected, "{count}");
        }
        assert_eq!(super::form(&-1_i64, "one", "few", "many"), "many");
    }
}
