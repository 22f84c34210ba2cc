//! A process that is killed between an append and the answer: the same command again gives the first receipts.

use crate::bank::{Account, Command, accounts};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;
use strandline::Store;
use strandline_aggregate::{Aggregate, CommandId, ExecuteOptions};

const DIR: &str = "STRANDLINE_KILLED_COMMANDS_DIR";
/// How often processes are killed.
const KILLS: u64 = 12;

fn options(number: u64) -> ExecuteOptions {
    ExecuteOptions::new().command_id(CommandId::new(number.to_le_bytes()))
}

/// What the killed process runs: one command after the other, and says before each that it begins.
#[test]
#[ignore = "runs in a process of its own, which is killed"]
fn execute_until_killed() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let store = Arc::new(Store::open(Path::new(&dir)).unwrap());
    let accounts = accounts(&store);
    let mut number = accounts.load("1").unwrap().state.events;
    loop {
        println!("begins {number}");
        accounts
            .execute_with("1", &Command::Deposit(number), &options(number))
            .unwrap();
        number += 1;
    }
}

fn start(dir: &Path) -> Child {
    let test = "killed::execute_until_killed";
    Process::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_killed_process_executes_no_command_twice() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("bank.strand");
    let mut expected = 0;
    for kill in 0..KILLS {
        let mut child = start(&dir);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Killed while some command is under way: which one is for chance.
        let begun = |line: String| line.rsplit_once("begins ")?.1.parse::<u64>().ok();
        let mut seen = 0;
        while seen <= kill % 5 {
            if begun(lines.next().unwrap().unwrap()).is_some() {
                seen += 1;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let last = lines.map_while(Result::ok).filter_map(begun).last();

        let store = Arc::new(Store::open(&dir).unwrap());
        let accounts = accounts(&store);
        let there = accounts.load("1").unwrap().state.events;
        assert!(there >= expected);
        assert!(
            last.is_none_or(|last| last <= there),
            "in order, one by one"
        );
        // The one that was under way may be there or not; asked again, it is, once.
        let number = there.saturating_sub(kill % 2);
        let mut decided = false;
        let done = accounts.decide_with("1", &options(number), |account: &Account| {
            decided = true;
            account.decide(&Command::Deposit(number))
        });
        let done = done.unwrap();
        assert_eq!(done.repeated, number < there);
        assert_eq!(decided, number == there);
        assert_eq!(done.receipts[0].clock, u32::try_from(number).unwrap());
        let state = accounts.load("1").unwrap().state;
        expected = state.events;
        assert_eq!(state.cents, (0..expected).sum::<u64>(), "each of them once");
    }
    assert!(expected > 0);
}
