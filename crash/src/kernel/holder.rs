//! A process that reads a store which others write, and holds what it has mapped: a snapshot, and an
//! iterator half way, while they fail, are killed, and open the store again.

use super::process::{Process, Told};
use super::story::{Life, options, say};
use crate::expect::while_held;
use crate::verdict::Violation;
use std::io;
use std::path::Path;
use std::time::Duration;
use strandline::Store;

/// How often it is tried to open a store that is just being made.
const TRIES: u32 = 500;

/// Reads the store, and holds and looks when it is told to.
pub(crate) fn live(dir: &Path, life: Life) -> io::Result<()> {
    let Some(store) = open(dir, life) else {
        return say("refused to open");
    };
    say(&format!("open {}", store.snapshot().len()))?;
    let mut orders = io::stdin().lines();
    while let Some(order) = orders.next() {
        order?;
        // What was there before is held if it fails.
        let _ = store.refresh();
        let looked = while_held(&store.snapshot(), |contents| {
            let said = say(&format!("held {}", contents.len()));
            said.and_then(|()| orders.next().transpose())
        });
        match looked {
            Ok(order) => order?,
            Err(wrong) => return say(&format!("wrong a reader held {wrong}")),
        };
        match store.refresh() {
            Ok(_) => say(&format!("same {}", store.snapshot().len()))?,
            Err(error) => return say(&format!("wrong a reader cannot go on: {error:?}")),
        }
    }
    Ok(())
}

fn open(dir: &Path, life: Life) -> Option<Store> {
    for _ in 0..TRIES {
        let options = options(life.seed, life.life).read_only();
        if let Ok(store) = options.open(dir) {
            return Some(store);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}

/// Such a process, as the one that started it has it.
#[derive(Debug)]
pub(crate) struct Holder {
    process: Process,
    told: Told,
}

impl Holder {
    /// Starts it, and waits until it has opened the store.
    pub(crate) fn start(dir: &Path, life: Life) -> anyhow::Result<Self> {
        let process = Process::start(dir, life, "holder", &[])?;
        let told = Told::default();
        let mut holder = Self { process, told };
        holder.process.wait_open(&mut holder.told);
        Ok(holder)
    }

    /// Has it read everything and hold that; gives how many events there are.
    pub(crate) fn hold(&mut self) -> Result<u64, Violation> {
        self.told.held = None;
        self.order("hold", |told| told.held)
    }

    /// Has it look whether what it holds is as it was; gives how many events it sees then.
    pub(crate) fn look(&mut self) -> Result<u64, Violation> {
        self.told.same = None;
        self.order("look", |told| told.same)
    }

    fn order(&mut self, order: &str, answer: fn(&Told) -> Option<u64>) -> Result<u64, Violation> {
        self.process.tell(order);
        self.process
            .wait_until(&mut self.told, |told| answer(told).is_some());
        if let Some(wrong) = &self.told.wrong {
            return Err(Violation::new(wrong.clone()));
        }
        // A page that the disk has not, or a file that was cut, ends it by a signal.
        answer(&self.told).ok_or_else(|| Violation::new("a reader was ended by what it held"))
    }

    /// Ends it, and with it what it has mapped.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        self.process.kill(self.told).map(drop)
    }
}
