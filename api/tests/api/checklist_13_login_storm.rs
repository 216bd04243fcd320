//! Everybody signs in at once: a queue with an end, and nobody else notices.

use crate::house::House;
use futures::future::join_all;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const MIB: u64 = 1024 * 1024;
/// What one hash takes, and what all the rest of a storm may.
const HASH: u64 = 19 * MIB;
const REST: u64 = 50 * MIB;

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c13_two_hundred_logins_at_once_leave_health_fast_and_memory_bounded() {
    let house = Arc::new(House::open().await);
    let mut people = Vec::new();
    for _ in 0..10 {
        people.push(house.person().await.name);
    }
    let places = std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1));
    let before = resident();
    let is_over = Arc::new(AtomicBool::new(false));

    let watch = {
        let (house, is_over) = (house.clone(), is_over.clone());
        tokio::spawn(async move {
            let (mut times, mut most) = (Vec::new(), 0);
            while !is_over.load(Ordering::Relaxed) {
                let began = Instant::now();
                house.get("/health").send().await.expect(200);
                times.push(began.elapsed());
                most = resident().max(most);
            }
            (times, most)
        })
    };
    let storm = (0..200).map(|n| {
        let house = house.clone();
        // Half are somebody, half are nobody.
        let name = if n % 2 == 0 { people[n / 2 % people.len()].clone() } else { format!("nobody{n}") };
        tokio::spawn(async move {
            let body = json!({ "username": name, "password": crate::house::PASSWORD });
            house.post("/auth/login").json(&body).send().await
        })
    });
    let answers: Vec<_> = join_all(storm).await.into_iter().map(Result::unwrap).collect();
    is_over.store(true, Ordering::Relaxed);
    let (mut times, most) = watch.await.unwrap();

    let served = answers.iter().filter(|answered| answered.status == 200).count();
    assert!(served > 0);
    for answered in &answers {
        match answered.status {
            200 | 401 => {}
            _ => {
                answered.problem(503, "unavailable");
            }
        }
    }
    times.sort();
    let slow = times[times.len() * 99 / 100];
    assert!(slow < Duration::from_millis(100), "{slow:?} of {}", times.len());
    let bound = before + HASH * u64::try_from(places).unwrap() + REST;
    assert!(most < bound, "{} MiB of {} MiB", most / MIB, bound / MIB);
}
