//! Whatever is killed, nothing is left behind and nothing is lost.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testkit::eventually;

use crate::program::{Home, Serving, nothing_is_left_of, processes_of};

#[tokio::test]
async fn kill_9_leaves_no_process_and_loses_nothing() {
    let home = Home::new("kill9");
    let serving = Serving::start(&home.data_dir()).await;
    let mut database = serving.database().await;
    sqlx::query("create table kept (text text)").execute(&mut database).await.unwrap();
    sqlx::query("insert into kept values ('still here')").execute(&mut database).await.unwrap();
    let keys = fs::read(home.data_dir().join("keys.json")).unwrap();
    let users = fs::read(home.data_dir().join("nats.json")).unwrap();
    assert!(!processes_of(&home.data_dir()).is_empty());
    serving.kill();
    nothing_is_left_of(&home.data_dir()).await;
    assert!(home.data_dir().join("runtime.json").exists(), "a crash leaves it; the next start does not mind");

    let serving = Serving::start(&home.data_dir()).await;
    let mut database = serving.database().await;
    let text: String = sqlx::query_scalar("select text from kept").fetch_one(&mut database).await.unwrap();
    assert_eq!(text, "still here");
    assert_eq!(fs::read(home.data_dir().join("keys.json")).unwrap(), keys);
    assert_eq!(
        fs::read(home.data_dir().join("nats.json")).unwrap(),
        users,
        "subscribers find it where it was"
    );
}

#[tokio::test]
async fn a_start_right_after_kill_9_does_not_meet_the_dying_servers() {
    let home = Home::new("again");
    for _ in 0..5 {
        let serving = Serving::start(&home.data_dir()).await;
        assert_eq!(serving.log().matches("server_down").count(), 0, "{}", serving.log());
        serving.kill();
    }
    nothing_is_left_of(&home.data_dir()).await;
}

#[tokio::test]
async fn kill_9_in_the_middle_of_the_first_start_is_survived() {
    let home = Home::new("halfway");
    let postgres = home.data_dir().join("servers/postgres");
    let half_made = || {
        let entries = fs::read_dir(&postgres).into_iter().flatten().filter_map(Result::ok);
        let mut names = entries.map(|entry| entry.path());
        names.any(|path| is_half_made(&path) && path.join("base/1").exists())
    };
    let made = || postgres.join("data").exists();
    let moments: [(&str, &dyn Fn() -> bool); 2] =
        [("initdb is at work", &half_made), ("initdb is done", &made)];
    for (moment, reached) in moments {
        let mut serving = Serving::spawn(&home.data_dir(), |_command| {});
        eventually(moment, async || {
            serving.must_be_alive();
            reached()
        })
        .await;
        serving.kill();
        nothing_is_left_of(&home.data_dir()).await;
    }
    let _serving = Serving::start(&home.data_dir()).await;
    let left: Vec<_> = fs::read_dir(&postgres)
        .unwrap()
        .filter(|entry| is_half_made(&entry.as_ref().unwrap().path()))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

fn is_half_made(path: &Path) -> bool {
    path.file_name().unwrap().to_str().unwrap().starts_with("data.new-")
}

#[tokio::test]
async fn a_pid_file_that_names_a_living_stranger_is_no_obstacle() {
    let home = Home::new("stale");
    let serving = Serving::start(&home.data_dir()).await;
    let pid_file = home.data_dir().join("servers/postgres/data/postmaster.pid");
    let stale = fs::read_to_string(&pid_file).unwrap();
    serving.kill();
    nothing_is_left_of(&home.data_dir()).await;
    // The number in the file now belongs to another program of the same user: PostgreSQL itself would give up.
    let data = home.data_dir().join("servers/postgres/data");
    let owner = fs::metadata(&data).unwrap();
    let mut stranger = Command::new("sleep");
    stranger.arg("600");
    if nix::unistd::Uid::effective().is_root() {
        stranger.uid(owner.uid()).gid(owner.gid());
    }
    let mut stranger = stranger.spawn().unwrap();
    let (_, rest) = stale.split_once('\n').unwrap();
    fs::write(&pid_file, format!("{}\n{rest}", stranger.id())).unwrap();

    let serving = Serving::start(&home.data_dir()).await;
    assert_eq!(serving.log().matches("server_down").count(), 0, "{}", serving.log());
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger is left alone");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn a_server_that_dies_is_started_again_where_it_was() {
    let home = Home::new("restart");
    let mut serving = Serving::start(&home.data_dir()).await;
    let before = serving.found().unwrap();
    let postmaster = first_number(&home.data_dir().join("servers/postgres/data/postmaster.pid"));
    let nats =
        processes_of(&home.data_dir()).into_iter().find(|found| found.contains("nats-server")).unwrap();
    let nats = nats.split(' ').next().unwrap().parse::<i32>().unwrap();
    for pid in [postmaster, nats] {
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
    eventually("both servers are noticed to be down", async || {
        serving.log().matches("server_down").count() == 2
    })
    .await;
    eventually("the database is back", async || {
        serving.must_be_alive();
        <sqlx::PgConnection as sqlx::Connection>::connect(&before.database_url).await.is_ok()
    })
    .await;
    eventually("NATS is back", async || Serving::nats(&before.nats_url).await.is_ok()).await;
    assert_eq!(serving.stop(Signal::SIGTERM).await.code(), Some(0));
}

fn first_number(pid_file: &Path) -> i32 {
    fs::read_to_string(pid_file).unwrap().lines().next().unwrap().trim().parse().unwrap()
}
