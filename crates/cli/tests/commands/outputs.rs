//! Standard output and standard error that cannot be written: closed, full, or read by nobody.

use crate::output_cases::{CASES, Case, nothing_to_do};
use crate::{expect, outcome, program, run, store};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Makes a file of keys with one of an entity of the store.
#[cfg(feature = "seal")]
fn make_keys(beside: &Path) {
    use strandline_seal::{FileKeys, KeyStore as _, Subject, WrappingKey};
    let wrapping = WrappingKey::random().unwrap();
    std::fs::write(beside.join("wrapping"), wrapping.to_hex().as_bytes()).unwrap();
    let keys = FileKeys::create(beside.join("keys"), wrapping).unwrap();
    keys.create(Subject::Entity("order:1")).unwrap();
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fine,
    Closed,
    Full,
    /// A pipe whose other end is closed.
    Unread,
}

const STATES: [State; 4] = [State::Fine, State::Closed, State::Full, State::Unread];

/// Runs the program with both outputs in these states.
fn run_with(arguments: &[String], out: State, err: State) -> Output {
    let to = |number, state| match state {
        State::Closed => format!(" {number}>&-"),
        State::Full => format!(" {number}>/dev/full"),
        State::Fine | State::Unread => String::new(),
    };
    let shell = format!("exec \"$0\" \"$@\"{}{}", to(1, out), to(2, err));
    let mut command = Command::new("sh");
    command.args(["-c", &shell]);
    command.arg(program().get_program()).args(arguments);
    let pipe = |state| match state {
        State::Unread => {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            Stdio::from(writer)
        }
        _ => Stdio::piped(),
    };
    command.stdout(pipe(out)).stderr(pipe(err));
    command.spawn().unwrap().wait_with_output().unwrap()
}

fn prepared() -> (tempfile::TempDir, PathBuf) {
    let (dir, store) = store();
    let reader = strandline::StoreOptions::new().read_only().open(&store);
    let live = strandline_live::Live::open(&std::sync::Arc::new(reader.unwrap())).unwrap();
    live.position("printer").unwrap();
    let line = |number: u32| {
        format!("{{\"entity\":\"e\",\"scope\":\"s\",\"kind\":1,\"payload\":{number}}}\n")
    };
    std::fs::write(dir.path().join("lines"), line(1) + &line(2)).unwrap();
    std::fs::write(dir.path().join("wrong"), line(1) + "{\n").unwrap();
    let receipt = strandline::Store::open(dir.path().join("other")).unwrap();
    let event = strandline::Event::bytes(crate::PAID, vec![1]);
    let receipt = receipt.append(&crate::at("e", "s"), event).unwrap();
    // Of another store, so that there is a problem to tell of.
    std::fs::write(
        dir.path().join("receipt"),
        serde_json::to_vec(&receipt).unwrap(),
    )
    .unwrap();
    #[cfg(feature = "proof")]
    {
        let beside = |name| dir.path().join(name).display().to_string();
        let (key, proof, tree) = (beside("key"), beside("proof"), beside("tree"));
        let public = expect(0, &format!("key new {key} --name a.example"), &store);
        std::fs::write(beside("public"), public).unwrap();
        let prove = format!("prove {{}} --sequence 3 --key {key} -o {proof}");
        expect(0, &prove, &store);
        expect(0, &format!("tiles {{}} {tree} --key {key}"), &store);
    }
    #[cfg(feature = "seal")]
    make_keys(dir.path());
    #[cfg(feature = "replicate")]
    {
        let bucket = dir.path().join("bucket");
        let replicate = format!("replicate {{}} file://{}", bucket.display());
        expect(0, &replicate, &store);
    }
    (dir, store)
}

/// Each output in each state beside a good one, and both in the same.
const PAIRS: [(State, State); 9] = [
    (State::Closed, State::Fine),
    (State::Full, State::Fine),
    (State::Unread, State::Fine),
    (State::Fine, State::Closed),
    (State::Fine, State::Full),
    (State::Fine, State::Unread),
    (State::Closed, State::Closed),
    (State::Full, State::Full),
    (State::Unread, State::Unread),
];

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

fn check((command, arguments, is_done): &Case, out: State, err: State, json: bool, from: &Path) {
    let dir = tempfile::tempdir().unwrap();
    copy(from, dir.path());
    let store = dir.path().join("orders.strand");
    let mut arguments: Vec<String> = arguments
        .replace('+', dir.path().to_str().unwrap())
        .split(' ')
        .map(|argument| argument.replace("{}", store.to_str().unwrap()))
        .collect();
    if json {
        // What export prints as JSON is of the file that it made.
        if *command == "export" && !arguments.contains(&"-o".to_owned()) {
            return;
        }
        // What these print is of one form alone.
        if ["prove", "completions"].contains(command) {
            return;
        }
        arguments.push("--json".to_owned());
    }
    let output = run_with(&arguments, out, err);
    let is_problem = |argument: &String| {
        ["/wrong", "/receipt"]
            .iter()
            .any(|end| argument.ends_with(end))
    };
    let expected = i32::from(arguments.iter().any(is_problem) || out == State::Full);
    let said = String::from_utf8(output.stderr).unwrap();
    let context = format!("{arguments:?}, {out:?}, {err:?}: {said}");
    assert_eq!(output.status.code(), Some(expected), "{context}");
    assert!(is_done(&store, dir.path()), "{context}");
    if !std::ptr::fn_addr_eq(*is_done, nothing_to_do as fn(&Path, &Path) -> bool) {
        expect(0, "verify {}", &store);
    }
    if out == State::Full && err == State::Fine {
        assert!(
            said.contains("standard output cannot be written"),
            "{context}"
        );
        assert!(!said.contains("make room"), "{context}");
    }
}

/// `println!` and `eprintln!` panic where they cannot write: `compact` and `import` ended with 101, and the
/// store was not closed.
#[test]
fn no_command_fails_to_do_its_work_for_want_of_an_output() {
    let (dir, _store) = prepared();
    let from = dir.path();
    std::thread::scope(|scope| {
        for cases in CASES.chunks(CASES.len().div_ceil(4)) {
            scope.spawn(move || {
                for case in cases {
                    for (out, err) in PAIRS {
                        check(case, out, err, false, from);
                        check(case, out, err, true, from);
                    }
                }
            });
        }
    });
}

#[test]
fn every_command_is_among_the_cases() {
    let (_dir, store) = store();
    let help = expect(0, "--help", &store);
    let commands = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        // A page is served until somebody ends it: `ui.rs` does. So is a store: `serve.rs`.
        // `control` is of a store that a program has open: `controlled.rs` has it.
        .filter(|command| !["", "control", "help", "serve", "ui"].contains(command));
    for command in commands {
        assert!(CASES.iter().any(|(name, ..)| *name == command), "{command}");
    }
}

#[test]
fn help_and_wrong_usage_do_without_outputs() {
    for (arguments, fine) in [
        ("--help", 0),
        ("--version", 0),
        ("help tail", 0),
        ("fly", 2),
    ] {
        let arguments: Vec<_> = arguments.split(' ').map(str::to_owned).collect();
        for out in STATES {
            for err in STATES {
                let code = run_with(&arguments, out, err).status.code();
                let expected = match out {
                    State::Full if fine == 0 => 1,
                    _ => fine,
                };
                assert_eq!(code, Some(expected), "{arguments:?}, {out:?}, {err:?}");
            }
        }
    }
}

/// A problem is one, whoever reads of it: `verify | head -1` said that all was well.
#[test]
fn a_reader_that_goes_away_hides_no_problem() {
    let (dir, store) = prepared();
    let arguments = ["verify", store.to_str().unwrap(), "--receipt"].map(str::to_owned);
    let receipt = dir.path().join("receipt").to_str().unwrap().to_owned();
    let arguments = [&arguments[..], &[receipt]].concat();
    let output = run_with(&arguments, State::Unread, State::Fine);
    assert_eq!(output.status.code(), Some(1));
}

/// Whether it ends long before it would look for more, once of some times: in the others somebody else may
/// have had the processor.
fn ends_at_once(mut end: impl FnMut()) -> bool {
    (0..5).any(|_| {
        let begun = Instant::now();
        end();
        begun.elapsed() < Duration::from_secs(30)
    })
}

/// Nothing new came, so nothing was written, and nothing told `tail` that it could end.
#[test]
fn a_tail_that_nobody_reads_ends() {
    const FOLLOW: [&str; 4] = ["tail", "--follow", "--interval-ms", "60000"];
    let (_dir, store) = store();
    for out in [State::Closed, State::Full, State::Unread] {
        let path = store.to_str().unwrap().to_owned();
        let arguments = [&FOLLOW.map(str::to_owned)[..], &[path]].concat();
        let is_over = ends_at_once(|| {
            let output = run_with(&arguments, out, State::Fine);
            assert_eq!(output.status.code(), Some(i32::from(out == State::Full)));
        });
        assert!(is_over, "{out:?}");
    }
    // A reader that goes later, while nothing comes.
    assert!(ends_at_once(|| {
        let mut tail = program();
        tail.args(FOLLOW).arg(&store).stdout(Stdio::piped());
        let mut child = tail.spawn().unwrap();
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        std::io::BufRead::read_line(&mut lines, &mut line).unwrap();
        assert!(line.contains("order:"), "{line}");
        drop(lines);
        assert!(child.wait().unwrap().success());
    }));
}

/// A progress bar on a terminal of any width, or on none that is known.
#[test]
fn odd_terminals_change_nothing() {
    let (dir, store) = prepared();
    let lines = dir.path().join("lines");
    for (name, value) in [
        ("COLUMNS", "0"),
        ("COLUMNS", "1"),
        ("TERM", "dumb"),
        ("TERM", ""),
        ("NO_COLOR", "1"),
        ("CLICOLOR_FORCE", "1"),
    ] {
        for arguments in [
            vec!["--help".as_ref()],
            vec!["import".as_ref(), store.as_os_str(), lines.as_os_str()],
            vec!["inspect".as_ref(), store.as_os_str()],
        ] {
            let output = program()
                .args(&arguments)
                .env(name, value)
                .output()
                .unwrap();
            let (code, out, err) = outcome(&output);
            assert_eq!(code, 0, "{name}={value} {arguments:?}: {out}{err}");
        }
    }
    for arguments in ["query {} --limit 0", "tail {} -n 0", "inspect {} --top 0"] {
        assert_eq!(outcome(&run(arguments, &store)).0, 0, "{arguments}");
    }
}

/// What an opening set aside was told nobody where a command opened the store to write.
#[test]
fn what_an_opening_sets_aside_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let lines = dir.path().join("lines");
    std::fs::write(&lines, r#"{"entity":"e","scope":"s"}"#).unwrap();
    let import = format!("import {{}} {}", lines.display());
    for command in [
        &*import,
        "checkpoint {}",
        "compact {} --keep-newest 1",
        "redact {} --prefix e",
    ] {
        let name = command.split(' ').next().unwrap();
        let path = dir.path().join(format!("{name}.strand"));
        expect(0, &import, &path);
        let segment = path.join("segment-0000000001.log");
        let mut bytes = std::fs::read(&segment).unwrap();
        bytes.extend([0xff; 500]);
        std::fs::write(&segment, bytes).unwrap();
        let (_, _, err) = outcome(&run(command, &path));
        assert!(err.contains("torn"), "{command}: {err}");
        assert!(path.join("quarantine").exists(), "{command}");
        let (_, _, err) = outcome(&run(command, &path));
        assert!(!err.contains("torn"), "{command}: {err}");
    }
}
