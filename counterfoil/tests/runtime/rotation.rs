//! Keys that change beside a running program: nobody is locked out, and nothing becomes unreadable.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::{Value, json};
use testkit::eventually;

use crate::program::{Home, Serving, counterfoil, output};

const PASSWORD: &str = "correct horse battery staple";

/// What the command said, a line for each key.
fn rotate(data_dir: &Path, flags: &[&str]) -> Vec<String> {
    let mut command = counterfoil(&["keys", "rotate"]);
    command.arg("--data-dir").arg(data_dir).args(flags);
    let answer = output(command);
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    String::from_utf8(answer.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn ring(data_dir: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(data_dir.join("keys.json")).unwrap()).unwrap()
}

async fn register(serving: &Serving, name: &str) {
    let new = json!({ "username": name, "email": format!("{name}@example.com"), "password": PASSWORD });
    let (status, body) = serving.ask("POST", "/auth/register", "", &new).await;
    assert_eq!(status, 201, "{body}");
}

async fn token(serving: &Serving, name: &str) -> String {
    let login = json!({ "username": name, "password": PASSWORD });
    let (status, body) = serving.ask("POST", "/auth/login", "", &login).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["user"]["email"], format!("{name}@example.com"), "personal data opens");
    body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn c38_data_keys_are_wrapped_anew_beside_a_running_program() {
    let home = Home::new("rotate");
    let data_dir = home.data_dir();
    let serving = Serving::start(&data_dir).await;
    for name in ["ada", "eve", "bob"] {
        register(&serving, name).await;
    }
    let old = ring(&data_dir)["active"].as_str().unwrap().to_owned();

    let said = rotate(&data_dir, &[]);
    let new = ring(&data_dir)["active"].as_str().unwrap().to_owned();
    assert_ne!(new, old);
    assert_eq!(
        said,
        [format!("{new} wraps 3 data keys and wraps new ones"), format!("{old} wraps 0 data keys")]
    );
    assert_eq!(fs::metadata(data_dir.join("keys.json")).unwrap().mode() & 0o777, 0o600);

    // The program has not been told: it finds the key when it meets it, and uses it for who comes now.
    token(&serving, "ada").await;
    register(&serving, "joe").await;
    let said = rotate(&data_dir, &["--finish"]);
    assert_eq!(said[0], format!("{new} wraps 4 data keys and wraps new ones"));
    assert_eq!(ring(&data_dir)["active"], json!(new), "no other key was added");
    token(&serving, "joe").await;
}

#[tokio::test]
async fn only_keys_that_wrap_nothing_are_dropped() {
    let home = Home::new("drop");
    let data_dir = home.data_dir();
    let serving = Serving::start(&data_dir).await;
    register(&serving, "ada").await;
    let said = rotate(&data_dir, &["--prepare"]);
    let next = ring(&data_dir)["next"].as_str().unwrap().to_owned();
    assert_eq!(said[1], format!("{next} wraps 0 data keys; the next rotation makes it active"));
    rotate(&data_dir, &["--drop-unused"]);
    assert_eq!(ring(&data_dir)["next"], json!(next), "one that is to come is not unused");

    // Long ago, as far as the file knows.
    let mut unused = ring(&data_dir);
    unused.as_object_mut().unwrap().remove("next");
    fs::write(data_dir.join("keys.json"), unused.to_string()).unwrap();
    let said = rotate(&data_dir, &["--drop-unused"]);
    assert_eq!(said.last().unwrap(), &format!("{next} wrapped nothing and is gone"));
    assert_eq!(ring(&data_dir)["keys"].as_object().unwrap().len(), 1);
    token(&serving, "ada").await;
}

#[tokio::test]
async fn c22_another_key_signs_without_a_restart() {
    let home = Home::new("signing");
    let data_dir = home.data_dir();
    let serving = Serving::start(&data_dir).await;
    register(&serving, "ada").await;
    let before = token(&serving, "ada").await;
    let published = async || {
        let (_, keys) = serving.ask("GET", "/.well-known/jwks.json", "", &Value::Null).await;
        keys["keys"].as_array().unwrap().len()
    };
    assert_eq!(published().await, 1);

    assert!(rotate(&data_dir, &["--signing"])[0].contains(" is published from now on and signs from "));
    eventually("the pending key is published", async || published().await == 2).await;
    let mut again = counterfoil(&["keys", "rotate", "--signing"]);
    again.arg("--data-dir").arg(&data_dir);
    let refused = output(again);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("a signing key is waiting already"));

    let (status, _) = serving.ask("GET", "/auth/me", &before, &Value::Null).await;
    assert_eq!(status, 200);
    token(&serving, "ada").await;
}
