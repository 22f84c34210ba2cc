//! Clients that say anything, nothing, too much or too slowly, in any number, and those of other users.

use crate::{client, last_line, raw, say, store};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use strandline_control::{CONTROL_FILE, Control, ControlOptions};

#[test]
fn what_is_no_request_is_refused_and_nothing_is_done() {
    let (_dir, path, store) = store(5);
    let _control = Control::open(&store).unwrap();
    let deep = "[".repeat(100_000);
    for (line, kind, text) in [
        ("\n", "InvalidInput", "no line of JSON"),
        ("GET / HTTP/1.1\r\n", "InvalidInput", "no line of JSON"),
        ("{\"protocol\":1}\n", "InvalidInput", "missing field `do`"),
        (
            "{\"protocol\":9,\"do\":\"status\"}\n",
            "UnsupportedVersion",
            "version 9",
        ),
        (
            "{\"protocol\":1,\"do\":\"compact\"}\n",
            "InvalidInput",
            "missing field `rules`",
        ),
        (
            "{\"protocol\":1,\"do\":\"compact\",\"rules\":{}}\n",
            "InvalidInput",
            "",
        ),
        (
            "{\"protocol\":1,\"do\":\"redact\",\"of\":{\"entities\":[\"\"]}}\n",
            "InvalidInput",
            "empty prefix",
        ),
        (
            "{\"protocol\":1,\"do\":\"redact\",\"of\":{\"regions\":[{}]}}\n",
            "InvalidInput",
            "every event",
        ),
        (&format!("{deep}\n"), "InvalidInput", "recursion limit"),
    ] {
        let told = say(&path, line.as_bytes());
        let error = &told["error"];
        let start = &line[..line.len().min(60)];
        assert_eq!(error["kind"], kind, "{start}: {told}");
        assert!(
            error["message"].as_str().unwrap().contains(text),
            "{start}: {told}"
        );
    }
    let garbage: Vec<u8> = (0..=255)
        .filter(|byte| *byte != b'\n')
        .chain([b'\n'])
        .collect();
    assert_eq!(say(&path, &garbage)["error"]["kind"], "InvalidInput");
    assert_eq!(store.snapshot().len(), 5);
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_line_that_does_not_end_is_refused_before_it_fills_the_memory() {
    let (_dir, path, store) = store(1);
    let options = ControlOptions::new().request_bytes_max(10_000);
    let _control = options.open(&store).unwrap();
    let told = say(&path, &vec![b'x'; 64 << 20]);
    assert_eq!(told["error"]["kind"], "TooLarge", "{told}");
    assert_eq!(client(&path).status().unwrap().store.events, 1);
}

#[test]
fn a_client_that_is_slow_holds_nobody_up_and_is_left() {
    let (_dir, path, store) = store(1);
    let options = ControlOptions::new().patience(Duration::from_millis(200));
    let _control = options.open(&store).unwrap();
    let mut slow = raw(&path);
    slow.write_all(b"{\"protocol\":1,").unwrap();
    assert_eq!(client(&path).status().unwrap().store.events, 1);
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"", "it was left without a word");
}

#[test]
fn a_request_that_ends_before_its_line_does_is_none() {
    let (_dir, path, store) = store(5);
    let _control = Control::open(&store).unwrap();
    let mut cut = raw(&path);
    cut.write_all(br#"{"protocol":1,"do":"compact","rules":{"keep_newest":1}}"#)
        .unwrap();
    cut.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(last_line(&cut), serde_json::Value::Null);
    assert_eq!(store.snapshot().len(), 5);
    // Whoever says all of it and then no more is answered.
    let mut whole = raw(&path);
    whole
        .write_all(b"{\"protocol\":1,\"do\":\"checkpoint\"}\n")
        .unwrap();
    whole.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(last_line(&whole)["result"]["sequence"], 5);
}

#[test]
fn a_hundred_connections_that_ask_for_nothing_keep_nobody_out() {
    let (_dir, path, store) = store(2);
    let options = ControlOptions::new().connections_max(4);
    let _control = options.open(&store).unwrap();
    let silent: Vec<_> = (0..100).map(|_| raw(&path)).collect();
    assert_eq!(client(&path).status().unwrap().store.events, 2);
    assert_eq!(client(&path).checkpoint().unwrap().get(), 2);
    drop(silent);
    assert_eq!(client(&path).status().unwrap().store.events, 2);
}

/// Not a test by itself: what another user's process does in the one below.
#[test]
fn as_another_user() {
    let Some(path) = std::env::var_os("CONTROL_OF") else {
        return;
    };
    let told = say(Path::new(&path), b"{\"protocol\":1,\"do\":\"status\"}\n");
    println!("told {told}");
}

/// The mode of the socket and of the directory keep other users out; this is where somebody has changed both.
#[test]
fn another_user_is_refused_whatever_the_modes_are() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (dir, path, store) = store(2);
    let _control = Control::open(&store).unwrap();
    let open = |path: &Path, mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, mode).unwrap();
    };
    open(dir.path(), 0o755);
    open(&path, 0o755);
    open(&path.join(CONTROL_FILE), 0o666);
    // Where it can be run by anybody.
    let program = dir.path().join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    open(&program, 0o755);
    let other = Command::new(&program)
        .args(["--exact", "hostile::as_another_user", "--nocapture"])
        .env("CONTROL_OF", &path)
        .current_dir(dir.path())
        .uid(65_534)
        .gid(65_534)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&other.stdout);
    assert!(
        said.contains("told {"),
        "{said}{}",
        String::from_utf8_lossy(&other.stderr)
    );
    assert!(
        said.contains("controlled by the user whose process"),
        "{said}"
    );
    assert!(!said.contains("\"result\":"), "{said}");
    assert_eq!(client(&path).status().unwrap().store.events, 2);
}
