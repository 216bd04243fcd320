//! What is typed, and what is answered.

use std::fs;
use std::process::Command;

use sqlx::Connection;

use crate::program::{Home, Serving, counterfoil, nothing_is_left_of, output};

/// Exit code and what was said, which must be one line.
fn complaint(command: Command) -> (Option<i32>, String) {
    let answer = output(command);
    let said = String::from_utf8(answer.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    (answer.status.code(), said)
}

#[test]
fn bad_configuration_is_one_line_and_exit_code_2() {
    let with = |name: &str, value: &str| {
        let mut command = counterfoil(&["serve"]);
        command.env(name, value);
        complaint(command)
    };
    for (name, value, said) in [
        ("JWT_SECRET_KEY", "hunter2", "JWT_SECRET_KEY is set, but tokens here are signed with EdDSA"),
        ("JWT_ALGORITHM", "HS256", "JWT_ALGORITHM is set, but tokens here are signed with EdDSA"),
        ("DATABASE_URL", "postgres://me@db/books", "DATABASE_URL is set but NATS_URL is not"),
        ("NATS_URL", "nats://nats:4222", "NATS_URL is set but DATABASE_URL is not"),
        (
            "COUNTERFOIL_LISTEN",
            "nowhere",
            "COUNTERFOIL_LISTEN is \"nowhere\", which is no address: use host:port",
        ),
        ("COUNTERFOIL_LOG", "journal=loudly", "COUNTERFOIL_LOG cannot be read"),
    ] {
        let (code, line) = with(name, value);
        assert_eq!(code, Some(2), "{line}");
        assert!(line.starts_with(&format!("counterfoil: {said}")), "{line}");
        assert!(!line.contains("hunter2"));
    }
}

#[test]
fn a_mistyped_command_is_one_line_and_exit_code_2() {
    let (code, line) = complaint(counterfoil(&["srve"]));
    assert_eq!(code, Some(2));
    assert!(line.contains("unrecognized subcommand 'srve'"), "{line}");
}

#[test]
fn help_names_every_setting_and_shows_no_password() {
    let mut command = counterfoil(&["serve", "--help"]);
    command.env("DATABASE_URL", "postgres://me:hunter2@db/books");
    let help = String::from_utf8(output(command).stdout).unwrap();
    for setting in ["COUNTERFOIL_LISTEN", "COUNTERFOIL_DATA_DIR", "COUNTERFOIL_SELF_DEPOSIT", "DATABASE_URL"]
    {
        assert!(help.contains(setting), "{setting} is missing in\n{help}");
    }
    assert!(!help.contains("hunter2"));
}

#[tokio::test]
async fn migrate_works_beside_a_running_program_and_alone() {
    let home = Home::new("migrate");
    let migrate = || {
        let mut command = counterfoil(&["migrate"]);
        command.arg("--data-dir").arg(home.data_dir());
        let answer = output(command);
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        assert_eq!(String::from_utf8(answer.stdout).unwrap(), "The tables are up to date.\n");
    };
    migrate();
    nothing_is_left_of(&home.data_dir()).await;
    let serving = Serving::start(&home.data_dir()).await;
    migrate();
    let mut database = serving.database().await;
    let head: Option<String> = sqlx::query_scalar("select to_regclass('journal_head')::text")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(head.as_deref(), Some("journal_head"));
    database.close().await.unwrap();
}

#[test]
fn keys_new_makes_a_file_and_keeps_one_that_is_there() {
    let home = Home::new("keys");
    let file = home.path().join("keys.json");
    let make = || {
        let mut command = counterfoil(&["keys", "new"]);
        command.arg(&file);
        let answer = output(command);
        assert!(answer.status.success());
        String::from_utf8(answer.stdout).unwrap()
    };
    assert!(make().starts_with("Made "));
    let before = fs::read(&file).unwrap();
    assert!(make().contains("is already there"));
    assert_eq!(fs::read(&file).unwrap(), before);
}
