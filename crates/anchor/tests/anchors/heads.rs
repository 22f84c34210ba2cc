//! Files of heads, and stores that are held against them.

use crate::{ORIGIN, against, anchors, checked, file, fill, key, policy};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::OsFs;
use strandline::maintenance::{Redaction, Retention, compact, redact};
use strandline::{
    AppendOptions, Clock as _, Coordinate, Durability, Event, EventKind, ManualClock, Store,
    StoreOptions,
};
use strandline_anchor::proof::{LogPolicy, SignerKey};
use strandline_anchor::{
    AnchorError, Anchors, CommandSink, DirectorySink, FindingKind, HeldState, KeptHeads, SinkError,
    check,
};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_log_that_grew_is_sound_and_how_far_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (path, heads) = (dir.path().join("a.strand"), dir.path().join("heads"));
    let store = Store::open(&path).unwrap();
    let mut anchors = anchors(&heads);
    for size in [0, 1, 5, 70, 200] {
        let now = store.snapshot().visible().get();
        fill(&store, size - now, "paid");
        store.sync().unwrap();
        let anchored = anchors.anchor(&store).unwrap();
        assert_eq!(anchored.kept, [heads.display().to_string()]);
        let again = anchors.anchor(&store).unwrap();
        assert!(again.kept.is_empty() && again.unchanged.len() == 1);
    }
    let mode = std::fs::metadata(&heads).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fill(&store, 3, "paid");
    let report = checked(&store, &heads);
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.heads, report.counted), (5, 5));
    assert_eq!((report.anchored, report.log_size), (200, 203));
    assert!(
        report.findings[0]
            .message
            .contains("3 events from sequence 200")
    );
    // Neither what is redacted nor what is removed changes any of it.
    redact(&store, &Redaction::new().entity("order:1"), &mut |_| {
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    compact(&store, &Retention::new().keep_newest(2), &mut |_| {
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert!(checked(&store, &heads).is_sound());
}

/// A head that ends where digests were forgotten says nothing; the next one that is signed is over all of it.
#[test]
fn heads_that_end_in_forgotten_digests_are_told_until_a_later_one_is_proved() {
    let dir = tempfile::tempdir().unwrap();
    let (path, heads) = (dir.path().join("a.strand"), dir.path().join("heads"));
    let store = Store::open(&path).unwrap();
    let mut anchors = anchors(&heads);
    for size in [64, 70, 200] {
        let now = store.snapshot().visible().get();
        fill(&store, size - now, "paid");
        anchors.anchor(&store).unwrap();
    }
    fill(&store, 50, "paid");
    store
        .compact(&Retention::new().keep_newest(2).forget_digests())
        .unwrap();
    let report = checked(&store, &heads);
    let states: Vec<_> = report.held.iter().map(|held| held.state).collect();
    let gone = HeldState::Forgotten;
    assert_eq!(states, [HeldState::Proved, gone, gone]);
    assert_eq!(report.anchored, 64);
    assert_eq!(
        against(&report),
        [FindingKind::Forgotten, FindingKind::Forgotten]
    );
    assert!(!report.is_sound());

    // Nothing is signed where nothing proves that the log goes on.
    let anchored = anchors.anchor(&store).unwrap();
    assert!(anchored.kept.is_empty());
    let [(_, error)] = anchored.failed.as_slice() else {
        panic!("{:?}", anchored.failed)
    };
    assert!(matches!(error, SinkError::Forgotten { kept: 200 }));

    // In a new place it is, and what is there is over all that was before.
    let later = dir.path().join("later");
    crate::anchors(&later).anchor(&store).unwrap();
    let all = [&heads, &later].map(|path| std::fs::read_to_string(path).unwrap());
    std::fs::write(&heads, all.concat()).unwrap();
    let report = checked(&store, &heads);
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.anchored, report.log_size);
    // Told all the same.
    let told = report.findings.iter();
    let told = told.filter(|finding| finding.message.contains("told to forget"));
    assert_eq!(told.count(), 2);
}

/// Another history, in a store that is sound by itself.
#[test]
fn a_forged_history_is_a_manipulation() {
    let dir = tempfile::tempdir().unwrap();
    let heads = dir.path().join("heads");
    let store = Store::open(dir.path().join("a.strand")).unwrap();
    fill(&store, 20, "paid");
    anchors(&heads).anchor(&store).unwrap();
    let before = std::fs::read(&heads).unwrap();
    let forged = Store::open(dir.path().join("b.strand")).unwrap();
    fill(&forged, 25, "not paid");
    assert!(forged.verify().unwrap().is_intact());
    let report = checked(&forged, &heads);
    assert_eq!(against(&report), [FindingKind::Manipulation]);
    assert_eq!(report.anchored, 0);
    // No head of it gets where the others are.
    let refused = anchors(&heads).anchor(&forged).unwrap_err();
    let AnchorError::Refused { error, .. } = &refused else {
        panic!("{refused}");
    };
    assert!(matches!(error, SinkError::Contradicted { kept: 20 }));
    assert_eq!(std::fs::read(&heads).unwrap(), before);
}

#[test]
fn an_older_store_in_the_place_of_the_newer_is_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let (path, heads) = (dir.path().join("a.strand"), dir.path().join("heads"));
    let older = dir.path().join("older.strand");
    let store = Store::open(&path).unwrap();
    fill(&store, 10, "paid");
    anchors(&heads).anchor(&store).unwrap();
    store.close().unwrap();
    copy(&path, &older);
    let store = Store::open(&path).unwrap();
    fill(&store, 10, "refunded");
    anchors(&heads).anchor(&store).unwrap();
    assert!(checked(&store, &heads).is_sound());
    store.close().unwrap();

    let older = Store::open(&older).unwrap();
    let report = checked(&older, &heads);
    assert_eq!(against(&report), [FindingKind::Gap]);
    assert_eq!(report.anchored, 10);
    let refused = anchors(&heads).anchor(&older).unwrap_err();
    let AnchorError::Refused { error, .. } = &refused else {
        panic!("{refused}");
    };
    assert!(matches!(error, SinkError::Ahead { kept: 20, size: 10 }));
    // And one that goes on from there is another log.
    fill(&older, 30, "not refunded");
    assert_eq!(
        against(&checked(&older, &heads)),
        [FindingKind::Manipulation]
    );
}

/// The files of one segment as they were, and nothing that is made of the log, so that the store opens.
#[test]
fn an_older_segment_is_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let (path, heads) = (dir.path().join("a.strand"), dir.path().join("heads"));
    let store = Store::open(&path).unwrap();
    fill(&store, 10, "paid");
    store.sync().unwrap();
    let segment = path.join("segment-0000000001.log");
    let older = std::fs::read(&segment).unwrap();
    fill(&store, 10, "refunded");
    anchors(&heads).anchor(&store).unwrap();
    store.close().unwrap();
    std::fs::write(&segment, older).unwrap();
    for entry in std::fs::read_dir(&path).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "ckpt") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let store = StoreOptions::new().read_only().open(&path).unwrap();
    assert_eq!(store.snapshot().len(), 10);
    assert_eq!(against(&checked(&store, &heads)), [FindingKind::Gap]);
}

#[test]
fn heads_of_others_count_for_nothing_and_changed_ones_against() {
    let dir = tempfile::tempdir().unwrap();
    let (path, heads) = (dir.path().join("a.strand"), dir.path().join("heads"));
    let store = Store::open(&path).unwrap();
    fill(&store, 20, "paid");
    let other = SignerKey::from_seed("example.org/other".parse().unwrap(), [9; 32]);
    for anchors in [Anchors::new(key(8)), Anchors::new(other)] {
        anchors.sink(file(&heads)).anchor(&store).unwrap();
    }
    // Neither the unknown key nor the other log says anything, and nothing is no proof.
    let report = checked(&store, &heads);
    assert!(
        against(&report).is_empty() && !report.is_sound(),
        "{report:?}"
    );
    assert_eq!((report.heads, report.counted), (2, 0));

    let own = dir.path().join("own");
    anchors(&own).anchor(&store).unwrap();
    let text = std::fs::read_to_string(&own).unwrap();
    let changed = text.replacen("\n20\n", "\n19\n", 1);
    std::fs::write(&own, format!("{text}\n{changed}\nnonsense\n")).unwrap();
    let report = checked(&store, &own);
    assert_eq!(against(&report), [FindingKind::Manipulation], "{report:?}");
    assert_eq!((report.counted, report.anchored), (1, 20));
    // Another name of the log, and another key, are an operator's to say.
    let kept = KeptHeads::read(&OsFs, &heads).unwrap();
    let both = LogPolicy::new(key(8).verifier()).log_key(key(7).verifier());
    assert!(check(&store.snapshot(), &kept, &both).unwrap().is_sound());
    let named = policy().origin("another");
    assert!(!check(&store.snapshot(), &kept, &named).unwrap().is_sound());
}

/// Cause: a head that anybody had written into one place kept the log from being signed at all, at every place.
#[test]
fn a_head_that_nobody_has_signed_spoils_one_place_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (dir.path().join("one"), dir.path().join("other"));
    let store = Store::open(dir.path().join("a.strand")).unwrap();
    fill(&store, 20, "paid");
    anchors(&one).anchor(&store).unwrap();
    let signed = std::fs::read_to_string(&one).unwrap();
    let forged = signed.replacen("\n20\n", "\n9000000000000000000\n", 1);
    let by_other = dir.path().join("by-other");
    let elsewhere = Store::open(dir.path().join("b.strand")).unwrap();
    fill(&elsewhere, 30, "not paid");
    let mut others = Anchors::new(key(8)).sink(file(&by_other));
    others.anchor(&elsewhere).unwrap();
    for spoiled in [forged, std::fs::read_to_string(&by_other).unwrap()] {
        fill(&store, 1, "paid");
        std::fs::write(&one, format!("{signed}{spoiled}")).unwrap();
        let anchored = anchors(&one).sink(file(&other)).anchor(&store).unwrap();
        assert_eq!(anchored.kept, [other.display().to_string()]);
        assert!(matches!(anchored.failed[0].1, SinkError::Foreign(_)));
    }
    // Heads by the key of before, from which the log goes on, keep it from nothing.
    let before = dir.path().join("before");
    let mut old = Anchors::new(key(8)).sink(file(&before));
    old.anchor(&store).unwrap();
    fill(&store, 1, "paid");
    assert_eq!(anchors(&before).anchor(&store).unwrap().kept.len(), 1);
}

#[test]
fn what_a_power_cut_can_take_back_is_not_anchored() {
    let dir = tempfile::tempdir().unwrap();
    let heads = dir.path().join("heads");
    let options = StoreOptions::new().no_background_sync();
    let store = options.open(dir.path().join("a.strand")).unwrap();
    fill(&store, 3, "paid");
    let order = Coordinate::new("order:1", "eu").unwrap();
    let event = Event::bytes(EventKind::new(1, 1), *b"x");
    let written = AppendOptions::new().durability(Durability::Written);
    store.append_with(&order, event, written).unwrap();
    assert_eq!(store.snapshot().len(), 4);
    let anchored = anchors(&heads).anchor(&store).unwrap();
    assert_eq!(anchored.checkpoint.unverified().head().size, 3);
}

/// One who has the key signs two logs: the heads themselves say so, whatever store is there.
#[test]
fn two_logs_of_a_size_are_a_manipulation() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (dir.path().join("one"), dir.path().join("other"));
    for (heads, text) in [(&one, "paid"), (&other, "not paid")] {
        let store = Store::open(heads.with_extension("strand")).unwrap();
        fill(&store, 20, text);
        anchors(heads).anchor(&store).unwrap();
    }
    let both = [std::fs::read(&one).unwrap(), std::fs::read(&other).unwrap()].concat();
    let store = Store::open(dir.path().join("short.strand")).unwrap();
    let report = check(&store.snapshot(), &KeptHeads::parse(&both), &policy()).unwrap();
    let kinds = against(&report);
    assert_eq!(kinds[0], FindingKind::Manipulation, "{report:?}");
    assert_eq!(kinds[1..], [FindingKind::Gap, FindingKind::Gap]);
}

#[test]
fn a_torn_head_is_passed_over_and_other_files_are_left() {
    let dir = tempfile::tempdir().unwrap();
    let (path, heads) = (dir.path().join("a.strand"), dir.path().join("heads"));
    let store = Store::open(&path).unwrap();
    fill(&store, 5, "paid");
    anchors(&heads).anchor(&store).unwrap();
    let whole = std::fs::read(&heads).unwrap();
    for cut in [1, 30, whole.len() - 40] {
        std::fs::write(&heads, [&whole[..], &whole[..cut]].concat()).unwrap();
        fill(&store, 1, "paid");
        assert_eq!(
            anchors(&heads).anchor(&store).unwrap().kept.len(),
            1,
            "{cut}"
        );
        let report = checked(&store, &heads);
        assert!(report.is_sound(), "{cut}: {report:?}");
        assert_eq!((report.counted, report.anchored), (2, report.log_size));
    }
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "PRIVATE+KEY+a").unwrap();
    let anchored = anchors(&secret).anchor(&store).unwrap();
    assert!(matches!(anchored.failed[0].1, SinkError::Foreign(_)));
    assert_eq!(std::fs::read(&secret).unwrap(), b"PRIVATE+KEY+a");
}

#[test]
fn directories_and_commands_keep_heads_too() {
    let dir = tempfile::tempdir().unwrap();
    let (path, heads) = (dir.path().join("a.strand"), dir.path().join("heads"));
    let mailed = dir.path().join("mailed");
    let script = format!("cat >> {}", mailed.display());
    let store = Store::open(&path).unwrap();
    let anchors = |store: &Store| {
        let directory = DirectorySink::new(Arc::new(OsFs), &heads);
        let command = CommandSink::new("sh", ["-c", &script]);
        let failing = CommandSink::new("false", [""; 0]);
        let anchors = Anchors::new(key(7))
            .sink(directory)
            .sink(command)
            .sink(failing);
        let mut anchors = anchors.sink(CommandSink::new("/nowhere/command", [""; 0]));
        anchors.anchor(store)
    };
    for size in [3, 9] {
        fill(&store, size - store.snapshot().visible().get(), "paid");
        let anchored = anchors(&store).unwrap();
        assert_eq!((anchored.kept.len(), anchored.failed.len()), (2, 2));
        assert!(heads.join(format!("{size:020}.checkpoint")).exists());
    }
    assert_eq!(anchors(&store).unwrap().unchanged.len(), 1);
    for heads in [&heads, &mailed] {
        let report = checked(&store, heads);
        assert!(report.is_sound(), "{report:?}");
        assert_eq!(report.anchored, 9);
    }
    let forged = Store::open(dir.path().join("b.strand")).unwrap();
    fill(&forged, 20, "not paid");
    assert!(matches!(anchors(&forged), Err(AnchorError::Refused { .. })));
}

/// Cause: two logs in one directory were taken for one that contradicts itself once they had as many events, and neither
/// was signed any more.
#[test]
fn what_has_the_name_of_a_head_and_is_none_of_this_log_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let heads = dir.path().join("heads");
    let store = Store::open(dir.path().join("a.strand")).unwrap();
    fill(&store, 4, "paid");
    let into = |key| Anchors::new(key).sink(DirectorySink::new(Arc::new(OsFs), &heads));
    let other = SignerKey::from_seed("example.org/other".parse().unwrap(), [9; 32]);
    into(other).anchor(&store).unwrap();
    let told = |store: &Store| {
        let anchored = into(key(7)).anchor(store).unwrap();
        let [(_, SinkError::Foreign(reason))] = &anchored.failed[..] else {
            panic!("{anchored:?}");
        };
        reason.clone()
    };
    assert!(told(&store).contains("log example.org/other"));
    for text in ["", "no head"] {
        fill(&store, 1, "paid");
        let size = store.snapshot().visible().get();
        let path = heads.join(format!("{size:020}.checkpoint"));
        std::fs::write(&path, text).unwrap();
        assert!(told(&store).contains("is no head"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

/// Cause: a program was waited for however long it took, and nothing else was signed meanwhile.
#[test]
fn a_command_that_does_not_end_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("a.strand")).unwrap();
    fill(&store, 1, "paid");
    for script in ["exec sleep 100000", "exec <&-; exec sleep 100000"] {
        let command = CommandSink::new("sh", ["-c", script]).time_max(Duration::from_millis(50));
        let anchored = Anchors::new(key(7)).sink(command).anchor(&store).unwrap();
        let (_, SinkError::Io(error)) = &anchored.failed[0] else {
            panic!("{anchored:?}");
        };
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }
}

#[test]
fn a_head_is_signed_once_an_interval_if_the_log_has_grown() {
    let dir = tempfile::tempdir().unwrap();
    let heads = dir.path().join("heads");
    let clock = Arc::new(ManualClock::new(1_700_000_000_000));
    let options = StoreOptions::new().clock(clock.clone());
    let store = options.open(dir.path().join("a.strand")).unwrap();
    let mut anchors = anchors(&heads).interval(Duration::from_secs(60));
    let later = || clock.set(clock.now_ms() + 60_000);
    let mut tick = |store: &Store| anchors.tick(store).unwrap().is_some();
    fill(&store, 1, "paid");
    assert!(tick(&store));
    fill(&store, 1, "paid");
    assert!(!tick(&store));
    later();
    assert!(tick(&store));
    later();
    assert!(!tick(&store), "nothing new");
    fill(&store, 1, "paid");
    assert!(tick(&store));
    let kept = KeptHeads::read(&OsFs, &heads).unwrap();
    let sizes = kept.heads.iter().map(|head| head.unverified().head().size);
    assert!(sizes.eq([1, 2, 3]));
    assert_eq!(kept.heads[0].unverified().origin(), ORIGIN);
}
