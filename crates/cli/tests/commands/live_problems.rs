//! `live` where something is wrong: with what was typed, the store, its consumers or their files.

use crate::live::{check, count, live_of, mail};
use crate::{at, expect, fill, json, outcome, program, run, store};
use strandline::{Event, Store};

#[test]
fn what_is_misspelt_or_makes_no_sense_is_told() {
    let (dir, path) = store();
    mail(&path);
    count(&path);
    for (arguments, said) in [
        (
            "live {} show mailler",
            "did you mean `mailer`? there are mailer, totals",
        ),
        ("live {} replay mailer order:00", "did you mean `order:0`?"),
        ("live {} discard mailer order:1 --yes", "parked are order:0"),
        (
            "live {} park mailer ordr:1 --reason x",
            "did you mean `order:1`? with --yes",
        ),
        ("live {} park totals order:1 --reason x", "is a projection"),
        (
            "live {} reset totals --to 5 --yes",
            "state is made of all events",
        ),
        (
            "live {} reset mailer --to 11 --yes",
            "the next one has the sequence 10",
        ),
        (
            "live {} reset mailer --to never",
            "it is `beginning`, the sequence",
        ),
        (
            "live {} show mailer --dir /nowhere/at/all",
            "is no directory of consumers",
        ),
        (
            "live {} skip mailer order:0 --timeout abc",
            "a number of seconds, from 0 to 86400",
        ),
        (
            "live {} skip mailer order:0 --timeout -1",
            "a number of seconds, from 0 to 86400",
        ),
        (
            "live {} reset mailer --to -5",
            "it is `beginning`, the sequence",
        ),
        (
            "live {} park mailer order:1 --reason=",
            "say why, for whoever looks at it later",
        ),
        ("live {} mailer", "live DIR show NAME"),
        ("live {} --watch show mailer", "--watch is of `list` alone"),
        ("live /nowhere/at/all", "a store is a directory"),
    ] {
        check(2, arguments, &path, &[said]);
    }
    check(
        0,
        "live {} park mailer ordr:1 --reason x --yes",
        &path,
        &["parked ordr:1"],
    );
    let beside = path.with_extension("strand.live");
    let store = path.to_str().unwrap();
    check(
        2,
        "live {}",
        &beside,
        &["directory of consumers", "their store is", store],
    );
    check(
        2,
        &format!("live {{}} --dir {store}"),
        &path,
        &["is the store; its consumers are in"],
    );
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let output = program()
        .arg("live")
        .arg(&path)
        .arg("--dir")
        .arg(&empty)
        .output();
    let (code, out, err) = outcome(&output.unwrap());
    assert_eq!((code, &*out), (0, ""));
    assert!(err.contains("no consumer of this store is in"), "{err}");
}

/// Whoever asks at once learns of no consumers.
#[test]
fn a_store_without_consumers_has_an_empty_list() {
    let (_dir, path) = store();
    check(0, "live {}", &path, &["no consumer of this store is in"]);
    assert_eq!(json(0, "live {} --json", &path), serde_json::json!([]));
    check(2, "live {} show mailer", &path, &["there are none in"]);
}

#[test]
fn a_position_that_its_program_holds_is_not_reset_behind_its_back() {
    let (_dir, path) = store();
    let live = live_of(&path);
    let held = live.position("printer").unwrap();
    let pid = format!("process {}", std::process::id());
    check(
        1,
        "live {} reset printer --to now --yes",
        &path,
        &[&pid, "stop it"],
    );
    drop(held);
    check(
        0,
        "live {} reset printer --to now --yes",
        &path,
        &["at event 10"],
    );
    check(0, "live {} show printer", &path, &["event 10 of 10"]);
}

/// Its consumers came with it, and it is another store.
#[test]
fn consumers_of_another_store_are_told_as_that() {
    let (_dir, path) = store();
    let (_other_dir, other) = store();
    mail(&other);
    std::fs::rename(
        other.with_extension("strand.live"),
        path.with_extension("strand.live"),
    )
    .unwrap();
    check(1, "live {}", &path, &["faulted", "it is of another store"]);
    check(
        1,
        "live {} show mailer",
        &path,
        &["it is of another store", "reset mailer --to beginning"],
    );
    check(
        0,
        "live {} reset mailer --to beginning --yes",
        &path,
        &["at the beginning"],
    );
    check(0, "live {}", &path, &["stopped"]);
}

/// A store that goes on otherwise than its mailer has seen it: with 40 events of before, and 5 that the mailer has not
/// seen; it has handled 50.
fn restored() -> (tempfile::TempDir, std::path::PathBuf) {
    let (dir, path) = store();
    let writer = Store::open(&path).unwrap();
    fill(&writer, 10..40);
    writer.close().unwrap();
    let backup = dir.path().join("backup");
    let output = program()
        .arg("backup")
        .arg(&path)
        .arg(&backup)
        .output()
        .unwrap();
    assert!(output.status.success());
    let writer = Store::open(&path).unwrap();
    fill(&writer, 40..50);
    writer.close().unwrap();
    mail(&path);
    let output = program()
        .arg("restore")
        .arg(&backup)
        .arg(&path)
        .arg("--replace")
        .output();
    assert!(output.unwrap().status.success());
    let writer = Store::open(&path).unwrap();
    writer
        .append(&at("order:7", "eu"), Event::bytes(crate::PAID, *b"x"))
        .unwrap();
    fill(&writer, 60..64);
    writer.close().unwrap();
    (dir, path)
}

/// After a restore it says where to go on so that nothing is left out.
#[test]
fn a_restored_store_says_where_consumers_go_on() {
    let (_dir, path) = restored();
    let (code, out, err) = outcome(&run("live {} show mailer", &path));
    assert_eq!(code, 1, "{out}{err}");
    let reset = out
        .split('`')
        .find(|part| part.starts_with("strandline live"))
        .unwrap();
    let to = reset.rsplit(' ').next().unwrap();
    assert!(
        to == "beginning" || to.parse::<u64>().unwrap() <= 40,
        "{reset}"
    );
    check(
        0,
        &format!("live {{}} reset mailer --to {to} --yes"),
        &path,
        &[],
    );
    let (_, out, _) = outcome(&run("live {}", &path));
    assert!(out.contains("stopped"), "{out}");
}

/// What was handled is known of what was there before alone: the rest is behind, and left out if nobody goes back.
#[test]
fn of_a_restored_store_it_is_told_what_is_left_out() {
    let (_dir, path) = restored();
    let shown = json(1, "live {} show mailer --json", &path);
    let known = shown["refused"]["rewind"].as_u64().unwrap();
    assert!((1..=40).contains(&known), "{shown}");
    assert_eq!(
        (&shown["sequence"], &shown["behind"]),
        (&known.into(), &(45 - known).into())
    );
    let listed = json(1, "live {} --json", &path);
    assert_eq!(listed[0]["refused"], shown["refused"]);
    let (_, out, _) = outcome(&run("live {} show mailer", &path));
    assert!(out.contains(&format!("event {known} of 45")), "{out}");
    assert_eq!(out.matches("next: ").count(), 1, "{out}");
    let left_out = format!("never handle up to {} events", 45 - known);
    check(
        0,
        "live {} reset mailer --to now --yes",
        &path,
        &[&left_out, "is not one of this store as it is"],
    );
}

/// What was parked at events of another store is not replayed as what this one has in their place.
#[test]
fn what_is_parked_of_another_store_goes_with_a_reset() {
    let (_dir, path) = store();
    let (_other_dir, other) = store();
    mail(&other);
    std::fs::rename(
        other.with_extension("strand.live"),
        path.with_extension("strand.live"),
    )
    .unwrap();
    check(
        0,
        "live {} reset mailer --to now --yes",
        &path,
        &[
            "never handle up to 10 events",
            "it is of another store",
            "1 parked entity will be parked no more, as the events that failed are not of this store",
        ],
    );
    assert_eq!(json(0, "live {} show mailer --json", &path)["parked"], 0);
}

/// Until somebody begins with it, a replay is as if nobody had asked.
#[test]
fn a_replay_that_nobody_has_begun_can_be_skipped_all_the_same() {
    let (_dir, path) = store();
    mail(&path);
    check(
        0,
        "live {} replay mailer order:0",
        &path,
        &["once somebody works on it"],
    );
    check(
        1,
        "live {} show mailer",
        &path,
        &["5 events from 0 on, to be replayed", "start its program"],
    );
    check(
        0,
        "live {} skip mailer order:0 --yes",
        &path,
        &["skipped event 0"],
    );
    check(
        2,
        "live {} skip mailer order:0 --yes",
        &path,
        &["is to be replayed, and no event of it has failed since"],
    );
    check(1, "live {} show mailer", &path, &["4 events from 1 on"]);
    // Taken back, the one that failed is known still.
    let (_dir, path) = store();
    mail(&path);
    check(0, "live {} replay mailer", &path, &[]);
    check(0, "live {} park mailer order:0 --reason wait", &path, &[]);
    check(
        0,
        "live {} skip mailer order:0 --yes",
        &path,
        &["skipped event 0"],
    );
}

#[test]
fn each_part_has_help_with_an_example() {
    let (_dir, path) = store();
    for part in ["list", "show", "park", "replay", "skip", "discard", "reset"] {
        let help = expect(0, &format!("live {{}} {part} --help"), &path);
        let example = format!("strandline live orders.strand {part}");
        assert!(
            help.contains("Example") && help.contains(&example),
            "{part}: {help}"
        );
    }
}
