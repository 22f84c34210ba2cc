//! Each request does what the library does, on a store that is in use.

use crate::{PLACED, client, fill, long_store, say, store};
use std::ops::ControlFlow;
use strandline::maintenance::{Retention, unwatched};
use strandline::{ErrorKind, Region, StoreOptions};
use strandline_control::{AskedRedaction, AskedRetention, BackupMode, Control, Request};

#[test]
fn a_store_in_use_is_compacted_and_goes_on() {
    let (_dir, path, store) = store(10);
    let _control = Control::open(&store).unwrap();
    let rules = AskedRetention::new().keep_newest(2).drop_entity("nobody");
    let plan = client(&path).plan_compaction(&rules).unwrap();
    assert_eq!((plan.events, store.snapshot().len()), (6, 10));
    let done = client(&path).compact(&rules, &mut unwatched).unwrap();
    assert_eq!((done.events, store.snapshot().len()), (6, 4));
    assert_eq!(done.missing.entities, ["nobody"]);
    let own = strandline::maintenance::removals(&store, &mut unwatched).unwrap();
    assert_eq!(done.records.len(), 1);
    assert_eq!(done.records[0].id, own[0].id);
    assert_eq!(done.records[0].log, own[0].log);
    assert_eq!(done.records[0].sequences, own[0].sequences);
    assert_eq!(done.records[0].digest, own[0].digest);
    fill(&store, 3);
    assert_eq!(store.snapshot().len(), 7);
    assert!(client(&path).verify(&mut unwatched).unwrap().intact);
}

#[test]
fn payloads_are_removed_by_name_and_by_region() {
    let (_dir, path, store) = store(10);
    let _control = Control::open(&store).unwrap();
    let region = Region::all().tag("customer:7").kind(PLACED).sequence(..4);
    let of = AskedRedaction::new()
        .entity("order:1")
        .region(&region)
        .unwrap();
    let plan = client(&path).plan_redaction(&of).unwrap();
    assert_eq!(
        (plan.events, plan.entities, plan.first_ids.len()),
        (7, 2, 7)
    );
    assert!(plan.wall_ms.is_some());
    let done = client(&path).redact(&of, &mut unwatched).unwrap();
    assert_eq!((done.events, done.already), (7, 0));
    assert_eq!(done.record.unwrap().rule, plan.rule);
    let again = client(&path).redact(&of, &mut unwatched).unwrap();
    assert_eq!((again.events, again.already), (0, 7));
    assert_eq!(again.record, None);
    let nobody = AskedRedaction::new().entity("nobody").all_or_nothing();
    let done = client(&path).redact(&nobody, &mut unwatched).unwrap();
    assert_eq!(done.missing.entities, ["nobody"]);
}

#[test]
fn a_checkpoint_is_saved_and_a_backup_made() {
    let (dir, path, store) = store(10);
    let _control = Control::open(&store).unwrap();
    assert_eq!(client(&path).checkpoint().unwrap().get(), 10);
    let target = dir.path().join("backup");
    let asked = |target| Request::Backup {
        target,
        mode: BackupMode::Copy,
        verify: true,
    };
    let request = asked(target.clone());
    let done = client(&path).back_up(&request, &mut unwatched).unwrap();
    assert_eq!((done.end.get(), &done.target), (10, &target));
    let copy = StoreOptions::new().read_only().open(&target).unwrap();
    assert_eq!(copy.snapshot().len(), 10);
    assert!(!target.join("control.sock").exists());
    let wrong = client(&path).back_up(&asked("backup".into()), &mut unwatched);
    let wrong = wrong.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidInput);
    assert!(wrong.to_string().contains("no absolute path"), "{wrong}");
}

#[test]
fn it_is_told_how_far_it_is_and_what_was_done_last() {
    let (_dir, path, store) = long_store();
    let _control = Control::open(&store).unwrap();
    let mut told = Vec::new();
    let found = client(&path).verify(&mut |progress| {
        told.push((progress.done, progress.total));
        ControlFlow::Continue(())
    });
    assert_eq!(found.unwrap().events, 20_000);
    assert!(!told.is_empty());
    assert!(
        told.iter()
            .all(|(done, total)| total.is_none_or(|total| *done <= total))
    );
    let status = client(&path).status().unwrap();
    assert_eq!(status.process, std::process::id());
    assert_eq!(status.running, None);
    assert_eq!(status.store.events, 20_000);
    let last = status.last.unwrap();
    assert_eq!((last.name.as_str(), last.error), ("verify", None));
    assert_eq!(last.asked_by, std::process::id());
    assert!(status.since_ms <= last.since_ms && last.since_ms <= last.ended_ms);
}

#[test]
fn an_error_of_the_store_arrives_with_its_kind_and_text() {
    let (_dir, path, store) = store(1);
    let _control = Control::open(&store).unwrap();
    let slip = AskedRetention::new().keep_newest(0);
    let own = store
        .compact(&Retention::try_from(&slip).unwrap())
        .unwrap_err();
    let told = client(&path).compact(&slip, &mut unwatched).unwrap_err();
    assert_eq!(told.kind(), own.kind());
    assert_eq!(told.to_string(), own.to_string());
    let failed = client(&path).status().unwrap().last.unwrap();
    assert_eq!(failed.error, Some(own.to_string()));
}

/// What other tools say: the lines of the README.
#[test]
fn lines_are_as_they_are_documented() {
    let (_dir, path, store) = store(4);
    let _control = Control::open(&store).unwrap();
    let readme = include_str!("../../README.md");
    let said = |line: &str| {
        assert!(readme.contains(line), "the README has not {line}");
        say(&path, format!("{line}\n").as_bytes())
    };
    let status = said(r#"{"protocol":1,"do":"status"}"#);
    assert_eq!(status["protocol"], 1);
    assert_eq!(status["result"]["store"]["events"], 4);
    let saved = said(r#"{"protocol":1,"do":"checkpoint"}"#);
    assert_eq!(saved["result"]["sequence"], 4);
    let plan = said(r#"{"protocol":1,"do":"compact","rules":{"keep_newest":1},"dry_run":true}"#);
    assert_eq!(plan["result"]["events_to_remove"], 2);
    let done = said(r#"{"protocol":1,"do":"redact","of":{"entity":["order:1"]}}"#);
    assert_eq!(done["result"]["events_redacted"], 2);
    assert_eq!(done["result"]["record"]["change"], "redacted");
    assert_eq!(
        said(r#"{"protocol":1,"do":"verify"}"#)["result"]["intact"],
        true
    );
    assert_eq!(
        said(r#"{"protocol":1,"do":"cancel"}"#)["result"]["cancelled"],
        serde_json::Value::Null
    );
}
