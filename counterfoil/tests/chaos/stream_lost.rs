//! The stream is only a mirror: what of it is lost under load is there again afterwards, at the same sequences.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::eventually;

use crate::harness::house::{Embedded, Given};
use crate::harness::load::Town;
use crate::harness::{Dice, Scale, home, stream, trial};

const WORK_PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_deleted_under_load_is_made_again() {
    let scale = Scale::of("stream deleted");
    let mut dice = scale.dice();
    let house = Embedded::new("deleted", &mut dice);
    let program = house.start.serve().await;
    let mut town = Town::found(&[house.node()], &mut dice).await;
    let load = town.load(Duration::ZERO);
    let operator = house.nats("counterfoil");
    for _ in 0..scale.rounds(2, 10) {
        town.record.more_answers(dice.between(100, 600), WORK_PATIENCE).await;
        eventually("there is a stream", async || stream::last(&operator).await.is_some()).await;
        stream::delete(&operator).await;
    }
    load.stop(&town).await;
    trial::hold(&mut town, &house.database_url(), &house.nats("subscriber")).await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_the_broker_lost_is_published_again() {
    let scale = Scale::of("tail lost");
    let mut dice = scale.dice();
    let mut house = Given::new("tail").await;
    let node = house.node("node", &mut dice, &house.database_url);
    let program = node.serve().await;
    let mut town = Town::found(&[node.listen], &mut dice).await;
    let load = town.load(Duration::ZERO);
    for round in 0..scale.rounds(2, 8) {
        let backup = house.nats.store().with_extension(format!("backup-{round}"));
        town.record.more_answers(dice.between(100, 500), WORK_PATIENCE).await;
        house.nats.stop();
        home::copy(&house.nats.store(), &backup);
        house.nats.restart().await;
        town.record.more_answers(dice.between(100, 500), WORK_PATIENCE).await;
        let access = house.access();
        eventually("the stream goes on", async || stream::last(&access).await.is_some_and(|last| last > 0))
            .await;
        // As after a power cut: what was on disk earlier is all there is, or the last write is torn.
        house.nats.kill();
        if round % 2 == 0 {
            home::restore(&backup, &house.nats.store());
        } else {
            let cut = tear_last_block(&house.nats.store(), &mut dice);
            scale.say(&format!("cut {cut} bytes off the stream's last block"));
        }
        house.nats.restart().await;
        fs::remove_dir_all(&backup).unwrap();
    }
    load.stop(&town).await;
    trial::hold(&mut town, &house.database_url, &house.access()).await;
    program.stop().await;
}

/// Cuts the file that the server wrote to last, in the middle of whatever it holds.
fn tear_last_block(store: &Path, dice: &mut Dice) -> u64 {
    let mut blocks = Vec::new();
    collect_blocks(store, &mut blocks);
    let number = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap_or(0);
    let last = blocks.into_iter().max_by_key(number).unwrap();
    let length = fs::metadata(&last).unwrap().len();
    let cut = dice.between(1, length.min(20_000));
    File::options().write(true).open(&last).unwrap().set_len(length - cut).unwrap();
    cut
}

fn collect_blocks(directory: &Path, blocks: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_blocks(&path, blocks);
        } else if path.extension().is_some_and(|extension| extension == "blk")
            && path.parent().is_some_and(|parent| parent.ends_with("msgs"))
        {
            blocks.push(path);
        }
    }
}
