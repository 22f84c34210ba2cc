//! Keys behind a program: what it is asked, what it may answer, and what becomes of one that does not.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and looks at files behind the seam"
)]
#![cfg(unix)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::{Coordinate, Error, ErrorKind, Event, EventKind, ManualClock, Store};
use strandline_seal::{CommandKeys, CommandLimits, Found, KeyStore, Opener, Per, Sealer, Subject};

const SEVEN: Subject<'static> = Subject::Entity("customer:7");
/// So long no program takes that answers at all.
const LONG: Duration = Duration::from_secs(600);

/// A vault for one customer, in a directory: `key` has its key, `gone` is there once it was forgotten; `asked` has
/// all questions.
const VAULT: &str = r#"
cd "$0" || exit 9
read -r question
echo "$question" >> asked
case "$question" in
    *'"ask":"create"'*) [ -f key ] || echo '{"id":"ID","key":"KEY"}' > key; cat key ;;
    *'"ask":"forget"'*) if [ -f key ]; then rm key; touch gone; echo '{"forgotten":true}'; else echo '{}'; fi ;;
    *) if [ -f key ]; then cat key; elif [ -f gone ]; then echo '{"forgotten_ms":7}'; else echo '{}'; fi ;;
esac
"#;

fn limits(answer_time_max: Duration) -> CommandLimits {
    let mut limits = CommandLimits::default();
    limits.answer_time_max = answer_time_max;
    limits
}

fn shell(script: &str, dir: &Path, limits: CommandLimits, clock: &Arc<ManualClock>) -> CommandKeys {
    let script = script
        .replace("ID", &"01".repeat(16))
        .replace("KEY", &"02".repeat(32));
    let arguments = ["-c".into(), script.into(), dir.as_os_str().to_owned()];
    CommandKeys::with_clock("sh", arguments, limits, clock.clone())
}

fn asked(dir: &Path) -> usize {
    std::fs::read_to_string(dir.join("asked")).map_or(0, |text| text.lines().count())
}

fn kind_of<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn a_program_keeps_the_keys() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(0));
    let keys = Arc::new(shell(VAULT, dir.path(), limits(LONG), &clock));
    let store = Store::open(dir.path().join("customers.strand")).unwrap();
    let sealer = Sealer::new(keys.clone(), Per::Entity).unwrap();
    let opener = Opener::new(keys.clone());
    let seven = Coordinate::new("customer:7", "shop").unwrap();
    let seal = || sealer.seal(&seven, Event::bytes(EventKind::new(1, 1), *b"Elm Street"));
    let read = || opener.open(store.snapshot().latest("customer:7").unwrap().unwrap());
    store.append(&seven, seal().unwrap()).unwrap();
    assert_eq!(read().unwrap().payload().unwrap(), b"Elm Street");
    assert_eq!(asked(dir.path()), 2, "whether there is one, and to make it");
    // What it gave is used for a minute.
    clock.set(59_999);
    let _ = seal().unwrap();
    assert_eq!(asked(dir.path()), 2);
    clock.set(60_000);
    let _ = seal().unwrap();
    read().unwrap();
    assert_eq!(asked(dir.path()), 3);

    assert!(keys.forget(SEVEN).unwrap());
    assert!(!keys.forget(SEVEN).unwrap());
    assert!(read().unwrap().is_forgotten());
    assert_eq!(kind_of(seal()), ErrorKind::Forgotten);
}

#[test]
fn few_keys_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(0));
    let mut limits = limits(LONG);
    limits.kept_keys_max = 0;
    let keys = shell(VAULT, dir.path(), limits, &clock);
    let key = keys.create(SEVEN).unwrap();
    assert!(matches!(keys.find(key.id()).unwrap(), Found::Key(_)));
    let before = asked(dir.path());
    keys.current(Subject::Entity("customer:7")).unwrap();
    assert!(asked(dir.path()) <= before + 1);
}

#[test]
fn what_is_no_answer_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(0));
    for script in [
        "exit 3",
        "echo no",
        "echo '{}'; exit 1",
        "true",
        "echo '{\"id\":\"ID\"}'",
        "yes",
        "kill -9 $$",
    ] {
        let keys = shell(script, dir.path(), limits(LONG), &clock);
        assert_eq!(kind_of(keys.current(SEVEN)), ErrorKind::Io, "{script}");
    }
    let keys = CommandKeys::new("no-such-program-of-keys", [""; 0], limits(LONG));
    assert_eq!(kind_of(keys.current(SEVEN)), ErrorKind::Io);
    // Another key than was asked for; none where one was to be made.
    let other = shell(
        "echo '{\"id\":\"ID\",\"key\":\"KEY\"}'",
        dir.path(),
        limits(LONG),
        &clock,
    );
    let id = "03".repeat(16).parse().unwrap();
    assert_eq!(kind_of(other.find(id)), ErrorKind::Io);
    assert_eq!(kind_of(other.forget(SEVEN)), ErrorKind::Io);
    let nothing = shell("echo '{}'", dir.path(), limits(LONG), &clock);
    assert_eq!(kind_of(nothing.create(SEVEN)), ErrorKind::Io);
    assert!(nothing.current(SEVEN).unwrap().is_none());
}

#[test]
fn a_program_that_does_not_end_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(0));
    // One that gives no answer, one that gives it and goes on, one that does not read and gives none.
    for script in [
        "exec sleep 100000",
        "echo '{}'; exec >&-; exec sleep 100000",
        "exec <&-; exec sleep 100000",
    ] {
        let keys = shell(
            script,
            dir.path(),
            limits(Duration::from_millis(50)),
            &clock,
        );
        assert_eq!(kind_of(keys.current(SEVEN)), ErrorKind::Io, "{script}");
    }
}
