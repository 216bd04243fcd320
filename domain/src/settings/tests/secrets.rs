//! What is sealed leaves a change before anybody sees it.

use super::*;

#[test]
fn secrets_leave_a_change_before_anybody_sees_them() {
    let mut patch = value(
        r#"{"telegram":{"token":"123456:ABCDEF-canary","chat_id":null,"authorized_users":["11","22"],"enabled":true}}"#,
    );
    let taken = take_secrets(&mut patch);
    assert_eq!(patch.to_string(), r#"{"telegram":{"enabled":true}}"#);
    assert!(!format!("{taken:?}").contains("canary") && taken.flaws.is_empty());
    let hints: Vec<Option<String>> = taken.changes.iter().map(|(_, change)| change.hint()).collect();
    assert_eq!(hints, [Some("…nary".to_owned()), None, Some("…2".to_owned())]);
    let mut bad = value(r#"{"telegram":{"token":7,"chat_id":"a b","authorized_users":["1","1",1]}}"#);
    let pointers: Vec<String> = take_secrets(&mut bad).flaws.into_iter().map(|flaw| flaw.pointer).collect();
    assert_eq!(
        pointers,
        [
            "/telegram/token",
            "/telegram/chat_id",
            "/telegram/authorized_users/1",
            "/telegram/authorized_users/2"
        ]
    );
    let mut forbidden =
        value(r#"{"exchange":{"secret":"canary","name":"binance"},"webhook":{"url":"canary"}}"#);
    without_forbidden(&mut forbidden);
    let left = r#"{"exchange":{"name":"binance","secret":null},"webhook":{"url":null}}"#;
    assert_eq!(forbidden.to_string(), left);
}

#[test]
fn each_secret_has_a_form_of_its_own_and_an_example_of_it() {
    let flaws =
        |name: &str, json: &str| take_secrets(&mut value(&at(&format!("/telegram/{name}"), json))).flaws;
    let long = format!("\"1:{}\"", "x".repeat(255));
    for (name, good, bad, example) in [
        (
            "token",
            &["\"4839574812:AAFD39kk-dpWt3_canary\"", "\"1:a\""][..],
            &["\"\"", "\"short\"", "\":a\"", "\"1:\"", "\"x:abc\"", "\"1:a b\"", "\"1:a:b\"", &long][..],
            "4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac60qc",
        ),
        (
            "chat_id",
            &["\"7\"", "\"-1001234567890\""],
            &[
                "\"abc\"",
                "\"@channel\"",
                "\"-\"",
                "\"--1\"",
                "\"1.5\"",
                "\"007\"",
                "\"12345678901234567890\"",
            ],
            "-1001234567890",
        ),
        ("authorized_users", &["[\"42424242\"]", "[]"], &["[\"ada\"]", "[\"-7\"]", "[\"\"]"], "1234567"),
    ] {
        for json in good {
            assert_eq!(flaws(name, json), [], "{name} {json}");
        }
        for json in bad {
            let flaws = flaws(name, json);
            let told: Vec<_> = flaws.iter().map(|flaw| (flaw.code, &*flaw.expected)).collect();
            assert_eq!(told, [(FlawCode::NotAPattern, example)], "{name} {json}");
        }
        let example =
            if name == "authorized_users" { format!("[\"{example}\"]") } else { format!("\"{example}\"") };
        assert_eq!(flaws(name, &example), [], "{name}");
    }
}
