//! Verification over lawful histories, made by chance: it never calls anything wrong.

use crate::harness::{CREATED, LIMIT, at, dir};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use strandline::fs::{Draws, Fs, MemFs};
use strandline::maintenance::{
    CopyMode, Progress, Redaction, Retention, backup, compact, rebuild, redact,
};
use strandline::{
    AppendOptions, Batch, Durability, Event, IndexLayout, Region, Store, StoreOptions,
};

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Options of one of a few sorts: none may change what verification says.
fn options(fs: &MemFs, draws: &mut Draws) -> StoreOptions {
    let mut options = StoreOptions::new()
        .fs(Arc::new(fs.clone()))
        .segment_bytes_max(64 << 10)
        .payload_bytes_max(4000);
    if draws.below(2) == 0 {
        options = options.background_inline();
    }
    if draws.below(3) == 0 {
        options = options.no_mapped_reads();
    }
    if draws.below(3) == 0 {
        options = options.no_background_checkpoint();
    }
    if draws.below(3) == 0 {
        options = options.no_background_sync();
    }
    match draws.below(3) {
        0 => options.index_layout(IndexLayout::Columns),
        1 => options.index_layout(IndexLayout::Tiles),
        _ => options,
    }
}

fn expect_intact(store: &Store, after: &[String]) {
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:#?} after {after:?}", report.problems);
}

fn name(draws: &mut Draws) -> String {
    match draws.below(20) {
        0 => format!("once:{}", draws.below(1_000_000)),
        _ => format!("entity:{}", draws.below(9)),
    }
}

fn append(store: &Store, draws: &mut Draws) {
    let durability = match draws.below(2) {
        0 => Durability::Synced,
        _ => Durability::Written,
    };
    let options = AppendOptions::new().durability(durability);
    let mut batch = Batch::new();
    for _ in 0..=draws.below(6) {
        let coordinate = at(&name(draws), &format!("scope:{}", draws.below(3)));
        let bytes = vec![b'x'; draws.below(1500) as usize];
        let event = Event::bytes(CREATED, bytes);
        batch.add(
            &coordinate,
            match draws.below(4) {
                0 => event.tagged(format!("tag:{}", draws.below(4))),
                _ => event,
            },
        );
    }
    store.append_batch_with(batch, options).unwrap();
}

fn rules(draws: &mut Draws) -> Retention {
    match draws.below(3) {
        0 => Retention::new().drop_entity(name(draws)),
        1 => Retention::new().drop_entities("once:"),
        _ => Retention::new().keep_newest(1 + draws.below(4) as u32),
    }
}

fn chosen(store: &Store, draws: &mut Draws) -> Redaction {
    let now = store.snapshot();
    let at = draws.below(now.len().max(1)) as usize;
    match now.query(Region::all()).nth(at) {
        Some(event) if draws.below(2) == 0 => Redaction::new().event(event.unwrap().id),
        _ => Redaction::new().entity(name(draws)),
    }
}

struct History {
    fs: MemFs,
    dir: PathBuf,
    copies: u64,
    store: Option<Store>,
    draws: Draws,
    told: Vec<String>,
}

impl History {
    fn open(&mut self) {
        let options = options(&self.fs, &mut self.draws);
        self.store = Some(options.open(&self.dir).unwrap());
    }

    fn kill(&mut self) {
        let image = self.fs.fork();
        self.store = None;
        self.fs = image;
        self.open();
    }

    fn copied(&mut self) -> PathBuf {
        let fs: Arc<dyn Fs> = Arc::new(self.fs.clone());
        // Again into one that there is, or a new one.
        self.copies += self.draws.below(2);
        let target = PathBuf::from(format!("/backup-{}", self.copies));
        let mode = match self.draws.below(2) {
            0 => CopyMode::Copy,
            _ => CopyMode::Link,
        };
        if target == self.dir || backup(&fs, &self.dir, &target, mode, &mut go_on).is_err() {
            // An older copy may be of another course of the log, which is refused.
            self.copies += 1;
            let target = PathBuf::from(format!("/backup-{}", self.copies));
            backup(&fs, &self.dir, &target, mode, &mut go_on).unwrap();
            return target;
        }
        target
    }

    fn step(&mut self) {
        let what = self.draws.below(40);
        self.told.push(format!("{what}"));
        let (store, draws) = (self.store.as_ref().unwrap(), &mut self.draws);
        match what {
            0..=19 => (0..=draws.below(12)).for_each(|_| append(store, draws)),
            20 => drop(store.checkpoint().unwrap()),
            21 => store.sync().unwrap(),
            22..=24 => drop(compact(store, &rules(draws), &mut go_on).unwrap()),
            25..=27 => drop(redact(store, &chosen(store, draws), &mut go_on).unwrap()),
            28..=32 => self.kill(),
            33 => {
                self.store.take().unwrap().close().unwrap();
                self.open();
            }
            34 => {
                self.store = None;
                let options = options(&self.fs, &mut self.draws);
                rebuild(options, &self.dir, &mut go_on).unwrap();
                self.open();
            }
            35 | 36 => {
                let target = self.copied();
                let options = options(&self.fs, &mut self.draws);
                expect_intact(&options.read_only().open(target).unwrap(), &self.told);
            }
            37 => {
                let target = self.copied();
                self.store = None;
                self.dir = target;
                self.open();
            }
            38 => {
                let mut cancelled = 0;
                let after = draws.below(6);
                let mut cancel = |_: Progress| {
                    cancelled += 1;
                    match cancelled > after {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                };
                let _ = compact(store, &rules(draws), &mut cancel);
            }
            _ => {
                let options = options(&self.fs, &mut self.draws);
                let reader = options.read_only().open(&self.dir).unwrap();
                expect_intact(&reader, &self.told);
                let (store, draws) = (self.store.as_ref().unwrap(), &mut self.draws);
                append(store, draws);
                compact(store, &rules(draws), &mut go_on).unwrap();
                expect_intact(&reader, &self.told);
                reader.refresh().unwrap();
                expect_intact(&reader, &self.told);
            }
        }
        if self.draws.below(3) == 0 {
            expect_intact(self.store.as_ref().unwrap(), &self.told);
        }
    }
}

fn count(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given
        .and_then(|given| given.parse().ok())
        .unwrap_or(default)
}

#[test]
fn no_lawful_history_is_called_wrong() {
    let from = count("STRANDLINE_SEED", 0);
    for seed in from..from + count("STRANDLINE_HISTORIES", 6) {
        let mut history = History {
            fs: MemFs::new(),
            dir: dir(),
            copies: 0,
            store: None,
            draws: Draws::new(seed),
            told: vec![format!("seed {seed}")],
        };
        history.open();
        for _ in 0..60 {
            history.step();
        }
        expect_intact(history.store.as_ref().unwrap(), &history.told);
        history.kill();
        expect_intact(history.store.as_ref().unwrap(), &history.told);
    }
}

const APPENDED_BESIDE_MAX: u32 = 20_000;

/// Writers, checkpoints, compactions, redactions, and a reader of another opening, all at once with
/// those who verify.
#[test]
fn what_happens_beside_a_verification_is_not_called_wrong() {
    for seed in 0..count("STRANDLINE_HISTORIES", 2) {
        let fs = MemFs::new();
        let store = options(&fs, &mut Draws::new(seed)).open(dir()).unwrap();
        let mut draws = Draws::new(seed);
        (0..100).for_each(|_| append(&store, &mut draws));
        let is_over = AtomicBool::new(false);
        let (store, is_over) = (&store, &is_over);
        let goes_on = || !is_over.load(Ordering::Acquire);
        std::thread::scope(|scope| {
            for number in 0..2 {
                scope.spawn(move || {
                    let mut draws = Draws::new(1000 + seed * 10 + number);
                    // Not more and more while others have no processor.
                    let events = (0..APPENDED_BESIDE_MAX).take_while(|_| goes_on());
                    events.for_each(|_| append(store, &mut draws));
                });
            }
            scope.spawn(move || {
                let mut draws = Draws::new(2000 + seed);
                while goes_on() {
                    match draws.below(3) {
                        0 => drop(compact(store, &rules(&mut draws), &mut go_on).unwrap()),
                        1 => {
                            let chosen = chosen(store, &mut draws);
                            drop(redact(store, &chosen, &mut go_on).unwrap());
                        }
                        _ => drop(store.checkpoint().unwrap()),
                    }
                }
            });
            let fs = fs.clone();
            let (told, read) = std::sync::mpsc::channel();
            let reader = scope.spawn(move || {
                let mut draws = Draws::new(3000 + seed);
                while goes_on() {
                    let reader = options(&fs, &mut draws).read_only();
                    let Ok(reader) = reader.open(Path::new("/store")) else {
                        continue;
                    };
                    expect_intact(&reader, &[]);
                    let _ = reader.refresh();
                    expect_intact(&reader, &[]);
                    let _ = told.send(());
                }
            });
            let own = scope.spawn(move || {
                for _ in 0..6 {
                    expect_intact(store, &[]);
                }
            });
            let own = own.join();
            let read = read.recv_timeout(LIMIT);
            is_over.store(true, Ordering::Release);
            reader.join().unwrap();
            own.unwrap();
            read.unwrap();
        });
    }
}
