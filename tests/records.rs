//! Records of removals on their way to other stores: exports, imports, backups, salvage.

use crate::compact::{assert_intact, filled, run, run_redact, small};
use crate::forge::{forge, stub};
use crate::harness::{dir, open};
use crate::removals::{all, sequences, verified};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{
    CopyMode, Redaction, Removal, RemovalChange, Retention, backup, salvage,
};
use strandline::{ErrorKind, Hash, Region, Sequence, Store};
use strandline_transfer::{Exported, ImportOptions, Imported, LineFormat, export, import};

fn exported(store: &Store, format: LineFormat) -> (Exported, Vec<u8>) {
    let mut lines = Vec::new();
    let mut go_on = |_| ControlFlow::Continue(());
    let done = export(
        &store.snapshot(),
        Region::all(),
        format,
        &mut lines,
        &mut go_on,
    );
    (done.unwrap(), lines)
}

fn imported(store: &Store, options: ImportOptions, lines: &[u8]) -> Imported {
    import(store, &mut &*lines, options, &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap()
}

/// What a removal says, wherever it is.
fn said(removal: &Removal) -> (RemovalChange, u64, &str, Hash, bool, [u8; 16], &[Range]) {
    let Removal {
        change,
        events,
        rule,
        digest,
        is_done,
        log,
        sequences,
        ..
    } = removal;
    (*change, *events, rule, *digest, *is_done, *log, sequences)
}

type Range = std::ops::Range<Sequence>;

#[test]
fn records_travel_with_exports_and_explain_nothing_elsewhere() {
    for format in [LineFormat::Lines, LineFormat::CloudEvents] {
        let fs = MemFs::new();
        let store = filled(&fs, 200);
        run(
            &store,
            &Retention::new()
                .drop_entity("entity:3")
                .drop_entity("a \"name\" …"),
        );
        run_redact(&store, &Redaction::new().entity("entity:4"));
        let own = all(&store);
        let (done, lines) = exported(&store, format);
        assert_eq!((done.events, done.redacted, done.removals), (160, 40, 2));
        let one = Region::all().entity("entity:1");
        let mut of_one = Vec::new();
        let part = export(&store.snapshot(), &one, format, &mut of_one, &mut |_| {
            ControlFlow::Continue(())
        });
        assert_eq!(part.unwrap().removals, 0, "of a whole store only");
        let target_fs = MemFs::new();
        let target = open(&target_fs);
        let options = ImportOptions::new().format(format);
        let trial = imported(&target, options.trial(), &lines);
        assert_eq!((trial.events, trial.redacted, trial.removals), (120, 40, 2));
        assert_eq!(all(&target), []);
        assert_eq!(imported(&target, options, &lines), trial);
        let again = imported(&target, options, &lines);
        assert_eq!((again.events, again.repeated, again.removals), (0, 120, 0));
        let foreign = all(&target);
        assert!(foreign.iter().map(said).eq(own.iter().map(said)));
        assert!(foreign.iter().all(|removal| removal.is_foreign));
        let report = target.verify().unwrap();
        assert!(report.is_intact(), "{:?}", report.problems);
        assert_eq!(report.removals, 0);
        // Its own records are known to the store that they are of, and nothing is foreign there.
        assert_eq!(imported(&store, options, &lines).removals, 0);
        assert_eq!(all(&store), own);
        assert_eq!(exported(&target, format).0.removals, 2);
        target.close().unwrap();
        // The records name these sequences, and are not of this log.
        forge(&target_fs, &mut |_, at, body| {
            stub(body).filter(|_| at.get() == 3)
        });
        assert_eq!(sequences(&verified(&target_fs)), [3]);
    }
}

/// A CloudEvents event that could not be read as a removal was taken for another event, and refused for that.
#[test]
fn a_line_of_a_removal_that_no_export_wrote_is_refused() {
    for format in [LineFormat::Lines, LineFormat::CloudEvents] {
        refuse_changed_removals(ImportOptions::new().format(format), format);
    }
}

fn refuse_changed_removals(options: ImportOptions, format: LineFormat) {
    let fs = MemFs::new();
    let store = filled(&fs, 20);
    run(&store, &Retention::new().drop_entity("entity:3"));
    let (_, lines) = exported(&store, format);
    let text = String::from_utf8(lines).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("sequences"))
        .unwrap();
    assert!(line.contains("\"sequences\":\"3,8,13,18\""), "{line}");
    let target = open(&MemFs::new());
    for (from, to) in [
        ("3,8,13,18", "8,3"),
        ("3,8,13,18", "3,4"),
        ("3,8,13,18", "3..3"),
        ("3,8,13,18", "18446744073709551615"),
        ("3,8,13,18", "a"),
        ("\"part\":0", "\"part\":1"),
        ("\"log\":\"", "\"log\":\"0"),
        ("\"wall_ms\"", "\"other\":1,\"wall_ms\""),
        ("\"change\":\"removed\"", "\"change\":\"kept\""),
    ] {
        let wrong = line.replace(from, to);
        assert_ne!(wrong, line);
        let mut go_on = |_| ControlFlow::Continue(());
        let error = import(&target, &mut wrong.as_bytes(), options, &mut go_on).unwrap_err();
        assert_eq!(
            error.error.kind(),
            ErrorKind::InvalidInput,
            "{wrong}: {error}"
        );
        assert_eq!(error.line, Some(1));
        assert!(!error.to_string().contains("scope"), "{error}");
    }
    let long = "x".repeat(5000);
    let wrong = line.replace("drop entity:3", &long);
    import(&target, &mut wrong.as_bytes(), options, &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap_err();
    assert_eq!(all(&target), []);
    assert_intact(&target);
}

#[test]
fn records_travel_with_backups_and_salvage() {
    let fs = MemFs::new();
    let store = filled(&fs, 200);
    run(&store, &Retention::new().drop_entity("entity:3"));
    run_redact(&store, &Redaction::new().entity("entity:4"));
    let own = all(&store);
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let (to, mode) = (Path::new("/backup"), CopyMode::Copy);
    backup(
        &shared,
        &dir(),
        to,
        mode,
        &mut |_| ControlFlow::Continue(()),
    )
    .unwrap();
    let copied = small(&fs).open(to).unwrap();
    assert_eq!(all(&copied), own);
    assert_intact(&copied);
    drop(copied);
    drop(store);
    let target = open(&MemFs::new());
    for _ in 0..2 {
        let mut go_on = |_| ControlFlow::Continue(());
        let salvaged = salvage(&fs, &dir(), &target, &mut go_on).unwrap();
        assert_eq!(salvaged.removed, 40);
        let foreign = all(&target);
        assert!(foreign.iter().map(said).eq(own.iter().map(said)));
        assert!(foreign.iter().all(|removal| removal.is_foreign));
        assert_intact(&target);
    }
}
