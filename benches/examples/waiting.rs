//! What one caller costs the others, and what waits: `cargo run --release -p strandline-benches
//! --example waiting -- condition | fast | compact | redact | merge`.
//!
//! - `condition`: appends beside a caller whose conditions have 1 to 1,000 regions, at 1,000 segments.
//! - `fast`: a writer of 64 KiB segments for 15 seconds: descriptors, memory, how long a close takes.
//! - `compact`: 600 compactions of a store that keeps 300 events.
//! - `redact`: a full segment of the shortest events; `redact 1073741824` for segments of 1 GiB.
//! - `merge`: appends to 2,000,000 entities in segments of 16 MiB, while blocks of the index are merged and while
//!   none are; `merge 4000000` for so many.

use anyhow::Context;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use strandline::maintenance::{Redaction, Retention, compact, redact};
use strandline::{
    AppendCondition, AppendOptions, Batch, Coordinate, Durability, Event, EventKind, Region,
    Sequence, Store, StoreOptions,
};

const KIND: EventKind = EventKind::new(1, 1);

fn main() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path().join("store");
    let mut args = std::env::args().skip(1);
    let number = |arg: Option<String>, default| arg.map_or(Ok(default), |arg| arg.parse());
    match args.next().as_deref() {
        Some("condition") => condition(&dir, number(args.next(), 1_000)?),
        Some("fast") => fast(&dir),
        Some("compact") => compactions(&dir),
        Some("redact") => redaction(&dir, number(args.next(), 256 << 20)?),
        Some("merge") => merges(&dir, number(args.next(), 4_000_000)?),
        _ => anyhow::bail!("condition, fast, compact, redact or merge?"),
    }
}

fn written() -> StoreOptions {
    StoreOptions::new()
        .durability(Durability::Written)
        .segment_bytes_max(64 << 10)
}

#[expect(clippy::disallowed_methods, reason = "measures")]
fn now() -> Instant {
    Instant::now()
}

fn condition(dir: &Path, segments: u64) -> anyhow::Result<()> {
    let store = written().open(dir)?;
    for number in 0..segments * 6 {
        let at = Coordinate::new(format!("entity:{number}"), "s")?;
        let event = Event::bytes(KIND, vec![0; 10 << 10]).tagged(format!("tag:{number}"));
        store.append(&at, event)?;
    }
    store.sync()?;
    println!("{} segments", store.stats()?.segments);
    for regions in [0, 1, 100, 1_000] {
        beside(&store, regions)?;
    }
    Ok(())
}

/// Appends for some seconds beside a thread that appends on a condition of so many regions.
fn beside(store: &Store, regions: usize) -> anyhow::Result<()> {
    let none = AppendCondition::since(Sequence::ZERO);
    let condition = (0..regions).fold(none, |condition, number| {
        condition.none_in(Region::all().tag(format!("nobody:{number}")))
    });
    let is_over = AtomicBool::new(false);
    let mut took = Vec::new();
    let conditional = std::thread::scope(|scope| {
        let conditional = scope.spawn(|| {
            let mut took = Vec::new();
            let at = Coordinate::new("conditional", "s")?;
            while !is_over.load(Ordering::Acquire) {
                let begun = now();
                let options = AppendOptions::new().condition(&condition);
                store.append_with(&at, Event::bytes(KIND, *b"x"), options)?;
                took.push(begun.elapsed());
            }
            anyhow::Ok(took)
        });
        let at = Coordinate::new("beside", "s")?;
        let begun = now();
        while begun.elapsed() < Duration::from_secs(6) {
            let begun = now();
            store.append(&at, Event::bytes(KIND, *b"x"))?;
            took.push(begun.elapsed());
            std::thread::sleep(Duration::from_micros(200));
        }
        is_over.store(true, Ordering::Release);
        conditional.join().ok().context("a thread panicked")?
    })?;
    println!(
        "{regions} regions: beside {} | conditional {}",
        percentiles(took),
        percentiles(conditional)
    );
    Ok(())
}

fn percentiles(mut took: Vec<Duration>) -> String {
    took.sort();
    let at = |share: f64| {
        let at = (took.len() as f64 * share) as usize;
        took.get(at.min(took.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    };
    format!(
        "p50 {:?} p99 {:?} max {:?} ({})",
        at(0.5),
        at(0.99),
        at(1.0),
        took.len()
    )
}

#[expect(clippy::disallowed_methods, reason = "looks at this process")]
fn process() -> String {
    let descriptors = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        kib.unwrap_or(0_u64) / 1024
    };
    format!(
        "{descriptors} descriptors, {} MiB of its own, peak {} MiB",
        of("RssAnon"),
        of("VmHWM")
    )
}

fn fast(dir: &Path) -> anyhow::Result<()> {
    let store = written().open(dir)?;
    let begun = now();
    let (mut events, mut told) = (0_u64, 0);
    let mut took = Vec::new();
    while begun.elapsed() < Duration::from_secs(15) {
        let at = Coordinate::new(format!("entity:{}", events % 100), "s")?;
        let one = now();
        store.append(&at, Event::bytes(KIND, *b"a short event"))?;
        took.push(one.elapsed());
        events += 1;
        if begun.elapsed().as_secs() / 3 > told {
            told += 1;
            let segments = store.stats()?.segments;
            println!(
                "{} s: {events} events, {segments} segments, {}",
                told * 3,
                process()
            );
        }
    }
    println!("an append: {}", percentiles(took));
    let begun = now();
    store.close()?;
    println!("close took {:?}", begun.elapsed());
    Ok(())
}

fn compactions(dir: &Path) -> anyhow::Result<()> {
    let store = StoreOptions::new()
        .durability(Durability::Written)
        .open(dir)?;
    let begun = now();
    let mut took = Vec::new();
    for round in 0..600 {
        for number in 0..300 {
            let at = Coordinate::new(format!("entity:{}", number % 10), "s")?;
            store.append(&at, Event::bytes(KIND, vec![0; 100]))?;
        }
        let rules = Retention::new().keep_newest(30);
        let one = now();
        compact(&store, &rules, &mut |_| ControlFlow::Continue(()))?;
        took.push(one.elapsed());
        if round % 100 == 99 {
            let stats = store.stats()?;
            let fresh = now();
            store.append(
                &Coordinate::new(format!("new:{round}"), "s")?,
                Event::bytes(KIND, *b"x"),
            )?;
            println!(
                "{}: {} events, {} segments, {} KiB, a new entity {:?}",
                round + 1,
                stats.events,
                stats.segments,
                stats.bytes_on_disk >> 10,
                fresh.elapsed()
            );
        }
    }
    println!(
        "in {:?}; a compaction: {}",
        begun.elapsed(),
        percentiles(took)
    );
    Ok(())
}

fn redaction(dir: &Path, bytes: u64) -> anyhow::Result<()> {
    let store = written().segment_bytes_max(bytes).open(dir)?;
    let mut number = 0_u64;
    while store.stats()?.segments < 2 {
        let mut batch = Batch::new();
        for _ in 0..50_000 {
            let at = Coordinate::new(format!("entity:{}", number % 1_000), "s")?;
            batch = batch.push(&at, Event::bytes(KIND, *b""));
            number += 1;
        }
        store.append_batch(batch)?;
    }
    store.close()?;
    let store = written().segment_bytes_max(bytes).open(dir)?;
    println!("{number} events: {}", process());
    let begun = now();
    let one = Redaction::new().entity("entity:7");
    let done = redact(&store, &one, &mut |_| ControlFlow::Continue(()))?;
    println!("{done:?}");
    println!("in {:?}: {}", begun.elapsed(), process());
    Ok(())
}

/// Whether a merge is at work: its file has another name until it is whole.
#[expect(clippy::disallowed_methods, reason = "looks at a store from outside")]
fn is_merging(dir: &Path) -> bool {
    let names = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names = names.map(|entry| entry.file_name());
    names.any(|name| name.to_string_lossy().ends_with(".idx.tmp"))
}

/// Appends one by one, and tells appends while a merge was at work from the others.
fn merges(dir: &Path, events: u64) -> anyhow::Result<()> {
    let options = StoreOptions::new().durability(Durability::Written);
    let options = options.no_background_sync().segment_bytes_max(16 << 20);
    let store = options.open(dir)?;
    let (merging, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    let (mut beside, mut alone) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) {
                merging.store(is_merging(dir), Ordering::Release);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let mut appends = || {
            let mut state = 1_u64;
            for _ in 0..events {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let at = Coordinate::new(format!("cart:{:09}", (state >> 33) % 2_000_000), "s")?;
                let event = Event::bytes(KIND, vec![0; 300]);
                let one = now();
                store.append(&at, event)?;
                let took = one.elapsed();
                match merging.load(Ordering::Acquire) {
                    true => beside.push(took),
                    false => alone.push(took),
                }
            }
            anyhow::Ok(())
        };
        let appended = appends();
        is_over.store(true, Ordering::Release);
        appended
    })?;
    let stats = store.stats()?;
    println!(
        "{} segments, {} merges, {} MiB written by them",
        stats.segments,
        stats.merges,
        stats.merged_bytes_written >> 20
    );
    println!("while merging: {}", percentiles(beside));
    println!("otherwise: {}", percentiles(alone));
    Ok(())
}
