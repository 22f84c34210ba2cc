//! `heads`, `verify --anchors` and `tiles`: an honest log, and one of somebody who has all its files.

use crate::proof::{ids, key};
use crate::{expect, fill, json, outcome, run, store};
use std::path::Path;
use strandline::{Event, Store};

/// Signs the head of a store and keeps it.
fn sign(code: i32, path: &Path, key: &Path, to: &str) -> String {
    let key = key.display();
    expect(
        code,
        &format!("heads sign {{}} --key {key} --to {to}"),
        path,
    )
}

pub(crate) fn grow(path: &Path, numbers: std::ops::Range<u64>) {
    let store = Store::open(path).unwrap();
    fill(&store, numbers);
    store.close().unwrap();
}

/// Puts another history where the store is, sound by itself.
pub(crate) fn forge(path: &Path) {
    std::fs::remove_dir_all(path).unwrap();
    let store = Store::open(path).unwrap();
    for number in 0..20_u32 {
        let event = Event::bytes(crate::PAID, number.to_le_bytes());
        store.append(&crate::at("order:0", "eu"), event).unwrap();
    }
    store.close().unwrap();
}

#[test]
fn heads_are_kept_and_the_store_is_held_against_them() {
    let (dir, path) = store();
    let (key, public) = key(dir.path(), "example.org/orders");
    let heads = dir.path().join("orders.heads");
    let to = heads.display().to_string();
    let shown = sign(0, &path, &key, &to);
    assert!(shown.contains("example.org/orders, 10 events"), "{shown}");
    assert!(sign(0, &path, &key, &to).contains("has it already"));
    grow(&path, 10..14);
    let verify = format!("verify {{}} --anchors {to} --key {public}");
    let shown = expect(0, &verify, &path);
    assert!(shown.contains("before sequence 10 are anchored"), "{shown}");
    assert!(
        shown.contains("notice: no head is over the 4 events"),
        "{shown}"
    );
    let report = json(0, &format!("{verify} --json"), &path);
    assert_eq!(report["heads"]["sound"], true);
    assert_eq!(
        (&report["heads"]["anchored"], &report["heads"]["unanchored"]),
        (&10.into(), &4.into())
    );

    // An event is proved by the head that is kept, for who trusts that.
    let id = ids(&path)[3];
    let prove = |id| format!("prove {{}} --event {id} --head {to}");
    let file = dir.path().join("x.tlog-proof");
    std::fs::write(&file, expect(0, &prove(id), &path)).unwrap();
    let check = format!("check-proof {} --key {public}", file.display());
    assert!(expect(0, &check, &path).contains("which had 10 events"));
    let (code, _, err) = outcome(&run(&prove(ids(&path)[12]), &path));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("not in it"), "{err}");
}

/// Cause: the head over most events was taken, whichever log's it was, and the log was said to have had another root.
#[test]
fn heads_of_other_logs_beside_those_of_this_are_passed_over() {
    let (dir, path) = store();
    let (other_dir, other) = store();
    let (orders, public) = key(dir.path(), "example.org/orders");
    let (others, _) = key(dir.path(), "example.org/others");
    let heads = dir.path().join("heads").display().to_string();
    sign(0, &path, &orders, &heads);
    sign(0, &other, &others, &heads);
    grow(&path, 10..30);
    grow(&other, 10..14);
    sign(0, &other, &others, &heads);
    drop(other_dir);
    let prove = format!("prove {{}} --event {} --head {heads}", ids(&path)[3]);
    let file = dir.path().join("x.tlog-proof");
    std::fs::write(&file, expect(0, &prove, &path)).unwrap();
    let check = format!("check-proof {} --key {public}", file.display());
    assert!(expect(0, &check, &path).contains("which had 10 events"));
}

/// A copy is the log that it is of: heads that were signed of the one are of the other, and proofs are the same bytes.
#[cfg(feature = "replicate")]
#[test]
fn heads_and_proofs_hold_in_every_copy() {
    let (dir, path) = store();
    let (key, public) = key(dir.path(), "example.org/orders");
    let at = |name: &str| dir.path().join(name).display().to_string();
    let heads = at("heads");
    sign(0, &path, &key, &heads);
    expect(0, &format!("redact {{}} --event {}", ids(&path)[8]), &path);
    expect(0, "compact {} --keep-newest 2", &path);
    std::fs::create_dir(at("bucket")).unwrap();
    let url = format!("file://{}", at("bucket"));
    let lines = at("lines");
    for command in [
        format!("backup {{}} {} --copy", at("backup")),
        format!("export {{}} --exact -o {lines}"),
        format!("import {} {lines} --exact", at("imported")),
        format!("replicate {{}} {url}"),
        format!("follow {url} {} --once", at("replica")),
        format!("restore --from {url} {}", at("from-bucket")),
        format!("take-over {url} {} --yes", at("taken")),
        format!("restore {} {}", at("backup"), at("restored")),
    ] {
        expect(0, &command, &path);
    }
    let prove = |number| format!("prove {{}} --sequence {number} --head {heads}");
    let of_log: Vec<_> = (0..10)
        .map(|number| expect(0, &prove(number), &path))
        .collect();
    for copy in [
        "backup",
        "imported",
        "replica",
        "from-bucket",
        "taken",
        "restored",
    ] {
        let copy = dir.path().join(copy);
        let verify = format!("verify {{}} --anchors {heads} --key {public}");
        let shown = expect(0, &verify, &copy);
        assert!(shown.contains("before sequence 10 are anchored"), "{shown}");
        for (number, proof) in of_log.iter().enumerate() {
            assert_eq!(
                &expect(0, &prove(number), &copy),
                proof,
                "{number} of {copy:?}"
            );
        }
    }
}

#[test]
fn another_history_is_told_and_not_signed() {
    let (dir, path) = store();
    let (key, public) = key(dir.path(), "example.org/orders");
    let folder = format!("{}/", dir.path().join("heads").display());
    sign(0, &path, &key, &folder);
    forge(&path);
    assert!(expect(0, "verify {}", &path).ends_with("intact\n"));
    let verify = format!("verify {{}} --anchors {folder} --key {public}");
    let shown = expect(1, &verify, &path);
    assert!(
        shown.contains("!! manipulation: the first 10 events"),
        "{shown}"
    );
    let report = json(1, &format!("{verify} --json"), &path);
    assert_eq!(report["heads"]["findings"][0]["kind"], "manipulation");
    let sign = format!("heads sign {{}} --key {} --to {folder}", key.display());
    let (code, out, err) = outcome(&run(&sign, &path));
    assert_eq!((code, &*out), (1, ""), "{err}");
    assert!(err.contains("nothing was signed"), "{err}");
    let id = ids(&path)[3];
    let prove = format!("prove {{}} --event {id} --head {folder}");
    assert_eq!(outcome(&run(&prove, &path)).0, 1);
}

#[test]
fn an_older_store_is_a_gap_and_no_head_is_no_proof() {
    let (dir, path) = store();
    let (key, public) = key(dir.path(), "example.org/orders");
    let heads = dir.path().join("heads").display().to_string();
    let older = dir.path().join("older");
    expect(0, &format!("backup {{}} {} --copy", older.display()), &path);
    grow(&path, 10..14);
    sign(0, &path, &key, &heads);
    let verify = format!("verify {{}} --anchors {heads} --key {public}");
    expect(0, &verify, &path);
    let shown = expect(1, &verify, &older);
    assert!(
        shown.contains("!! gap: the log had 14 events once"),
        "{shown}"
    );
    // Neither a file without heads nor one of another key says that all is well.
    let (_, other) = crate::proof::key(dir.path(), "example.org/others");
    let shown = expect(
        1,
        &format!("verify {{}} --anchors {heads} --key {other}"),
        &path,
    );
    assert!(shown.contains("no head counts"), "{shown}");
    for (arguments, code) in [
        ("verify {} --anchors /nowhere --key x", 2),
        (&*format!("verify {{}} --anchors {heads}"), 2),
        (&*format!("verify {{}} --key {public}"), 2),
        (
            &*format!(
                "heads sign {{}} --key {} --to /nowhere/heads",
                key.display()
            ),
            1,
        ),
    ] {
        let (found, _, err) = outcome(&run(arguments, &path));
        assert_eq!(found, code, "{arguments}: {err}");
    }
}

#[test]
fn tiles_grow_with_the_log_and_are_no_other_logs() {
    let (dir, path) = store();
    let (key, public) = key(dir.path(), "example.org/orders");
    let out = dir.path().join("tiles");
    let tiles = format!(
        "tiles {{}} {} --key {} --json",
        out.display(),
        key.display()
    );
    assert_eq!(json(0, &tiles, &path)["size"], 10);
    assert_eq!(
        std::fs::read(out.join("tile/0/000.p/10")).unwrap().len(),
        320
    );
    assert_eq!(
        std::fs::read(out.join("tile/entries/000.p/10"))
            .unwrap()
            .len(),
        340
    );
    grow(&path, 10..600);
    let report = json(0, &tiles, &path);
    assert_eq!(
        (&report["before"], &report["size"]),
        (&10.into(), &600.into())
    );
    for tile in [
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/001",
    ] {
        assert!(out.join(tile).exists(), "{tile}");
    }
    assert_eq!(json(0, &tiles, &path)["files"], 0);
    // Its checkpoint is a head as any.
    let checkpoint = out.join("checkpoint").display().to_string();
    expect(
        0,
        &format!("verify {{}} --anchors {checkpoint} --key {public}"),
        &path,
    );
    let before = std::fs::read(&checkpoint).unwrap();
    forge(&path);
    assert_eq!(outcome(&run(&tiles, &path)).0, 1);
    assert_eq!(std::fs::read(&checkpoint).unwrap(), before);
    let (other, _) = crate::proof::key(dir.path(), "example.org/others");
    let other = format!("tiles {{}} {} --key {}", out.display(), other.display());
    assert_eq!(outcome(&run(&other, &path)).0, 2);
}

/// What stands in the files leads to the root before anything is signed.
#[test]
fn damaged_tiles_are_not_signed() {
    let (dir, path) = store();
    let (key, _) = key(dir.path(), "example.org/orders");
    let out = dir.path().join("tiles");
    let tiles = format!("tiles {{}} {} --key {}", out.display(), key.display());
    grow(&path, 10..600);
    expect(0, &tiles, &path);
    let before = std::fs::read(out.join("checkpoint")).unwrap();
    std::fs::write(out.join("tile/1/000.p/2"), [0; 64]).unwrap();
    grow(&path, 600..601);
    let (code, _, err) = outcome(&run(&tiles, &path));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("not those of the log"), "{err}");
    assert_eq!(std::fs::read(out.join("checkpoint")).unwrap(), before);
}

/// A key of the same name that is another one: what it signs counts for nobody who has the log's.
#[test]
fn keys_that_are_not_the_logs_are_told() {
    let (dir, path) = store();
    let (own, public) = key(dir.path(), "example.org/orders");
    let beside = dir.path().join("beside");
    std::fs::create_dir(&beside).unwrap();
    let (other, _) = key(&beside, "example.org/orders");
    let (tiles, heads) = (dir.path().join("tiles"), dir.path().join("orders.heads"));
    let tiles = |key: &Path| format!("tiles {{}} {} --key {}", tiles.display(), key.display());
    expect(0, &tiles(&own), &path);
    let to = heads.display().to_string();
    assert!(!sign(0, &path, &own, &to).contains("not signed"));
    grow(&path, 10..12);
    let (code, _, err) = outcome(&run(&tiles(&other), &path));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("signed by another key"), "{err}");
    let shown = sign(0, &path, &other, &to);
    assert!(
        shown.contains("a head of 10 events that this key has not signed"),
        "{shown}"
    );

    // One of a witness signs no log, and that of the log is no witness.
    let witness = dir.path().join("witness.key");
    let made = format!("key new {} --name w.example --witness", witness.display());
    expect(0, &made, &path);
    let witness = witness.display();
    for arguments in [
        format!("heads sign {{}} --key {witness} --to {to}"),
        format!("tiles {{}} {to}.tiles --key {witness}"),
        format!("prove {{}} --sequence 1 --key {witness}"),
    ] {
        let (code, out, err) = outcome(&run(&arguments, &path));
        assert_eq!((code, &*out), (2, ""), "{err}");
        assert!(err.contains("key of a witness"), "{err}");
    }
    let itself = format!("verify {{}} --anchors {to} --key {public} --witness {public}");
    let (code, _, err) = outcome(&run(&itself, &path));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("no witness of itself"), "{err}");
    let nothing = format!("heads sign {{}} --key {} --to command:", own.display());
    assert_eq!(outcome(&run(&nothing, &path)).0, 2);
}
