//! Openings to read only beside a writer that does not rest.

use crate::harness::{LIMIT, at, event};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use strandline::{
    AppendOptions, Batch, Clock, Durability, Region, Store, StoreOptions, SystemClock,
};

/// Events of a batch.
const MEMBERS: u64 = 3;

/// Appends batches, some synced, until told to stop; notes how many events it has appended.
fn write(store: &Store, appended: &AtomicU64, stop: &AtomicBool) {
    let mut commit = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut batch = Batch::new();
        for member in 0..MEMBERS {
            // Some commits take many pages, and no write of those shows at once.
            let pad = if commit % 7 == 0 { 30_000 } else { 200 };
            let text = format!("{}{}", commit * MEMBERS + member, " ".repeat(pad));
            batch.add(&at(&format!("entity:{member}"), "s"), event(&text));
        }
        commit += 1;
        let durability = match commit % 16 {
            0 => Durability::Synced,
            _ => Durability::Written,
        };
        let options = AppendOptions::new().durability(durability);
        store.append_batch_with(batch, options).unwrap();
        appended.store(commit * MEMBERS, Ordering::Release);
    }
}

/// A reader saw pages of the log at different moments, and took that for damage.
#[test]
fn an_opening_to_read_beside_a_writer_finds_whole_commits_and_no_damage() {
    for segment_bytes_max in [1 << 20, 64 << 20, 1 << 20, 64 << 20] {
        let dir = tempfile::tempdir().unwrap();
        let options = StoreOptions::new().segment_bytes_max(segment_bytes_max);
        let store = options.clone().open(dir.path()).unwrap();
        let (appended, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| write(&store, &appended, &stop));
            // Whatever ends this loop ends the writer.
            let _stop = Stop(&stop);
            let mut whole = 0;
            let clock = SystemClock::default();
            while whole < 12 {
                assert!(clock.elapsed() < LIMIT, "every opening finds a torn commit");
                let before = appended.load(Ordering::Acquire);
                let read = options.clone().read_only().open(dir.path()).unwrap();
                let report = read.open_report();
                // The writer may be stopped in the middle of a commit for longer than anybody looks.
                whole += u32::from(!report.torn_tail);
                let footers_come_later = |notice: &String| {
                    notice.contains("has no footer") || notice.contains("ends torn")
                };
                assert!(report.notices.iter().all(footers_come_later), "{report}");
                let seen = read.snapshot().len();
                assert!(before <= seen, "{before} were appended, {seen} are seen");
                assert_eq!(seen % MEMBERS, 0, "a batch is whole");
                let newest: Vec<_> = read
                    .snapshot()
                    .query(Region::all())
                    .rev()
                    .take(20)
                    .map(|event| event.unwrap())
                    .collect();
                for (event, number) in newest.iter().zip((0..seen).rev()) {
                    let text = String::from_utf8_lossy(event.payload().unwrap());
                    assert_eq!(text.trim_end(), number.to_string());
                }
                assert!(report.proven_durable.get() <= seen);
                assert!(!writer.is_finished());
            }
        });
        store.close().unwrap();
    }
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
