//! What the bodies of these commands say. Each reads into what is wanted of a wallet, whose currency the amounts are in.

use crate::input::{Check, Raw, is_absent};
use crate::problem::Flaw;
use commands::Bounds;
use commands::wallets::{Aim, CaptureWish};
use domain::wallet::{Lease, Movement};
use domain::{CaptureId, Currency, EntryId, Reference, Username, WalletId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// What every one of them may say of the state it is meant for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoundsForm<'a> {
    pub(crate) expected_version: Raw<'a>,
    pub(crate) min_available_after: Raw<'a>,
    pub(crate) max_available_after: Raw<'a>,
}

macro_rules! forms {
    ($($(#[$attr:meta])* $name:ident { $($(#[$field_attr:meta])* $field:ident,)* })+) => {$(
        #[derive(Default, Deserialize, ToSchema)]
        $(#[$attr])*
        pub(crate) struct $name<'a> {
            $($(#[$field_attr])* pub(crate) $field: Raw<'a>,)*
            /// Only if the wallet, or the hold in the path, is at this version: the same as `If-Match`.
            #[serde(borrow)]
            #[schema(value_type = Option<i64>, minimum = 0, example = 7)]
            pub(crate) expected_version: Raw<'a>,
            /// Only if at least so much is available afterwards.
            #[schema(value_type = Option<String>, pattern = "^[0-9]{1,18}(\\.[0-9]{1,18})?$", example = "0.00")]
            pub(crate) min_available_after: Raw<'a>,
            /// Only if at most so much is available afterwards.
            #[schema(value_type = Option<String>, pattern = "^[0-9]{1,18}(\\.[0-9]{1,18})?$", example = "1000000.00")]
            pub(crate) max_available_after: Raw<'a>,
        }

        impl<'a> $name<'a> {
            pub(crate) const fn bounds(&self) -> BoundsForm<'a> {
                let Self { expected_version, min_available_after, max_available_after, .. } = *self;
                BoundsForm { expected_version, min_available_after, max_available_after }
            }
        }
    )+};
}

forms! {
    /// A deposit or a withdrawal.
    #[schema(as = MovementRequest)]
    MovementForm {
        /// A decimal string, or a JSON number that is an integer.
        #[schema(value_type = String, required, pattern = "^[0-9]{1,18}(\\.[0-9]{1,18})?$", example = "12.34")]
        amount,
        /// The wallet's own, if left out.
        #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9]{3,10}$", example = "USD")]
        currency,
        /// What it is for, up to 140 characters.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 140, example = "invoice 7")]
        reference,
    }

    #[schema(as = TransferRequest)]
    TransferForm {
        /// A decimal string, or a JSON number that is an integer.
        #[schema(value_type = String, required, pattern = "^[0-9]{1,18}(\\.[0-9]{1,18})?$", example = "12.34")]
        amount,
        /// The wallet's own, if left out.
        #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9]{3,10}$", example = "USD")]
        currency,
        /// What it is for, up to 140 characters: both sides read it.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 140, example = "rent")]
        reference,
        /// A wallet's id, or the username of whoever has a wallet in this currency.
        #[schema(value_type = String, required, min_length = 3, max_length = 36, example = "grace")]
        to,
    }

    #[schema(as = HoldRequest)]
    HoldForm {
        /// A decimal string, or a JSON number that is an integer.
        #[schema(value_type = String, required, pattern = "^[0-9]{1,18}(\\.[0-9]{1,18})?$", example = "12.34")]
        amount,
        /// The wallet's own, if left out.
        #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9]{3,10}$", example = "USD")]
        currency,
        /// What it is for, up to 140 characters.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 140, example = "order 7")]
        reference,
        /// It expires by itself after so many seconds, unless it is extended: at most thirty days.
        #[schema(value_type = i64, required, minimum = 1, maximum = 2_592_000, example = 900)]
        ttl_seconds,
    }

    #[schema(as = CaptureRequest)]
    CaptureForm {
        /// What tells this capture from others of the hold, up to 64 characters. The same one again is answered as it was,
        /// whatever its Idempotency-Key.
        #[schema(value_type = String, required, min_length = 1, max_length = 64, example = "fill-1")]
        capture_id,
        /// All that is left, if it is left out.
        #[schema(value_type = Option<String>, pattern = "^[0-9]{1,18}(\\.[0-9]{1,18})?$", example = "4.00")]
        amount,
        /// Whether what is left afterwards is released at once.
        #[serde(rename = "final")]
        #[schema(value_type = Option<bool>, example = false)]
        is_final,
    }

    /// Nothing has to be said.
    #[schema(as = ReleaseRequest)]
    ReleaseForm {}

    #[schema(as = AmendRequest)]
    AmendForm {
        /// The new total, with what is captured already.
        #[schema(value_type = String, required, pattern = "^[0-9]{1,18}(\\.[0-9]{1,18})?$", example = "20.00")]
        amount,
    }

    #[schema(as = ExtendRequest)]
    ExtendForm {
        /// From now on; never to an earlier end than it has.
        #[schema(value_type = i64, required, minimum = 1, maximum = 2_592_000, example = 900)]
        ttl_seconds,
    }

    #[schema(as = ReverseRequest)]
    ReverseForm {
        /// Why, up to 140 characters.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 140, example = "booked twice")]
        reference,
        /// An admin's own, for what is another's, if their last sign-in is longer ago than a few minutes.
        #[schema(value_type = Option<String>, format = Password, max_length = 1024, example = "correct horse battery staple")]
        current_password,
    }
}

impl BoundsForm<'_> {
    pub(super) fn read(self, check: &mut Check, currency: Currency) -> Bounds {
        Bounds {
            expected_version: check.integer("/expected_version", self.expected_version, 0..=i64::MAX),
            min_available_after: check.optional_balance(
                "/min_available_after",
                self.min_available_after,
                currency,
            ),
            max_available_after: check.optional_balance(
                "/max_available_after",
                self.max_available_after,
                currency,
            ),
        }
    }
}

impl MovementForm<'_> {
    /// The currency it names, for who has to find the wallet by it. One that is not valid is refused with the rest.
    pub(crate) fn named_currency(&self) -> Option<Currency> {
        Check::default().optional("/currency", self.currency, Currency::parse)
    }

    pub(crate) fn movement(&self, check: &mut Check, wallet: Currency) -> Option<Movement> {
        movement(check, self.amount, self.currency, self.reference, wallet)
    }
}

impl TransferForm<'_> {
    pub(crate) fn aim(&self, check: &mut Check, wallet: Currency) -> Option<Aim> {
        let movement = movement(check, self.amount, self.currency, self.reference, wallet);
        let to = check.required("/to", self.to, recipient);
        Some(Aim::Transfer { to: to?, movement: movement? })
    }
}

impl HoldForm<'_> {
    pub(crate) fn aim(&self, check: &mut Check, wallet: Currency) -> Option<Aim> {
        let movement = movement(check, self.amount, self.currency, self.reference, wallet);
        let lease = lease(check, self.ttl_seconds);
        Some(Aim::Hold { movement: movement?, lease: lease? })
    }
}

impl CaptureForm<'_> {
    pub(crate) fn aim(&self, check: &mut Check, hold: EntryId, currency: Currency) -> Option<Aim> {
        let capture_id = check.required("/capture_id", self.capture_id, CaptureId::parse);
        let amount = check.optional_amount("/amount", self.amount, currency);
        let is_final = check.switch("/final", self.is_final).unwrap_or(false);
        Some(Aim::Capture(CaptureWish { hold: hold.sequence, capture_id: capture_id?, amount, is_final }))
    }
}

impl AmendForm<'_> {
    pub(crate) fn aim(&self, check: &mut Check, hold: EntryId, currency: Currency) -> Option<Aim> {
        let amount = check.amount("/amount", self.amount, currency)?;
        Some(Aim::Amend { hold: hold.sequence, amount })
    }
}

impl ExtendForm<'_> {
    pub(crate) fn aim(&self, check: &mut Check, hold: EntryId) -> Option<Aim> {
        let lease = lease(check, self.ttl_seconds)?;
        Some(Aim::Extend { hold: hold.sequence, lease })
    }
}

fn movement(
    check: &mut Check,
    amount: Raw<'_>,
    currency: Raw<'_>,
    reference: Raw<'_>,
    wallet: Currency,
) -> Option<Movement> {
    let named = check.optional("/currency", currency, Currency::parse);
    let currency = named.unwrap_or(wallet);
    let amount = check.amount("/amount", amount, currency);
    let reference = check.optional("/reference", reference, Reference::parse);
    Some(Movement { amount: amount?, currency, reference })
}

fn lease(check: &mut Check, ttl_seconds: Raw<'_>) -> Option<Lease> {
    if is_absent(ttl_seconds) {
        check.missing("/ttl_seconds");
    }
    let seconds = check.integer("/ttl_seconds", ttl_seconds, 1..=i64::from(Lease::SECONDS_MAX))?;
    Lease::of_seconds(seconds).ok()
}

/// In one spelling, so that a repeat which is spelt otherwise is the same request. What has the form of an id is one; no
/// username is as long.
fn recipient(text: &str) -> Result<String, Flaw> {
    let text = text.trim();
    if text.len() == Hyphenated::LENGTH
        && let Ok(id) = Uuid::try_parse(text)
    {
        return Ok(WalletId(id).to_string());
    }
    Ok(Username::parse(text)?.normalised())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;

    fn read<T>(take: impl FnOnce(&mut Check) -> Option<T>) -> Result<T, Problem> {
        let mut check = Check::default();
        match take(&mut check) {
            Some(value) if check.is_clean() => Ok(value),
            _ => Err(check.into_problem()),
        }
    }

    fn movement(json: &str) -> Result<Movement, Problem> {
        let form: MovementForm<'_> = serde_json::from_str(json).unwrap();
        read(|check| form.movement(check, Currency::USD))
    }

    fn codes(problem: &Problem) -> Vec<(String, String)> {
        let body: serde_json::Value = serde_json::from_slice(&problem.write(
            &mut axum::http::HeaderMap::new(),
            "r",
            crate::problem::Language::English,
        ))
        .unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let errors = body["errors"].as_array().unwrap().iter();
        errors.map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
    }

    #[test]
    fn the_wallets_currency_is_meant_unless_another_is_named() {
        assert_eq!(movement(r#"{"amount": "1.50"}"#).unwrap().amount.minor(), 150);
        let eth = movement(r#"{"amount": "1.5", "currency": "eth"}"#).unwrap();
        assert_eq!((eth.currency.code(), eth.amount.scale()), ("ETH", 18));
    }

    #[test]
    fn an_amount_and_a_reference_are_refused_together() {
        let problem = movement(r#"{"amount": 12.5, "currency": "XYZ", "reference": "a\u0000"}"#).unwrap_err();
        let found: Vec<String> = codes(&problem).into_iter().map(|(_, code)| code).collect();
        assert_eq!(found, ["unknown_currency", "not_an_integer", "control_character"]);
    }

    #[test]
    fn whoever_is_meant_is_meant_in_any_spelling() {
        assert_eq!(recipient(" Ada.L ").unwrap(), "ada.l");
        let id = "0199F3A2-7C11-7E4B-9D3A-5B2F6C8E1A02";
        assert_eq!(recipient(id).unwrap(), id.to_lowercase());
        let name = "0199f3a27c117e4b9d3a5b2f6c8e1a02";
        assert_eq!(recipient(name).unwrap(), name, "32 digits may be a name");
        for bad in ["", "ad", "ada lovelace", "{0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a0}"] {
            assert!(recipient(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_hold_says_how_long_it_lasts() {
        let hold = |json: &str| {
            let form: HoldForm<'_> = serde_json::from_str(json).unwrap();
            read(|check| form.aim(check, Currency::USD)).map(drop)
        };
        assert!(hold(r#"{"amount": 1, "ttl_seconds": 2592000}"#).is_ok());
        for (json, code) in [
            (r#"{"amount": 1}"#, "required"),
            (r#"{"amount": 1, "ttl_seconds": null}"#, "required"),
            (r#"{"amount": 1, "ttl_seconds": 0}"#, "out_of_range"),
            (r#"{"amount": 1, "ttl_seconds": 2592001}"#, "out_of_range"),
            (r#"{"amount": 1, "ttl_seconds": 1.5}"#, "not_an_integer"),
            (r#"{"amount": 1, "ttl_seconds": "60"}"#, "wrong_type"),
        ] {
            assert_eq!(
                codes(&hold(json).unwrap_err()),
                [("/ttl_seconds".to_owned(), code.to_owned())],
                "{json}"
            );
        }
    }

    #[test]
    fn what_is_to_be_left_may_be_nothing_and_is_no_less() {
        let bounds = |json: &str| {
            let form: ReleaseForm<'_> = serde_json::from_str(json).unwrap();
            let mut check = Check::default();
            let bounds = form.bounds().read(&mut check, Currency::USD);
            check.finish().map(|()| bounds).map_err(|problem| codes(&problem))
        };
        let read = bounds(r#"{"expected_version": 7, "min_available_after": "0", "max_available_after": 5}"#);
        let read = read.unwrap();
        assert_eq!(read.expected_version, Some(7));
        assert_eq!(read.min_available_after.map(|money| money.to_string()), Some("0.00".to_owned()));
        assert_eq!(read.max_available_after.map(|money| money.to_string()), Some("5.00".to_owned()));
        for bad in [
            r#"{"min_available_after": "-1"}"#,
            r#"{"min_available_after": "0.001"}"#,
            r#"{"max_available_after": 0.5}"#,
            r#"{"expected_version": "7"}"#,
            r#"{"expected_version": -1}"#,
        ] {
            assert_eq!(bounds(bad).unwrap_err().len(), 1, "{bad}");
        }
    }
}
