//! What is damaged or gone of a consumer: it is told, nobody begins anew in silence, and a reset mends it.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and damages real files"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::{Coordinate, Event, EventKind, EventRef, Query, Receipt, Region, Store};
use strandline_live::{ApplyError, Condition, EntityProjection, ErrorKind, Failure, Live};

/// Only ends a test that hangs.
const LONG: Duration = Duration::from_secs(300);

fn open(dir: &Path) -> Live {
    Live::open(&Arc::new(Store::open(dir).unwrap())).unwrap()
}

fn append(live: &Live, entity: &str) -> Receipt {
    let coordinate = Coordinate::new(entity, "eu").unwrap();
    let event = Event::bytes(EventKind::new(1, 1), *b"x");
    live.store().append(&coordinate, event).unwrap()
}

/// The folder of the only consumer.
fn folder(live: &Live) -> PathBuf {
    let mut entries = fs::read_dir(live.dir()).unwrap();
    entries.next().unwrap().unwrap().path()
}

struct Counts;

impl EntityProjection for Counts {
    const VERSION: u32 = 3;
    type State = u64;

    fn query(&self) -> Query {
        Region::all().into()
    }

    fn apply(&self, count: &mut u64, _: &EventRef<'_>) -> Result<(), ApplyError> {
        *count += 1;
        Ok(())
    }
}

/// Handles everything to an event in two partitions.
fn handle(live: &Live, last: &Receipt) -> Result<(), strandline_live::Error> {
    let mailer = live.reactor("mailer", Region::all()).partitions(2);
    let mailer = mailer.start(|_, _| Ok(()))?;
    assert!(mailer.wait_until(last, LONG)?);
    mailer.stop()
}

/// Folds everything in two partitions.
fn count(live: &Live) -> Result<u64, strandline_live::Error> {
    let counts = live.entity_projection("counts", Counts).partitions(2);
    let counts = counts.start()?;
    assert!(counts.wait_caught_up(LONG)?);
    let mut sum = 0;
    counts.read_all(|_, count| sum += count)?;
    counts.stop()?;
    Ok(sum)
}

fn shop(dir: &Path) -> (Live, Receipt) {
    let live = open(&dir.join("shop"));
    let receipts = (0..20).map(|number| append(&live, &format!("e:{number}")));
    let last = receipts.collect::<Vec<_>>().pop().unwrap();
    (live, last)
}

#[test]
fn a_partition_whose_directory_is_gone_is_told_and_not_begun_anew_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let (live, last) = shop(dir.path());
    handle(&live, &last).unwrap();
    let partition = folder(&live).join("v1/1");
    fs::remove_dir_all(&partition).unwrap();

    let refused = [
        live.status("mailer").unwrap_err(),
        handle(&live, &last).unwrap_err(),
        live.replay("mailer", None).unwrap_err(),
        live.wait_until("mailer", &append(&live, "e"), LONG)
            .unwrap_err(),
    ];
    for error in &refused[..3] {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains("reset"), "{error}");
    }
    assert!(!partition.exists(), "nobody has made it");

    let to = live.store().snapshot();
    let to = to.position(to.visible()).unwrap();
    assert!(live.reset("mailer", Some(to)).unwrap().is_done().unwrap());
    let status = live.status("mailer").unwrap();
    assert_eq!((status.condition, status.behind), (Condition::Stopped, 0));
    handle(&live, &last).unwrap();
    let handled = live.status("mailer").unwrap();
    assert_eq!(
        handled.partitions[1].counters.handled, 0,
        "it went on there"
    );
}

#[test]
fn all_partitions_are_there_before_anybody_works() {
    let dir = tempfile::tempdir().unwrap();
    let (live, last) = shop(dir.path());
    handle(&live, &last).unwrap();
    // Whoever is made here has worked in none of them.
    fs::remove_dir_all(folder(&live).join("v1")).unwrap();
    assert_eq!(
        live.status("mailer").unwrap_err().kind(),
        ErrorKind::Corrupt
    );
    assert!(live.reset("mailer", None).unwrap().is_done().unwrap());
    handle(&live, &last).unwrap();
    assert_eq!(live.status("mailer").unwrap().behind, 0);
}

#[test]
fn a_projection_whose_partition_is_gone_is_told_and_made_anew_by_a_reset() {
    let dir = tempfile::tempdir().unwrap();
    let (live, _) = shop(dir.path());
    assert_eq!(count(&live).unwrap(), 20);
    fs::remove_dir_all(folder(&live).join("v3/0")).unwrap();
    for error in [
        count(&live).unwrap_err(),
        live.status("counts").unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
    assert!(live.reset("counts", None).unwrap().is_done().unwrap());
    assert_eq!(count(&live).unwrap(), 20);
}

#[test]
fn a_reactor_does_not_need_what_says_which_version_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let (live, last) = shop(dir.path());
    handle(&live, &last).unwrap();
    let current = folder(&live).join("current");
    for damage in [Some("zzz"), Some(""), None] {
        match damage {
            Some(text) => fs::write(&current, text).unwrap(),
            None => fs::remove_file(&current).unwrap(),
        }
        assert_eq!(live.status("mailer").unwrap().behind, 0);
        handle(&live, &last).unwrap();
        let asked = live.reset("mailer", None).unwrap();
        let mended = asked.mended().unwrap();
        assert!(mended.contains("version 1"), "{mended}");
        assert_eq!(fs::read_to_string(&current).unwrap(), "v1\n");
        assert_eq!(live.status("mailer").unwrap().behind, 20);
        handle(&live, &last).unwrap();
        assert_eq!(live.reset("mailer", None).unwrap().mended(), None);
        handle(&live, &last).unwrap();
    }
}

#[test]
fn a_reset_mends_what_says_which_version_of_a_projection_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let (live, _) = shop(dir.path());
    assert_eq!(count(&live).unwrap(), 20);
    let folder = folder(&live);
    // One that was begun and has no state is not the one.
    fs::create_dir_all(folder.join("v4/0")).unwrap();
    for damage in [Some("zzz"), Some(""), None] {
        match damage {
            Some(text) => fs::write(folder.join("current"), text).unwrap(),
            None => fs::remove_file(folder.join("current")).unwrap(),
        }
        for error in [
            count(&live).unwrap_err(),
            live.status("counts").unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(error.to_string().contains("reset"), "{error}");
        }
        let mut asked = live.reset("counts", None).unwrap();
        let mended = asked.mended().unwrap().to_owned();
        assert!(mended.contains("version 3"), "{mended}");
        assert!(asked.is_done().unwrap());
        assert_eq!(count(&live).unwrap(), 20);
    }
}

#[test]
fn what_is_parked_of_another_store_does_not_stay_over_a_reset() {
    let dir = tempfile::tempdir().unwrap();
    let (live, last) = shop(dir.path());
    let mailer = live.reactor("mailer", Region::all());
    let mailer = mailer.start(|event, _| match event.coordinate.entity() {
        "e:3" => Err(Failure::park("wrong")),
        _ => Ok(()),
    });
    let mailer = mailer.unwrap();
    assert!(mailer.wait_until(&last, LONG).unwrap());
    mailer.stop().unwrap();
    let head = |live: &Live| {
        let now = live.store().snapshot();
        Some(now.position(now.visible()).unwrap())
    };
    let done = |live: &Live| {
        let mut asked = live.reset("mailer", head(live)).unwrap();
        assert!(asked.is_done().unwrap());
        live.status("mailer").unwrap()
    };
    assert_eq!(done(&live).parked, 1, "of the same store it stays");

    let other = open(&dir.path().join("other"));
    for _ in 0..30 {
        append(&other, "e:3");
    }
    fs::rename(live.dir(), other.dir()).unwrap();
    assert_eq!(other.status("mailer").unwrap().parked, 1);
    let status = done(&other);
    assert_eq!((status.parked, status.behind), (0, 0));
    assert_eq!(status.partitions[0].refused, None);
}
