//! Whatever is sent.

use super::*;
use proptest::prelude::*;
use rust_decimal::Decimal;

/// JSON that fits a key.
fn fitting(kind: Kind) -> BoxedStrategy<String> {
    let number = |from: f64, to: f64| (from..to).prop_map(|n| format!("{n:.4}")).boxed();
    match kind {
        Kind::Switch => any::<bool>().prop_map(|on| on.to_string()).boxed(),
        Kind::Integer(from, _) => (from..from + 50).prop_map(|n| n.to_string()).boxed(),
        Kind::Number(_, "1") => number(0.0, 1.0),
        Kind::Number(_, "0.5") => number(0.0, 0.5),
        Kind::Number(..) => number(0.0, 99_999.0),
        Kind::Between(..) => number(-0.99, -0.001),
        Kind::Choice(words) => prop::sample::select(words).prop_map(|word| format!("\"{word}\"")).boxed(),
        Kind::Asset => "\"[A-Z0-9]{2,10}\"".boxed(),
        Kind::Digits => "\"[0-9]{1,20}\"".boxed(),
        Kind::Stake => prop_oneof![number(0.001, 1e6), Just("\"unlimited\"".to_owned())].boxed(),
        Kind::Wallet => prop_oneof![number(0.0, 1e6), Just(r#"{"BTC":0.1,"EUR":7}"#.to_owned())].boxed(),
        Kind::Returns => (0..1_000, -0.5..0.5_f64).prop_map(|(m, r)| format!("{{\"{m}\":{r:.3}}}")).boxed(),
        Kind::Notice => {
            prop_oneof![Just("\"off\"".to_owned()), Just(r#"{"roi":"silent"}"#.to_owned())].boxed()
        }
        Kind::Pairs => "\\[\"[A-Z]{2,5}/USDT\"\\]".boxed(),
        Kind::Pairlists => Just(r#"[{"method":"StaticPairList"},{"method":"AgeFilter"}]"#.to_owned()).boxed(),
        Kind::Sealed(_) => Just("null".to_owned()).boxed(),
    }
}

fn a_patch() -> impl Strategy<Value = String> {
    (0..ENTRIES.len()).prop_flat_map(|index| {
        let entry = &ENTRIES[index];
        prop_oneof![3 => fitting(entry.kind), 1 => Just("null".to_owned())]
            .prop_map(move |json| at(entry.pointer, &json))
    })
}

proptest! {
    /// What is refused changes nothing; what is accepted is sound, exported and read back to the last digit.
    #[test]
    fn settings_stay_sound(patches in prop::collection::vec(a_patch(), 1..40)) {
        let mut settings = Settings::built_in().clone();
        for patch in patches {
            if let Ok(after) = patched(&settings, &patch) {
                settings = after;
            }
            prop_assert_eq!(patched(&settings, "{}"), Ok(settings.clone()));
            let stored = serde_json::to_string(&settings).unwrap();
            prop_assert_eq!(&Settings::parse(&stored).unwrap(), &settings);
            let imported = import(&value(&settings.export(Placeholders::Env { authorized_users: true })));
            let again = with(&settings, Settings::built_in(), &imported.patch, How::Replace, Known::default());
            prop_assert_eq!(again, Ok(settings.clone()));
        }
    }

    /// Any JSON at all is answered, and what is taken is what was sent.
    #[test]
    fn any_value_anywhere_is_answered(index in 0..ENTRIES.len(), json in "(\\[[1-9][0-9]{0,2}\\]|\"[a-z/:0-9.-]{0,8}\"|-?[1-9][0-9]{0,30}(\\.[0-9]{1,30})?|-?[0-9]\\.[0-9]{1,16}|[1-9]\\.[0-9]{1,30}e-?[0-9]{1,2}|\\{\"x\":1\\})") {
        let Entry { pointer, kind, .. } = &ENTRIES[index];
        let after = match patched(Settings::built_in(), &at(pointer, &json)) {
            Ok(after) => after,
            Err(Declined::Invalid(flaws)) => {
                prop_assert!(!flaws.is_empty());
                return Ok(());
            }
            Err(Declined::Forbidden(barred)) => panic!("{barred:?}"),
        };
        prop_assert_eq!(&Settings::parse(&serde_json::to_string(&after).unwrap()).unwrap(), &after);
        let kept = after.get(pointer);
        if matches!(kind, Kind::Sealed(_)) {
            prop_assert_eq!(kept, None);
        } else if let Some(Value::Number(number)) = kept {
            // Read by another reader, which refuses what it would have to round.
            let (base, exponent) = json.trim_matches('"').split_once('e').unwrap_or((json.trim_matches('"'), "0"));
            let (base, exponent) = (Decimal::from_str_exact(base).unwrap(), exponent.parse::<i32>().unwrap());
            let tens = (0..exponent.abs()).fold(Decimal::ONE, |tens, _| tens * Decimal::TEN);
            let (left, right) = if exponent < 0 { (base, *number * tens) } else { (base * tens, *number) };
            prop_assert_eq!(left, right, "{}", json);
        } else {
            prop_assert_eq!(kept, Some(&value(&json)));
        }
    }
}
