//! Files that a command line names: links, pipes, devices, `-`, names that are no UTF-8; and what is in them.

use crate::{PAID, at, expect, json, outcome, program, run, store};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use strandline::{Event, PayloadEncoding, Receipt, Store};
use tempfile::TempDir;

const LINES: &str = "{\"entity\":\"e\",\"scope\":\"s\",\"kind\":1,\"payload\":1}\n\
                     {\"entity\":\"e\",\"scope\":\"s\",\"kind\":1,\"payload\":2}\n";

/// Runs a line of `sh` in a directory; `strandline` is the program.
fn shell(line: &str, dir: &Path) -> Output {
    let program = program().get_program().to_owned();
    let line = format!("strandline() {{ \"$PROGRAM\" \"$@\"; }}; {line}");
    Command::new("bash")
        .args(["-c", &line])
        .env("PROGRAM", program)
        .current_dir(dir)
        .output()
        .unwrap()
}

#[track_caller]
fn check(code: i32, line: &str, dir: &Path, says: &str) -> String {
    let (found, out, err) = outcome(&shell(line, dir));
    assert_eq!(found, code, "{line}: {out}{err}");
    assert!(format!("{out}{err}").contains(says), "{line}: {out}{err}");
    out
}

/// A directory with lines under every kind of name.
fn inputs() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lines"), LINES).unwrap();
    symlink("lines", dir.path().join("link")).unwrap();
    symlink("link", dir.path().join("link-to-link")).unwrap();
    symlink("/dev/stdin", dir.path().join("link-to-stdin")).unwrap();
    let made = Command::new("mkfifo").arg(dir.path().join("pipe")).status();
    assert!(made.unwrap().success());
    dir
}

/// The seam for a store's own files follows no links and takes plain files alone, and it opened what the
/// command line named.
#[test]
fn an_import_reads_whatever_a_filter_reads() {
    let dir = inputs();
    for (number, line) in [
        "strandline import S lines",
        "strandline import S - < lines",
        "cat lines | strandline import S -",
        "strandline import S link",
        "strandline import S link-to-link",
        "strandline import S /dev/stdin < lines",
        "cat lines | strandline import S /dev/stdin",
        "cat lines | strandline import S link-to-stdin",
        "strandline import S /proc/self/fd/0 < lines",
        "strandline import S /dev/fd/5 5< lines",
        "strandline import S <(cat lines)",
        "cat lines > pipe & strandline import S pipe",
        "strandline import S lines --check --json",
    ]
    .into_iter()
    .enumerate()
    {
        let line = line.replace("import S", &format!("import S{number}"));
        check(0, &line, dir.path(), "2");
        if !line.contains("--check") {
            let store = dir.path().join(format!("S{number}"));
            assert_eq!(json(0, "stats {} --json", &store)["events"], 2, "{line}");
        }
    }
    for (line, says) in [
        ("strandline import S .", "a directory"),
        ("strandline import S nowhere", "No such file"),
        (
            "ln -s loop loop; strandline import S loop",
            "cannot be read",
        ),
    ] {
        check(2, line, dir.path(), says);
        assert!(!dir.path().join("S").exists(), "{line}");
    }
    check(0, "strandline import S /dev/null", dir.path(), "0 events");
    check(0, "strandline import S - <&-", dir.path(), "0 events");
}

#[test]
fn an_export_writes_wherever_a_filter_writes() {
    let (dir, _store) = store();
    let dir = dir.path();
    symlink("/dev/stdout", dir.join("link-to-stdout")).unwrap();
    symlink("made-by-link", dir.join("dangling")).unwrap();
    let lines = check(0, "strandline export orders.strand", dir, "order:1");
    assert_eq!(lines.lines().count(), 10);
    for line in [
        "strandline export orders.strand -o -",
        "strandline export orders.strand -o /dev/stdout",
        "strandline export orders.strand -o /proc/self/fd/1",
        "strandline export orders.strand -o link-to-stdout",
        "strandline export orders.strand -o /dev/stderr 2>&1 >/dev/null",
        "strandline export orders.strand -o /dev/fd/5 5>&1 >/dev/null",
        "mkfifo ended; strandline export orders.strand -o >(cat >out1; : >ended) >/dev/null; \
         cat ended out1",
        "mkfifo pipe; strandline export orders.strand -o pipe >/dev/null & cat pipe",
        "strandline export orders.strand -o new >/dev/null && cat new",
        "strandline export orders.strand -o dangling >/dev/null && cat made-by-link",
        "strandline export orders.strand -o /dev/stdout >out2 2>/dev/null; cat out2",
        "strandline export orders.strand -o - --json 2>/dev/null",
    ] {
        assert_eq!(check(0, line, dir, ""), lines, "{line}");
    }
    let appended =
        "echo before >out3; strandline export orders.strand -o /dev/stdout >>out3; cat out3";
    assert_eq!(
        check(0, appended, dir, "10 events"),
        format!("before\n{lines}")
    );
    check(
        0,
        "strandline export orders.strand -o /dev/null",
        dir,
        "10 events",
    );
    for (line, says) in [
        ("strandline export orders.strand -o new", "there already"),
        (
            "ln -s new to-new; strandline export orders.strand -o to-new",
            "there already",
        ),
        ("strandline export orders.strand -o .", "a directory"),
        (
            "strandline export orders.strand -o no/such/directory",
            "No such file",
        ),
        (
            "strandline export orders.strand -o no-directory/",
            "names a directory",
        ),
    ] {
        check(2, line, dir, says);
    }
    check(
        1,
        "strandline export orders.strand -o /dev/full",
        dir,
        "/dev/full cannot be written",
    );
    assert!(
        std::fs::metadata("/dev/null")
            .unwrap()
            .file_type()
            .is_char_device()
    );
    check(0, "strandline export orders.strand -o >(exit)", dir, "");
    assert_eq!(partial(dir), Vec::<OsString>::new());
}

fn partial(dir: &Path) -> Vec<OsString> {
    let names = std::fs::read_dir(dir).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name());
    names
        .filter(|name| name.to_string_lossy().contains("partial"))
        .collect()
}

/// An export that met damage left a file that looked whole.
#[test]
fn a_file_has_its_name_once_it_is_whole() {
    let (dir, path) = store();
    let segment = path.join("segment-0000000001.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    let end = bytes.len();
    bytes[end / 2..end / 2 + 64].fill(0xa5);
    std::fs::write(&segment, bytes).unwrap();
    let lines = dir.path().join("lines");
    let (code, _, err) = outcome(&run(&format!("export {{}} -o {}", lines.display()), &path));
    assert_eq!(code, 1, "{err}");
    assert!(!lines.exists());
    assert_eq!(partial(dir.path()), Vec::<OsString>::new());
}

fn receipts() -> (TempDir, PathBuf, Vec<Receipt>) {
    let (dir, path) = store();
    let store = Store::open(&path).unwrap();
    let append = |number: u32| {
        let event = Event::json(PAID, &number).unwrap();
        store.append(&at("e", "s"), event).unwrap()
    };
    let receipts = (0..5).map(append).collect();
    store.close().unwrap();
    (dir, path, receipts)
}

/// Only receipts one after the other were read, and an array of them was none.
#[test]
fn receipts_are_read_however_they_are_laid_out() {
    let (dir, path, receipts) = receipts();
    let one = serde_json::to_string(&receipts[0]).unwrap();
    let line = |receipt: &Receipt| serde_json::to_string(receipt).unwrap() + "\n";
    let lines: String = receipts.iter().map(line).collect();
    let array = serde_json::to_string(&receipts).unwrap();
    let pretty = serde_json::to_string_pretty(&receipts).unwrap();
    let pretty_one = serde_json::to_string_pretty(&receipts[0]).unwrap();
    for (text, count) in [
        (one.clone(), 1),
        (format!("{one}{one}"), 2),
        (lines.clone(), 5),
        (lines.replace('\n', "\r\n"), 5),
        (array.clone(), 5),
        (format!("[{array}, []]"), 5),
        (pretty.clone(), 5),
        (format!("{pretty_one}\n{array}\n{lines}\n\n{pretty}"), 16),
    ] {
        let file = dir.path().join("receipts");
        std::fs::write(&file, &text).unwrap();
        let shown = expect(
            0,
            &format!("verify {{}} --receipt {}", file.display()),
            &path,
        );
        let said = if count == 1 {
            "1 receipt kept".to_owned()
        } else {
            format!("{count} receipts kept")
        };
        assert!(shown.contains(&said), "{text}: {shown}");
    }
    std::fs::write(dir.path().join("receipts"), &pretty).unwrap();
    symlink("receipts", dir.path().join("link")).unwrap();
    for line in [
        "strandline verify orders.strand --receipt - < receipts",
        "strandline verify orders.strand --receipt link",
        "cat receipts | strandline verify orders.strand --receipt /dev/stdin",
        "strandline verify orders.strand --receipt <(cat receipts) ",
    ] {
        check(0, line, dir.path(), "5 receipts kept");
    }
    for (text, says) in [
        (String::new(), "no receipt in it"),
        ("[]".to_owned(), "no receipt in it"),
        (
            format!("{one}\n[{one},\n {{\"id\": 7}}]"),
            "receipt 3 is none: ",
        ),
        (
            format!("{one}\n[{one},\n {{\"id\": 7}}]"),
            // Where reading has come to: the character after the number.
            "line 3 column 10",
        ),
        (
            format!("{one}\n\"text\""),
            "expected a receipt or an array of receipts at line 2",
        ),
        ("{}".to_owned(), "missing field `id` at line 1 column 2"),
        (one.trim_end_matches('}').to_owned(), "EOF while parsing"),
        ("[".repeat(100_000), "recursion limit"),
        ("\u{ff}".to_owned(), "receipt 1 is none"),
    ] {
        let file = dir.path().join("wrong");
        std::fs::write(&file, &text).unwrap();
        let (code, _, err) = outcome(
            &program()
                .arg("verify")
                .arg(&path)
                .arg("--receipt")
                .arg(&file)
                .output()
                .unwrap(),
        );
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(says), "{says}: {err}");
    }
}

/// Where JSON took more than one line, its numbers went through floats: an id of 30 digits was shown as
/// `1.2345678901234568e+29`.
#[test]
fn numbers_are_shown_as_they_were_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("numbers.strand");
    let store = Store::open(&path).unwrap();
    let parts = "\"id\":123456789012345678901234567890,\"a\":1.50,\"b\":1e400";
    let deep = "[ ".repeat(150) + &"]".repeat(150);
    for text in [
        format!("{{{parts}}}"),
        format!("{{{parts}}} "),
        format!("{{\n  {}\n}}\n", parts.replace(',', ",\n  ")),
        deep.clone(),
        format!("{deep}\n"),
    ] {
        let event = Event::encoded(PAID, PayloadEncoding::JSON, text.into());
        store.append(&at("e", "s"), event).unwrap();
    }
    store.close().unwrap();
    for command in ["query {}", "query {} --json", "tail {} --json", "tail {}"] {
        let shown = expect(0, command, &path);
        let shown: Vec<_> = shown.lines().collect();
        assert_eq!(shown.len(), 5, "{command}");
        for line in &shown[..3] {
            assert!(line.contains(&format!("{{{parts}}}")), "{command}: {line}");
        }
        for line in &shown[3..] {
            let line = line.replace(' ', "");
            assert!(line.contains(&deep.replace(' ', "")), "{command}: {line}");
        }
    }
}

/// Paths are bytes, and `json!` panics where one is no text.
#[test]
fn names_that_are_no_utf_8_are_as_good_as_others() {
    let dir = tempfile::tempdir().unwrap();
    let named = |name: &[u8]| {
        dir.path()
            .join(OsString::from_vec([name, b"-\xff\xfe"].concat()))
    };
    let path = named(b"store");
    crate::fill(&Store::open(&path).unwrap(), 0..10);
    std::fs::write(named(b"lines"), LINES).unwrap();
    let receipt = {
        let store = Store::open(&path).unwrap();
        let event = Event::bytes(PAID, vec![1]);
        store.append(&at("e", "s"), event).unwrap()
    };
    std::fs::write(named(b"receipt"), serde_json::to_vec(&receipt).unwrap()).unwrap();
    // What is no file of the store is listed.
    std::fs::write(path.join(OsStr::from_bytes(b"other-\xff")), "").unwrap();
    let text = |text: &str| OsString::from(text);
    for (command, rest) in [
        ("stats", vec![]),
        ("inspect", vec![]),
        ("query", vec![]),
        ("tail", vec![]),
        ("verify", vec![text("--receipt"), named(b"receipt").into()]),
        ("export", vec![text("-o"), named(b"exported").into()]),
        ("import", vec![named(b"lines").into()]),
        ("checkpoint", vec![]),
        ("rebuild", vec![]),
        ("backup", vec![named(b"copy").into()]),
        ("salvage", vec![named(b"saved").into()]),
        ("compact", vec![text("--keep-newest"), text("3")]),
        ("redact", vec![text("--entity"), text("e")]),
        ("removals", vec![]),
        ("restore", vec![named(b"restored").into()]),
        (
            "restore",
            vec![named(b"restored").into(), text("--replace")],
        ),
    ] {
        for json in [false, true] {
            let mut arguments = rest.clone();
            if json {
                arguments.push("--json".into());
                if matches!(command, "export" | "salvage") {
                    arguments = arguments.iter().map(again).collect();
                }
                if command == "restore" && !arguments.contains(&text("--replace")) {
                    continue;
                }
            }
            let output = program()
                .arg(command)
                .arg(&path)
                .args(&arguments)
                .output()
                .unwrap();
            let (code, err) = (
                output.status.code(),
                String::from_utf8_lossy(&output.stderr),
            );
            assert_eq!(code, Some(0), "{command} {json}: {err}");
        }
    }
}

/// A path beside another one.
fn again(path: &OsString) -> OsString {
    match Path::new(path).is_absolute() {
        true => [path.as_os_str(), OsStr::new("-again")]
            .into_iter()
            .collect(),
        false => path.clone(),
    }
}

/// The checkpoint that could not be written either was told, and not why the import had stopped.
#[test]
fn of_two_failures_the_first_is_told_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut lines = std::fs::File::create(dir.path().join("lines")).unwrap();
    for number in 0..20_000 {
        writeln!(
            lines,
            "{{\"entity\":\"e:{number}\",\"scope\":\"s\",\"kind\":2,\"payload\":{number}}}"
        )
        .unwrap();
    }
    std::fs::create_dir(dir.path().join("small")).unwrap();
    let line =
        "mount -t tmpfs -o size=2000k none small || exit 77; strandline import small/S lines";
    let output = Command::new("unshare")
        .args(["-rm", "bash", "-c"])
        .arg(format!("strandline() {{ \"$PROGRAM\" \"$@\"; }}; {line}"))
        .env("PROGRAM", program().get_program())
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .output();
    let Some(output) = output.ok().filter(|output| output.status.code() == Some(1)) else {
        eprintln!("SKIPPED: no file system can be mounted here");
        return;
    };
    let (_, out, err) = outcome(&output);
    assert!(out.contains("events imported"), "{out}{err}");
    let lines: Vec<_> = err.lines().collect();
    let [error, also, next] = lines.as_slice() else {
        panic!("{err}");
    };
    assert!(
        error.starts_with("error: ") && error.contains("No space left"),
        "{err}"
    );
    assert!(error.contains("segment-0000000001.log"), "{err}");
    assert!(
        also.starts_with("  also: the checkpoint was not saved"),
        "{err}"
    );
    assert!(
        next.starts_with("  next: make room and import the file again"),
        "{err}"
    );
}
