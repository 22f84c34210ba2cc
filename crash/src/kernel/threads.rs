//! A process whose threads append and wait in every way until the disk fails to write; what the store
//! tells each of them then, and afterwards.

use super::content::Content;
use super::story::{Life, options, say};
use crate::expect::while_held;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;
use strandline::{
    AppendOptions, Batch, Coordinate, Durability, Error, ErrorKind, Receipt, Region, Store,
    StoreOptions,
};

/// Longest that a thread may wait once another was told of the failure.
const WOKEN_WITHIN: Duration = Duration::from_secs(300);
/// Appends in a row that may be refused before a thread gives up.
const REFUSALS: u32 = 500;
/// The number of whoever appends after the store was opened again, as that of a thread.
pub(super) const AGAIN: u32 = 50;
/// How many events that one appends.
const AGAIN_EVENTS: u64 = 50;
/// Calls of each sort after the failure.
const CALLS_AFTER: usize = 40;

/// The ways to append and to wait, each in a thread.
#[derive(Debug, Clone, Copy)]
enum Way {
    Append,
    Batch,
    Submit,
    WriteAndWait,
}

const WAYS: [Way; 4] = [Way::Append, Way::Batch, Way::Submit, Way::WriteAndWait];

struct Thread<'a> {
    store: &'a Store,
    seed: u64,
    /// Its number, and that of its entity.
    number: u32,
    /// Whether any call was told that the store stopped.
    stopped: &'a AtomicBool,
}

/// The entity of a thread.
pub(crate) fn coordinate(thread: u32) -> Coordinate {
    let entity = format!("thread:{thread}");
    Coordinate::new(&entity, "s").unwrap_or_else(|error| panic!("{error}"))
}

/// The event of a thread with that clock.
pub(crate) const fn content(thread: u32, clock: u64) -> Content {
    Content {
        life: thread,
        first: clock,
        count: 1,
        number: clock,
    }
}

impl Thread<'_> {
    fn event(&self, clock: u64) -> strandline::Event {
        content(self.number, clock).event(self.seed)
    }

    /// Appends an event, and returns when it is synced.
    fn append(&self, way: Way, clock: u64) -> Result<(), Error> {
        let (store, at, event) = (self.store, coordinate(self.number), self.event(clock));
        match way {
            Way::Append => store.append(&at, event).map(drop),
            Way::Batch => store.append_batch(Batch::new().push(&at, event)).map(drop),
            Way::Submit => store.submit(&at, event)?.wait().map(drop),
            Way::WriteAndWait => {
                let options = AppendOptions::new().durability(Durability::Written);
                store.wait_durable(&store.append_with(&at, event, options)?)
            }
        }
    }

    /// Appends until the store stops; says what was acknowledged.
    fn run(&self, way: Way) -> Result<(), String> {
        let mut clock = 0;
        let mut refused = 0;
        loop {
            let was_stopped = self.stopped.load(Ordering::SeqCst);
            match self.append(way, clock) {
                Ok(()) if was_stopped => return Err("an append succeeded after it".to_owned()),
                Ok(()) => {
                    clock += 1;
                    refused = 0;
                    // Nobody listens: nobody is left to be told.
                    if say(&format!("thread {} {clock}", self.number)).is_err() {
                        return Ok(());
                    }
                }
                Err(error) if is_final(&error) => {
                    self.stopped.store(true, Ordering::SeqCst);
                    return Ok(());
                }
                // The file system is read only by now, and every append is refused for good.
                Err(error) if error.kind() == ErrorKind::NotWritten && refused == REFUSALS => {
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::NotWritten => {
                    refused += 1;
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => return Err(format!("a call gave {error:?}")),
            }
        }
    }
}

/// Whether an error says that the store stopped.
fn is_final(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unknown | ErrorKind::Poisoned)
}

/// Appends until the disk fails, and says what happened then; then opens the store again, if it is told
/// to, while it holds what it had mapped.
pub(crate) fn live(dir: &Path, life: Life) -> io::Result<()> {
    let store = match options_of(life).open(dir) {
        Ok(store) => store,
        Err(error) => return say(&format!("refused {:?}", error.kind())),
    };
    say("open 0")?;
    let said = until_stopped(&store, life.seed).and_then(|is_stopped| match is_stopped {
        true => stays_stopped(&store),
        false => Ok("refused for good".to_owned()),
    });
    let is_stopped = match said {
        Ok(said) => {
            say(&said)?;
            said.starts_with("stopped")
        }
        Err(wrong) => return say(&format!("wrong {wrong}")),
    };
    let snapshot = store.snapshot();
    let held = while_held(&snapshot, |contents| {
        if store.close().is_ok() && is_stopped {
            return say("wrong the close of a store that stopped succeeded");
        }
        say(&format!("held {}", contents.len()))?;
        let mut order = String::new();
        io::stdin().read_line(&mut order)?;
        if order.trim_end() != "again" {
            return Ok(());
        }
        match open_again(dir, life, &mut |line| say(line)) {
            Ok(()) => Ok(()),
            Err(wrong) => say(&format!("wrong {wrong}")),
        }
    });
    match held {
        Ok(done) => done,
        Err(wrong) => say(&format!("wrong what was held changed, {wrong}")),
    }
}

pub(super) fn options_of(life: Life) -> StoreOptions {
    options(life.seed, life.life).segment_bytes_max(1 << 20)
}

/// Opens a store whose disk has failed in the same mount, appends, and closes it; says how many events
/// it showed and what was acknowledged.
pub(super) fn open_again(
    dir: &Path,
    life: Life,
    say: &mut dyn FnMut(&str) -> io::Result<()>,
) -> Result<(), String> {
    let alone = |error: io::Error| format!("nobody listens: {error}");
    let store = match options_of(life).open(dir) {
        Ok(store) => store,
        // The file system is read only by now.
        Err(error) if error.kind() == ErrorKind::Io => return Ok(()),
        Err(error) => return Err(format!("it does not open again: {error:?}")),
    };
    say(&format!("shown {}", store.snapshot().len())).map_err(alone)?;
    for clock in 0..AGAIN_EVENTS {
        let event = content(AGAIN, clock).event(life.seed);
        match store.append(&coordinate(AGAIN), event) {
            Ok(receipt) if receipt.durable => {}
            answer => return Err(format!("opened again, append {clock} gave {answer:?}")),
        }
        say(&format!("thread {AGAIN} {}", clock + 1)).map_err(alone)?;
    }
    let closed = store.close();
    closed.map_err(|error| format!("opened again, its close gave {error:?}"))
}

/// Returns once every thread was told that the store stopped, or is refused for good; whether it
/// stopped.
fn until_stopped(store: &Store, seed: u64) -> Result<bool, String> {
    let stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (ended, ends) = mpsc::channel();
        for (number, way) in (0..).zip(WAYS) {
            let stopped = &stopped;
            let ended = ended.clone();
            scope.spawn(move || {
                let thread = Thread {
                    store,
                    seed,
                    number,
                    stopped,
                };
                // The one who waits may have gone.
                let _ = ended.send(thread.run(way));
            });
        }
        for _ in WAYS {
            match ends.recv_timeout(WOKEN_WITHIN) {
                Ok(ended) => ended?,
                Err(_) => {
                    // Its thread would never end, and so this process neither.
                    let _ = say("wrong a thread that waits was not told of the failure");
                    std::process::exit(1);
                }
            }
        }
        Ok(stopped.load(Ordering::SeqCst))
    })
}

/// Everything that a store owes after a failure that is final.
fn stays_stopped(store: &Store) -> Result<String, String> {
    let stats = || store.stats().map_err(|error| format!("no counts: {error}"));
    let first = stats()?;
    if first.poisoned.is_none() {
        return Err("it stopped and does not say so".to_owned());
    }
    let at = coordinate(99);
    let event = || content(99, 0).event(0);
    let written = AppendOptions::new().durability(Durability::Written);
    let unsynced = newest(store);
    for call in 0..CALLS_AFTER {
        let answers = [
            store.append(&at, event()).map(drop),
            store.append_with(&at, event(), written).map(drop),
            store
                .append_batch(Batch::new().push(&at, event()))
                .map(drop),
            store.submit(&at, event()).map(drop),
            store.sync(),
            store.checkpoint().map(drop),
        ];
        for (place, answer) in answers.iter().enumerate() {
            if !matches!(answer, Err(error) if error.kind() == ErrorKind::Poisoned) {
                return Err(format!("then call {call}.{place} gave {answer:?}"));
            }
        }
        if let Some(receipt) = unsynced.filter(|receipt| receipt.sequence >= first.durable) {
            let waited = store.wait_durable(&receipt);
            if !matches!(&waited, Err(error) if is_final(error)) {
                return Err(format!("then a wait gave {waited:?}"));
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let then = stats()?;
    if then.durable != first.durable || then.visible != first.visible {
        let (was, is) = (first.durable, then.durable);
        return Err(format!("the durable mark went from {was} to {is} after it"));
    }
    let now = store.snapshot();
    let unreadable = now.query(Region::all()).filter(Result::is_err).count();
    Ok(format!(
        "stopped {} {unreadable} {}",
        first.durable,
        now.len()
    ))
}

/// A receipt of the newest visible event, made from the event.
fn newest(store: &Store) -> Option<Receipt> {
    let now = store.snapshot();
    let event = now.query(Region::all()).next_back()?.ok()?;
    Some(Receipt {
        id: event.id,
        sequence: event.sequence,
        clock: event.clock,
        hlc: event.hlc,
        hash: event.hash,
        durable: false,
        replicated: false,
        repeated: false,
    })
}
