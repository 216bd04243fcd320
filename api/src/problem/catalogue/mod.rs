//! What problems say, in every language there is: the one catalogue.
//!
//! A text stands beside its code, with a place in braces for each of its facts. The compiler puts them in: a text that names
//! what it does not have, or leaves out a fact that it has, does not compile, and neither does one that lacks a language.
//! Words that change with a number or with the language stand in brackets behind their text.

mod details;
mod flaws;
mod language;
mod titles;

#[cfg(test)]
mod tests;

pub(crate) use details::Detail;
pub(crate) use flaws::Flaw;
pub(crate) use language::{Language, chosen};

use std::fmt::{self, Display};

/// An enum of texts: `Name { fact: Type }: Code, "English" [word = ...], "Ukrainian" [word = ...];`.
macro_rules! texts {
    ($(#[$doc:meta])* enum $name:ident of $codes:ident; $(
        $text:ident $({ $($fact:ident: $type:ty),+ })?: $code:ident,
            $english:literal $([$($word_en:ident = $make_en:expr),+])?,
            $ukrainian:literal $([$($word_uk:ident = $make_uk:expr),+])?;
    )+) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $($text $({ $($fact: $type),+ })?),+
        }

        impl $name {
            pub(crate) const fn code(&self) -> $codes {
                match self { $(Self::$text $({ $($fact: _),+ })? => $codes::$code),+ }
            }

            fn write(&self, language: Language, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match (language, self) {
                    $(
                        (Language::English, Self::$text $({ $($fact),+ })?) => {
                            $($(let $word_en = $make_en;)+)?
                            write!(f, $english)
                        }
                        (Language::Ukrainian, Self::$text $({ $($fact),+ })?) => {
                            $($(let $word_uk = $make_uk;)+)?
                            write!(f, $ukrainian)
                        }
                    )+
                }
            }

            /// As it reads in a language.
            pub(crate) fn said(&self, language: Language) -> impl fmt::Display + '_ {
                fmt::from_fn(move |f| self.write(language, f))
            }
        }

        #[cfg(test)]
        pub(super) const ALL: &[super::tests::Entry] = &[$(super::tests::Entry {
            name: stringify!($text),
            code: $codes::$code.as_str(),
            english: ($english, &[$($(stringify!($word_en)),+)?]),
            ukrainian: ($ukrainian, &[$($(stringify!($word_uk)),+)?]),
        }),+];
    };
}
use texts;

/// Names as a sentence lists them, the last two with a word between them.
fn listed<'a>(names: &'a [&'static str], last: &'a str) -> impl Display + 'a {
    fmt::from_fn(move |f| {
        for (at, name) in names.iter().enumerate() {
            if at > 0 {
                f.write_str(if at + 1 == names.len() { last } else { ", " })?;
            }
            f.write_str(name)?;
        }
        Ok(())
    })
}
