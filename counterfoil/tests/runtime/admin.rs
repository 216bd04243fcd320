//! Users made at the command line: on a fresh machine, and beside a program that runs.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use testkit::eventually;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::program::{Home, Serving, counterfoil, nothing_is_left_of};

const PASSWORD: &str = "correct horse battery staple";

/// Runs `admin create` with this on its standard input.
fn create(data_dir: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = counterfoil(&["admin", "create"]);
    command.args(arguments).arg("--data-dir").arg(data_dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// The id that was printed, alone on its line.
fn id(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout.clone()).unwrap();
    let id = printed.strip_suffix('\n').unwrap();
    assert!(uuid::Uuid::try_parse(id).is_ok(), "{printed:?}");
    id.to_owned()
}

async fn post(serving: &Serving, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
    let mut stream = TcpStream::connect(serving.found().unwrap().listen).await.unwrap();
    let (body, token) = (body.to_string(), token.map(|token| format!("authorization: Bearer {token}\r\n")));
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n{}content-length: {}\r\n\r\n{body}",
        token.unwrap_or_default(),
        body.len(),
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

async fn login(serving: &Serving, username: &str) -> Value {
    let (status, body) =
        post(serving, "/auth/login", None, &json!({ "username": username, "password": PASSWORD })).await;
    assert_eq!(status, 200, "{body}");
    body
}

#[tokio::test]
async fn the_first_admin_is_made_before_anything_runs_and_others_beside_it() {
    let home = Home::new("admin");
    let data_dir = home.data_dir();
    let root = ["--username", "boss", "--email", "boss@example.com"];
    let boss = id(&create(&data_dir, &root, &format!("{PASSWORD}\n")));
    nothing_is_left_of(&data_dir).await;

    let serving = Serving::start(&data_dir).await;
    let signed_in = login(&serving, "boss").await;
    assert_eq!((&signed_in["user"]["id"], &signed_in["user"]["roles"]), (&json!(boss), &json!(["admin"])));
    let token = signed_in["access_token"].as_str().unwrap();
    let (status, found) = post(&serving, "/users/search", Some(token), &json!({})).await;
    assert_eq!(status, 200, "{found}");

    // While it runs and leads.
    let service = ["--role", "service", "--username", "orders", "--email", "orders@example.com"];
    let password_file = home.path().join("password");
    std::fs::write(&password_file, format!("{PASSWORD}\r\n")).unwrap();
    let from_file: Vec<&str> =
        service.into_iter().chain(["--password-file", password_file.to_str().unwrap()]).collect();
    let orders = id(&create(&data_dir, &from_file, ""));
    let signed_in = login(&serving, "orders").await;
    assert_eq!(
        (&signed_in["user"]["id"], &signed_in["user"]["roles"]),
        (&json!(orders), &json!(["service"]))
    );

    // Who is there already is given the role, and needs no password for it.
    let token = signed_in["access_token"].as_str().unwrap();
    let unnamed = ["--role", "admin", "--username", "whoever", "--email", "ORDERS@example.com"];
    let refused = create(&data_dir, &unnamed, "");
    assert_eq!(refused.status.code(), Some(2), "anybody may have registered it");
    assert!(String::from_utf8(refused.stderr).unwrap().contains("--existing"));
    let again: Vec<&str> = unnamed.into_iter().chain(["--existing"]).collect();
    assert_eq!(id(&create(&data_dir, &again, "")), orders);
    eventually("the old token is worth nothing", async || {
        post(&serving, "/users/search", Some(token), &json!({})).await.0 == 401
    })
    .await;
    let signed_in = login(&serving, "orders").await;
    assert_eq!(signed_in["user"]["roles"], json!(["service", "admin"]));
    let unchanged = create(&data_dir, &again, "");
    assert_eq!(id(&unchanged), orders);
    assert!(String::from_utf8(unchanged.stderr).unwrap().contains("already"));
    assert!(serving.stop(Signal::SIGTERM).await.success());
    nothing_is_left_of(&data_dir).await;
}

#[tokio::test]
async fn what_cannot_be_made_is_said_in_one_line() {
    let home = Home::new("admin-bad");
    let data_dir = home.data_dir();
    let complaint = |arguments: &[&str], input: &str| {
        let output = create(&data_dir, arguments, input);
        let said = String::from_utf8(output.stderr).unwrap();
        let last = said.lines().last().unwrap_or_default().to_owned();
        assert!(output.stdout.is_empty());
        (output.status.code(), last)
    };
    let (code, said) = complaint(&["--username", "x", "--email", "boss@example.com"], PASSWORD);
    assert_eq!(code, Some(2));
    assert_eq!(said, "counterfoil: --username cannot be taken: it must be at least 3 characters long");
    let (code, said) = complaint(&["--username", "boss", "--email", "boss"], PASSWORD);
    assert_eq!((code, said.contains("is not an e-mail address")), (Some(2), true), "{said}");
    let good = ["--username", "boss", "--email", "boss@example.com"];
    for (password, wrong) in
        [("", "there is no password"), ("password123", "tried first"), ("short", "at least 8")]
    {
        let (code, said) = complaint(&good, password);
        assert_eq!((code, said.contains(wrong)), (Some(2), true), "{said}");
        assert!(password.is_empty() || !said.contains(password));
    }
    id(&create(&data_dir, &good, PASSWORD));
    let (code, said) = complaint(&["--username", "BOSS", "--email", "other@example.com"], PASSWORD);
    assert_eq!((code, said.contains("the username is taken")), (Some(1), true), "{said}");
    nothing_is_left_of(&data_dir).await;
}
