//! `restore`: paths as people type them, volumes, and what is said of what is refused.

use crate::{expect, fill, json, outcome, program, run, store};
use std::path::Path;
use std::process::Command;
use strandline::Store;

/// A backup of ten events, and the store with five more.
fn backed_up() -> (tempfile::TempDir, std::path::PathBuf) {
    let (dir, path) = store();
    let backup = dir.path().join("backup");
    expect(
        0,
        &format!("backup {{}} {} --copy", backup.display()),
        &path,
    );
    let open = Store::open(&path).unwrap();
    fill(&open, 10..15);
    open.close().unwrap();
    (dir, path)
}

fn events(path: &Path) -> u64 {
    json(0, "stats {} --json", path)["events"].as_u64().unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().into_string().unwrap()
    };
    let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(name).collect();
    names.sort();
    names
}

/// The renames were of the paths as they were typed, and `.` has no name.
#[test]
fn a_store_is_restored_from_within_its_directory() {
    let (dir, path) = backed_up();
    let within = |arguments: &str| {
        let mut command = program();
        command.args(arguments.split(' ')).current_dir(&path);
        outcome(&command.output().unwrap())
    };
    let (code, _, err) = within("restore ../backup .");
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--replace"), "{err}");
    assert_eq!(events(&path), 15);
    let (code, out, err) = within("restore ../backup . --replace");
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("ended at sequence 15"), "{out}");
    assert!(out.contains("orders.strand.replaced-1"), "{out}");
    assert_eq!(events(&path), 10);
    // Up from there is no store.
    let (code, _, err) = within("restore ../backup ../../ --replace");
    assert_eq!(code, 2, "{err}");
    // That directory is not where the path leads any more.
    assert_eq!(
        names(dir.path()),
        ["backup", "orders.strand", "orders.strand.replaced-1"]
    );
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    let mut command = program();
    command.args(["restore", "../backup", "./"]);
    let output = command.current_dir(dir.path().join("empty")).output();
    let (code, _, err) = outcome(&output.unwrap());
    assert_eq!(code, 0, "{err}");
    assert_eq!(events(&dir.path().join("empty")), 10);
}

/// `restore B ./B --replace` moved the backup away and called that done.
#[test]
fn a_backup_is_not_restored_over_itself() {
    let (dir, path) = backed_up();
    let backup = dir.path().join("backup");
    let before = names(&backup);
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&backup, &link).unwrap();
    for target in [
        backup.clone(),
        backup.join("."),
        backup.join("../backup"),
        link,
    ] {
        let arguments = format!(
            "restore {} {} --replace",
            backup.display(),
            target.display()
        );
        let (code, _, err) = outcome(&run(&arguments, &path));
        assert_eq!(code, 2, "{arguments}: {err}");
    }
    assert_eq!(names(&backup), before);
    assert_eq!(names(dir.path()), ["backup", "link", "orders.strand"]);
}

/// A read model that asks sees that its position is of another course of the log.
/// What to do about a damaged backup was to restore it.
#[test]
fn a_damaged_backup_is_not_said_to_be_restored() {
    let (dir, path) = backed_up();
    let backup = dir.path().join("backup");
    let restore = format!("restore {} {{}}", backup.display());
    let new = dir.path().join("new.strand");
    let check = |code: i32, said: [&str; 2]| {
        let (found, _, err) = outcome(&run(&restore, &new));
        assert_eq!(found, code, "{err}");
        assert!(said.iter().all(|said| err.contains(said)), "{err}");
        assert!(!new.exists());
        err
    };
    let segment = segments(&backup).pop().unwrap();
    crate::inspect::damage(&backup.join(&segment), 2000);
    let salvage = format!("strandline salvage {} NEW", backup.display());
    let err = check(1, ["restore another backup", &salvage]);
    assert!(!err.contains("restore a backup"), "{err}");
    std::fs::remove_dir_all(&backup).unwrap();
    let nothing = [
        "nothing was restored: there is no store",
        "a backup is a directory with a MANIFEST",
    ];
    check(2, nothing);
    assert_eq!(events(&path), 15);
}

/// To check the path, which was right, was advised beside what to do.
#[test]
fn an_interrupted_restore_is_told_with_one_thing_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new.strand");
    let left = dir.path().join("new.strand.restoring-1");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("RESTORING"), "").unwrap();
    for command in ["stats {}", "verify {}", "tail {}"] {
        let (code, _, err) = outcome(&run(command, &path));
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("restore again"), "{err}");
        assert!(!err.contains("next:"), "{err}");
    }
}

fn segments(dir: &Path) -> Vec<String> {
    let mut names = names(dir);
    names.retain(|name| name.starts_with("segment-"));
    names
}

#[test]
fn a_restored_store_shows_its_new_epoch() {
    let (dir, path) = backed_up();
    let backup = dir.path().join("backup");
    let epoch = |path: &Path| {
        let epoch = json(0, "stats {} --json", path)["epoch"].clone();
        assert_eq!(json(0, "inspect {} --json", path)["epoch"], epoch);
        let shown = epoch.as_str().unwrap();
        assert!(expect(0, "inspect {}", path).contains(&format!("epoch {shown}")));
        assert!(expect(0, "stats {}", path).contains(shown));
        epoch
    };
    let before = epoch(&path);
    assert_eq!(epoch(&backup), before);
    let arguments = format!("restore {} {{}} --replace --json", backup.display());
    let done = json(0, &arguments, &path);
    assert_eq!(
        (&done["end"], &done["replaced_end"]),
        (&10.into(), &15.into())
    );
    assert_eq!(epoch(&path), done["epoch"]);
    assert_ne!(done["epoch"], before);
    let bytes = expect(0, "inspect {} --file MANIFEST", &path);
    assert!(
        bytes.contains("epoch") && bytes.contains("is a copy"),
        "{bytes}"
    );
}

/// A volume can be neither renamed nor replaced, which was found out when everything was copied.
#[test]
fn a_volume_is_filled_and_its_store_is_not_replaced() {
    let (dir, path) = backed_up();
    let script = r#"
        mkdir volume && mount -t tmpfs none volume && mkdir volume/lost+found || exit 77
        "$PROGRAM" restore backup volume || exit 1
        "$PROGRAM" verify volume || exit 2
        ls -A volume > before
        "$PROGRAM" restore backup volume --replace 2> refused && exit 3
        ls -A volume | cmp - before || exit 4
        grep -q 'move its files into another directory' refused || exit 5
        mkdir aside && mv volume/*.* volume/MANIFEST aside || exit 6
        (cd volume && "$PROGRAM" restore ../backup .) || exit 7
        mount --bind backup bound 2> /dev/null || { mkdir bound; mount --bind backup bound; } || exit 8
        "$PROGRAM" restore backup bound --replace 2> refused && exit 9
        grep -q 'one directory' refused || exit 10
        ls -A > left
    "#;
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script]);
    command.current_dir(dir.path());
    command.env("PROGRAM", program().get_program());
    let output = command.output();
    let Ok(output) = output else {
        println!("skipped: there is no unshare");
        return;
    };
    let (code, out, err) = outcome(&output);
    if code == 77 || err.contains("unshare:") {
        println!("skipped: nothing may be mounted: {err}");
        return;
    }
    assert_eq!(code, 0, "{out}{err}");
    let left = std::fs::read_to_string(dir.path().join("left")).unwrap();
    assert!(!left.contains("restoring"), "{left}");
    assert_eq!(events(&path), 15);
}

/// Cause: where the file system knows neither a rename that replaces nothing nor links, files were not
/// moved into the empty directory.
#[test]
fn an_empty_directory_is_filled_where_the_file_system_knows_no_links() {
    let (dir, _path) = backed_up();
    let target = dir.path().join("volume");
    std::fs::create_dir(&target).unwrap();
    let output = Command::new("strace")
        .args(["-qq", "-f", "-o", "/dev/null"])
        .args(["-e", "inject=renameat2:error=EINVAL"])
        .args(["-e", "inject=linkat:error=EPERM"])
        .arg(program().get_program())
        .args([Path::new("restore"), &dir.path().join("backup"), &target])
        .output();
    let Ok(output) = output else {
        println!("skipped: there is no strace");
        return;
    };
    let (code, _, err) = outcome(&output);
    if err.contains("strace:") {
        println!("skipped: nothing may be traced: {err}");
        return;
    }
    assert_eq!(code, 0, "{err}");
    assert_eq!(events(&target), 10);
}
