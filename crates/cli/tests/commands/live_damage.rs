//! `live` where files of consumers are damaged or gone.

use crate::live::{check, count, files, live_of, mail};
use crate::{json, outcome, run, store};

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
