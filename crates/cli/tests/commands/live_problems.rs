//! `live` where something is wrong: with what was typed, the store, its consumers or their files.

use crate::live::{check, count, files, live_of, mail};
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
fn damage_is_told_and_hides_no_others() {
    let (_dir, path) = store();
    mail(&path);
    count(&path);
    let states = || {
        let states = files(&path, "checkpoint-").into_iter();
        let mut states: Vec<_> = states
            .filter(|file| file.parent().unwrap().ends_with("v1/0"))
            .collect();
        states.sort();
        states
    };
    // The newest one of a partition of each.
    let mut newest = std::collections::BTreeMap::new();
    for file in states() {
        newest.insert(file.parent().unwrap().to_path_buf(), file);
    }
    for file in newest.values() {
        std::fs::write(file, "nothing").unwrap();
    }
    check(
        1,
        "live {} show totals",
        &path,
        &["!! partition 0: checkpoint-", "the state before it is used"],
    );
    for file in states() {
        std::fs::write(file, "nothing").unwrap();
    }
    live_of(&path).position("printer").unwrap();
    check(
        1,
        "live {}",
        &path,
        &[
            "mailer   reactor     damaged",
            "printer  position    stopped",
        ],
    );
    check(
        1,
        "live {} show mailer",
        &path,
        &["every saved state in", "reset it"],
    );
    let all = json(1, "live {} --json", &path);
    assert_eq!(all[0]["condition"], "damaged");
    assert_eq!(all[0]["needs_somebody"], true);
}

#[test]
fn what_a_consumer_is_cannot_be_read() {
    let (_dir, path) = store();
    mail(&path);
    let info = files(&path, "checkpoint-00000000000000000000.ckpt");
    std::fs::write(&info[0], "nothing").unwrap();
    count(&path);
    check(
        1,
        "live {}",
        &path,
        &["?", "damaged", "totals", "move its directory away"],
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

/// What every state of is damaged can be begun anew, and nothing else can be done with it.
#[test]
fn damage_is_mended_by_a_reset() {
    let (_dir, path) = store();
    mail(&path);
    for file in files(&path, "checkpoint-0000000000429") {
        std::fs::write(file, "nothing").unwrap();
    }
    check(
        1,
        "live {} show mailer",
        &path,
        &["every saved state in", "reset it"],
    );
    check(
        0,
        "live {} reset mailer --to 4 --yes",
        &path,
        &["cannot be read", "at event 4"],
    );
    check(0, "live {} show mailer", &path, &["event 4 of 10"]);
}

/// One partition cannot be read: the other one is told all the same, and what a reset does with it.
#[test]
fn damage_of_a_partition_hides_no_other() {
    let (_dir, path) = store();
    mail(&path);
    let states = files(&path, "checkpoint-");
    let parked = json(1, "live {} show mailer --json", &path);
    let parked = parked["partitions"].as_array().unwrap().iter();
    let whole = parked.clone().find(|one| one["parked"][0].is_object());
    let whole = whole.unwrap()["partition"].as_u64().unwrap();
    let damaged = 1 - whole;
    for file in &states {
        if file.parent().unwrap().ends_with(format!("v1/{damaged}")) {
            std::fs::write(file, "nothing").unwrap();
        }
    }
    check(
        1,
        "live {} show mailer",
        &path,
        &[
            "state           damaged",
            "parked order:0: 5 events from 0 on",
            &format!("!! partition {damaged}: every saved state in"),
            "  next: look at what it has done last, then `strandline live",
        ],
    );
    let shown = json(1, "live {} show mailer --json", &path);
    let index = |index: u64| usize::try_from(index).unwrap();
    assert_eq!(shown["partitions"][index(whole)]["sequence"], 10);
    assert_eq!(shown["partitions"][index(damaged)]["condition"], "damaged");
    check(1, "live {}", &path, &["reset mailer --to beginning`"]);
    check(
        0,
        "live {} reset mailer --to 4 --yes",
        &path,
        &[
            "up to 6 events again",
            "never handle those of 4 events before that it has not yet",
            &format!("partition {whole}, which is at event 10, goes there too"),
            "1 entity will stay parked",
        ],
    );
    check(1, "live {} show mailer", &path, &["event 4 of 10"]);
}

/// A directory that is gone is not where nothing was handled yet.
#[test]
fn a_partition_that_is_gone_is_told_and_mended_by_a_reset() {
    let (_dir, path) = store();
    mail(&path);
    let state = files(&path, "checkpoint-").into_iter();
    let mut dirs = state.filter_map(|file| file.parent().map(std::path::Path::to_path_buf));
    let dir = dirs.find(|dir| dir.ends_with("v1/1")).unwrap();
    std::fs::remove_dir_all(dir).unwrap();
    check(
        1,
        "live {} show mailer",
        &path,
        &["!! partition 1:", "is gone", "reset mailer --to beginning`"],
    );
    check(
        0,
        "live {} reset mailer --to now --yes",
        &path,
        &["partition 0, which is at event 10, goes there too"],
    );
    check(1, "live {} show mailer", &path, &["event 10 of 10"]);
}

/// Nothing is promised that is not done.
#[test]
fn what_cannot_be_reset_is_said_before_anything_is_promised() {
    let (_dir, path) = store();
    count(&path);
    std::fs::write(&files(&path, "current")[0], "zzz").unwrap();
    for arguments in ["live {}", "live {} show totals"] {
        check(
            1,
            arguments,
            &path,
            &[
                "which version is served",
                "next: `strandline live",
                "makes its state anew",
            ],
        );
    }
    check(
        2,
        "live {} reset totals --to 5 --yes",
        &path,
        &["state is made of all events"],
    );
    check(
        0,
        "live {} reset totals --to beginning --yes",
        &path,
        &["was written anew: it is version 1", "at the beginning"],
    );
    check(0, "live {} show totals", &path, &["event 0 of 10"]);
    for info in files(&path, "checkpoint-00000000000000000000.ckpt") {
        std::fs::write(info, "nothing").unwrap();
    }
    let (code, out, err) = outcome(&run("live {} reset totals --to beginning --yes", &path));
    assert_eq!(code, 1, "{out}{err}");
    assert!(!err.contains("will go on"), "{err}");
}
