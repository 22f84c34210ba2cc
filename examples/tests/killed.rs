//! The read model of the example `read_model_sqlite`, in processes that are killed while they count: what is
//! counted in the end is what was ordered.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use example::{OrderPlaced, ReadModel, order};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use strandline::{Batch, Coordinate, Event, Store};

#[path = "../examples/read_model_sqlite.rs"]
#[expect(dead_code, reason = "the example runs by itself too")]
mod example;

const DIR: &str = "STRANDLINE_READ_MODEL_DIR";
const ORDERS: u32 = 3000;
/// Makes a line as long as a page, so that a process is some 16 transactions ahead of who reads its lines at most.
const FILL: &str = "";
const PRODUCTS: [&str; 3] = ["tea", "coffee", "milk"];

/// What the killed process runs: it says how many it counted after each transaction, and ends once it finds no
/// more.
#[test]
#[ignore = "runs in a process of its own, which is killed"]
fn count_until_killed() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    let store = Store::open(dir.join("shop.strand")).unwrap();
    let mut model = ReadModel::open(&store, &dir.join("shop.sqlite")).unwrap();
    loop {
        let counted = model.step(7, Duration::ZERO).unwrap();
        println!("counted {counted} {FILL:4096}");
        if counted == 0 {
            return;
        }
    }
}

/// Runs a process that counts and kills it after so many transactions and a little; says whether it came to its end
/// before.
fn kill_after(dir: &Path, transactions: u64, late: Duration) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "count_until_killed", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut seen = 0;
    for line in output.lines() {
        // What is written while the pipe is closed may be cut.
        let Ok(line) = line else { break };
        seen += u64::from(line.contains("counted "));
        // At whatever it does then, early or late in a transaction: it does not wait for whoever reads.
        if seen == transactions {
            std::thread::sleep(late);
            child.kill().unwrap();
        }
    }
    child.wait().unwrap().success()
}

#[test]
fn each_order_is_counted_once_however_often_the_process_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut ordered = BTreeMap::new();
    let mut batch = Batch::new();
    let store = Store::open(dir.path().join("shop.strand")).unwrap();
    for number in 0..ORDERS {
        let product = PRODUCTS[number as usize % PRODUCTS.len()];
        *ordered.entry(product).or_insert(0) += number;
        let (product, pieces) = (product.to_owned(), number);
        let order = Coordinate::new(format!("order:{number}"), "shop").unwrap();
        let event = Event::typed(&OrderPlaced { product, pieces }).unwrap();
        batch = batch.push(&order, event);
    }
    store.append_batch(batch).unwrap();
    store.close().unwrap();

    let mut kills = 0;
    let late = |kills| Duration::from_micros(kills * 37 % 300);
    while !kill_after(dir.path(), 1 + kills % 5, late(kills)) {
        kills += 1;
        assert!(kills <= u64::from(ORDERS), "each process counts some");
    }
    assert!(kills >= 15, "{kills} kills are too few to tell");

    let store = Store::open(dir.path().join("shop.strand")).unwrap();
    let model = ReadModel::open(&store, &dir.path().join("shop.sqlite")).unwrap();
    for (product, pieces) in ordered {
        assert_eq!(model.pieces(product).unwrap(), pieces, "{product}");
    }
}

#[test]
fn of_two_processes_one_counts() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("shop.strand")).unwrap();
    let file = dir.path().join("shop.sqlite");
    order(&store, 0, "tea", 2).unwrap();
    let mut one = ReadModel::open(&store, &file).unwrap();
    let mut other = ReadModel::open(&store, &file).unwrap();
    assert_eq!(one.step(10, Duration::ZERO).unwrap(), 1);
    assert!(other.step(10, Duration::ZERO).is_err());
    assert_eq!(other.pieces("tea").unwrap(), 2);
}

#[test]
fn in_another_store_it_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.sqlite");
    let store = Store::open(dir.path().join("shop.strand")).unwrap();
    order(&store, 0, "tea", 2).unwrap();
    let mut model = ReadModel::open(&store, &file).unwrap();
    assert_eq!(model.step(10, Duration::ZERO).unwrap(), 1);
    drop(model);

    let other = Store::open(dir.path().join("other.strand")).unwrap();
    order(&other, 0, "milk", 3).unwrap();
    let mut model = ReadModel::open(&other, &file).unwrap();
    assert_eq!(model.step(10, Duration::ZERO).unwrap(), 1);
    assert_eq!(
        (model.pieces("tea").unwrap(), model.pieces("milk").unwrap()),
        (0, 3)
    );
}
