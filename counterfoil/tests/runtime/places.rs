//! Data directories in odd places, and several programs on one.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use nix::sys::signal::Signal;
use nix::unistd::Uid;

use crate::program::{Home, Serving, counterfoil, nothing_is_left_of, output, processes_of};

#[tokio::test]
async fn a_second_program_is_told_that_the_directory_is_in_use() {
    let home = Home::new("shared");
    let serving = Serving::start(&home.data_dir()).await;
    let mut second = counterfoil(&["serve", "--listen", "127.0.0.1:0"]);
    second.arg("--data-dir").arg(home.data_dir());
    let second = output(second);
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("is in use by another counterfoil"), "{said}");
    assert!(said.contains(&format!("(process {})", serving.pid())), "{said}");
    assert!(serving.found().is_some(), "the first is not disturbed");
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_reached_over_loopback_with_a_password() {
    let home = Home::new("long");
    let data_dir = home.path().join("d".repeat(110));
    let serving = Serving::start(&data_dir).await;
    let url = serving.found().unwrap().database_url;
    assert!(url.contains("@127.0.0.1:"), "{url}");
    let mut database = serving.database().await;
    let address: String = sqlx::query_scalar("select current_setting('listen_addresses')")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(address, "127.0.0.1");
    let password = fs::read_to_string(data_dir.join("database.password")).unwrap();
    let wrong = url.replace(&password, "guessed");
    assert!(<sqlx::PgConnection as sqlx::Connection>::connect(&wrong).await.is_err());
    assert_eq!(serving.stop(Signal::SIGTERM).await.code(), Some(0));
    nothing_is_left_of(&data_dir).await;
}

/// Only root's servers run as somebody else, so only root's directories can be closed to them.
#[tokio::test]
async fn a_closed_directory_of_root_keeps_its_servers_elsewhere() {
    let home = Home::new("closed");
    fs::set_permissions(home.path(), Permissions::from_mode(0o700)).unwrap();
    let serving = Serving::start(&home.data_dir()).await;
    let servers = home.data_dir().join("servers");
    if Uid::effective().is_root() {
        assert!(serving.log().contains("servers_elsewhere"), "{}", serving.log());
        let elsewhere = fs::read_link(&servers).unwrap();
        assert!(elsewhere.starts_with("/var/lib/counterfoil"), "{}", elsewhere.display());
        assert_ne!(fs::metadata(elsewhere.join("postgres/data")).unwrap().uid(), 0);
    } else {
        assert!(!servers.is_symlink());
    }
    serving.kill();
    nothing_is_left_of(&home.data_dir()).await;
    let serving = Serving::start(&home.data_dir()).await;
    assert!(!serving.log().contains("servers_elsewhere"), "it is said once");
}

#[tokio::test]
async fn an_abandoned_database_is_never_given_new_keys() {
    let home = Home::new("keyless");
    Serving::start(&home.data_dir()).await.stop(Signal::SIGTERM).await;
    fs::remove_file(home.data_dir().join("keys.json")).unwrap();
    let mut again = counterfoil(&["serve", "--listen", "127.0.0.1:0"]);
    again.arg("--data-dir").arg(home.data_dir());
    let again = output(again);
    let said = String::from_utf8(again.stderr).unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(said.contains("keys.json is missing but its database exists; restore the file"), "{said}");
    assert!(!home.data_dir().join("keys.json").exists());
    assert!(processes_of(&home.data_dir()).is_empty());
}
