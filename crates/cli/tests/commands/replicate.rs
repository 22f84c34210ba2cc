//! `replicate`, `replicas`, `follow`, `take-over` and `restore --from`, on a directory and on a server of S3.

use crate::{LIMIT, fill, lines_of, outcome, program, store};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use strandline::Store;
use strandline_test_s3::TestS3;
use tempfile::TempDir;

/// A store of ten events, and a bucket for it.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
    pub(crate) store: PathBuf,
    url: String,
    server: Option<TestS3>,
}

impl Place {
    /// A bucket that is a directory, with nothing in it.
    pub(crate) fn directory() -> Self {
        let (dir, store) = store();
        let bucket = dir.path().join("bucket");
        std::fs::create_dir(&bucket).unwrap();
        let url = format!("file://{}", bucket.display());
        let server = None;
        Self {
            dir,
            store,
            url,
            server,
        }
    }

    /// A prefix in a bucket of S3.
    fn server() -> Self {
        let (dir, store) = store();
        let server = TestS3::start().unwrap();
        let url = format!("{}/orders", server.url());
        Self {
            dir,
            store,
            url,
            server: Some(server),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The program with credentials, as people give them.
    fn program(&self) -> Command {
        let mut command = program();
        for (name, value) in self.server.iter().flat_map(TestS3::settings) {
            command.env(name.to_ascii_uppercase(), value);
        }
        command
    }

    /// A run; `{}` is the store, `@` the bucket, `+name` a path.
    pub(crate) fn run(&self, arguments: &str) -> (i32, String, String) {
        let mut command = self.program();
        for argument in arguments.split(' ') {
            match argument {
                "{}" => command.arg(&self.store),
                "@" => command.arg(&self.url),
                own => match own.strip_prefix('+') {
                    Some(name) => command.arg(self.path(name)),
                    None => command.arg(own),
                },
            };
        }
        outcome(&command.output().unwrap())
    }

    pub(crate) fn expect(&self, code: i32, arguments: &str) -> (String, String) {
        let (found, out, err) = self.run(arguments);
        assert_eq!(found, code, "{arguments}: {out}{err}");
        (out, err)
    }

    pub(crate) fn json(&self, code: i32, arguments: &str) -> Value {
        serde_json::from_str(&self.expect(code, arguments).0).unwrap()
    }

    pub(crate) fn events(&self, path: &Path) -> u64 {
        let path = path.file_name().unwrap().to_str().unwrap();
        let stats = self.json(0, &format!("stats +{path} --json"));
        stats["events"].as_u64().unwrap()
    }

    pub(crate) fn append(&self, path: &Path, numbers: std::ops::Range<u64>) {
        let open = Store::open(path).unwrap();
        fill(&open, numbers);
        open.close().unwrap();
    }
}

/// Whatever reads or writes a directory whose sealed segments are in the bucket without it says what to do, and changes
/// nothing: not even a salvage takes for lost what is there.
fn is_refused_by_all_others(place: &Place) {
    let before = files_of(&place.path("lazy"));
    std::fs::write(place.path("lines.jsonl"), "").unwrap();
    for arguments in [
        "stats +lazy",
        "query +lazy",
        "tail +lazy",
        "export +lazy",
        "verify +lazy",
        "inspect +lazy",
        "inspect +lazy --frame 1:128",
        "inspect +lazy --file MANIFEST",
        "inspect +lazy --event-of a b",
        "backup +lazy +backup",
        "backup {} +lazy",
        "salvage +lazy +salvaged",
        "checkpoint +lazy",
        "compact +lazy --keep-newest 1",
        "redact +lazy --entity order:1 --yes",
        "import +lazy +lines.jsonl",
        "restore +lazy +restored",
    ] {
        let (_, err) = place.expect(2, arguments);
        assert!(err.contains("in the bucket"), "{arguments}: {err}");
        assert!(err.contains("into another directory"), "{arguments}: {err}");
    }
    assert_eq!(files_of(&place.path("lazy")), before);
    for made in ["backup", "salvaged", "restored"] {
        assert!(!place.path(made).exists(), "{made}");
    }
}

pub(crate) fn files_of(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(dir).unwrap().map(|file| {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        (name, std::fs::read(file.path()).unwrap())
    });
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

/// Sealed segments stay in the bucket: a replica, a takeover from its directory, and one into a new one.
fn is_followed_and_taken_over_lazily(place: &Place) {
    place.expect(0, "replicate {} @");
    let followed = place.json(0, "follow @ +lazy --once --json --cache-bytes 1000000");
    assert_eq!(followed["visible"], 10);
    is_refused_by_all_others(place);
    let taken = place.json(0, "take-over @ +lazy --yes --json");
    assert_eq!(
        (&taken["end"], &taken["is_lazy"]),
        (&10.into(), &true.into())
    );
    let (out, _) = place.expect(0, "take-over @ +next --lazy --yes");
    assert!(out.contains("bucket_fs"), "{out}");
    let shipped = place.json(0, "replicate +next @ --json");
    assert_eq!((&shipped["end"], &shipped["term"]), (&10.into(), &4.into()));
    place.expect(0, "follow @ +whole --once");
    assert_eq!(place.events(&place.path("whole")), 10);
}

#[test]
fn a_bucket_is_followed_and_taken_over_lazily() {
    is_followed_and_taken_over_lazily(&Place::directory());
    is_followed_and_taken_over_lazily(&Place::server());
}

/// A life of a bucket: shipped, followed, shipped on, restored as it was, taken over.
fn is_shipped_followed_restored_and_taken_over(place: &Place) {
    let (_, err) = place.expect(1, "replicas @");
    assert!(err.contains("there is no log in the bucket"), "{err}");
    let (_, err) = place.expect(2, "follow @ +replica --once");
    assert!(err.contains("the bucket has no log"), "{err}");

    let (out, err) = place.expect(0, "replicate {} @");
    assert!(
        out.contains("has everything before sequence 10, in term 1"),
        "{out}"
    );
    assert!(err.contains("the bucket has no log yet"), "{err}");
    let (out, _) = place.expect(0, "follow @ +replica --once");
    assert!(out.contains("has everything before sequence 10"), "{out}");
    assert_eq!(place.events(&place.path("replica")), 10);

    place.append(&place.store, 10..15);
    let shipped = place.json(0, "replicate {} @ --json");
    assert_eq!((&shipped["end"], &shipped["term"]), (&15.into(), &2.into()));
    let followed = place.json(0, "follow @ +replica --once --json");
    assert_eq!(
        (&followed["visible"], &followed["term"]),
        (&15.into(), &2.into())
    );
    assert_eq!(place.events(&place.path("replica")), 15);

    let found = place.json(0, "replicas @ --json");
    assert_eq!(found["log"]["end"], 15);
    assert_eq!(found["terms_count"], 2);
    // By which people know who it was.
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty());
    assert!(
        host.is_none_or(|host| found["terms"][1]["host"] == host),
        "{found}"
    );
    assert_eq!(
        (&found["terms"][0]["how"], &found["terms"][1]["how"]),
        (&"start".into(), &"restart".into())
    );
    assert_eq!(found["objects"]["terms"]["objects"], 2);

    let (out, _) = place.expect(0, "restore --from @ +old --at 7 --dry-run");
    assert!(out.contains("the events before sequence 7"), "{out}");
    assert!(!place.path("old").exists());
    place.expect(0, "restore --from @ +old --at 7");
    assert_eq!(place.events(&place.path("old")), 7);
    place.expect(0, "verify +old");

    let (_, err) = place.expect(2, "take-over @ +next");
    assert!(
        err.contains("held in term 2 by") && err.contains("give --yes"),
        "{err}"
    );
    assert!(!place.path("next").exists());
    let (out, _) = place.expect(0, "take-over @ +next --yes");
    assert!(
        out.contains("took term 3") && out.contains("before sequence 15"),
        "{out}"
    );
    assert!(out.contains("--sequence 15.."), "{out}");
    assert_eq!(place.events(&place.path("next")), 15);
    place.append(&place.path("next"), 15..16);
    place.expect(0, "replicate +next @");

    // The writer before is told who has it, and ships nothing.
    let before = place.json(0, "replicas @ --json");
    let (_, err) = place.expect(1, "replicate {} @");
    assert!(err.contains("held in term 4 by"), "{err}");
    assert!(err.contains("strandline take-over"), "{err}");
    let after = place.json(0, "replicas @ --json");
    assert_eq!(before["objects"], after["objects"]);
    let followed = place.json(0, "follow @ +replica --once --json");
    assert_eq!(
        (&followed["visible"], &followed["term"]),
        (&16.into(), &4.into())
    );
    place.expect(0, "verify +replica");
}

#[test]
fn a_directory_is_shipped_to_followed_restored_from_and_taken_over() {
    is_shipped_followed_restored_and_taken_over(&Place::directory());
}

#[test]
fn a_bucket_of_s3_is_shipped_to_followed_restored_from_and_taken_over() {
    is_shipped_followed_restored_and_taken_over(&Place::server());
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_made() {
    let place = Place::directory();
    for (arguments, said) in [
        ("replicate {} orders", "a bucket is s3://"),
        (
            "replicate {} file:///nowhere/at/all",
            "file:///nowhere/at/all",
        ),
        ("replicate +nowhere @", "a store is a directory"),
        (
            "follow file:///nowhere/at/all +replica",
            "there is no directory /nowhere/at/all",
        ),
        ("replicas file:///nowhere/at/all", "there is no directory"),
        ("follow @ +replica --timeout 3", "--once"),
        ("take-over @ +next --yes", "the bucket has no log"),
        ("restore --from @ +old", "the bucket has no log"),
        ("restore --from @ +backup +old", "cannot be used with"),
        ("restore +old", "required"),
        ("restore --from @ +old --at soon", "is no time"),
        ("restore +old +new --at 7", "--from"),
        ("replicas @ --region eu", "of s3:// alone"),
    ] {
        let (code, _, err) = place.run(arguments);
        assert_eq!(code, 2, "{arguments}: {err}");
        assert!(err.contains(said), "{arguments}: {err}");
    }
    for name in ["nowhere", "replica", "next", "old"] {
        assert!(!place.path(name).exists(), "{name}");
    }
}

#[test]
fn a_restore_past_the_end_or_over_something_is_refused() {
    let place = Place::directory();
    place.expect(0, "replicate {} @");
    place.expect(1, "restore --from @ +old --at 11 --dry-run");
    let (_, err) = place.expect(2, "restore --from @ +old --at 11");
    assert!(err.contains("ends at sequence 10"), "{err}");
    let (_, err) = place.expect(2, "restore --from @ {}");
    assert!(err.contains("--replace"), "{err}");
    let out = place.json(0, "restore --from @ {} --at 4 --replace --json");
    assert_eq!((&out["end"], &out["replaced_end"]), (&4.into(), &10.into()));
    assert_eq!(place.events(&place.store), 4);
}

/// What a person has to know is an exit code, not a line among others.
#[test]
fn a_term_that_was_deleted_or_damaged_is_a_problem() {
    let place = Place::directory();
    place.expect(0, "replicate {} @");
    place.expect(0, "replicate {} @");
    let term = |number: u64| place.path("bucket").join(format!("terms/{number:020}"));
    std::fs::write(term(2), "{}").unwrap();
    let (_, err) = place.expect(1, "replicas @");
    assert!(err.contains("term 2"), "{err}");
    std::fs::remove_file(term(1)).unwrap();
    let (_, err) = place.expect(1, "replicas @");
    assert!(err.contains("1 term below the newest one is gone"), "{err}");
}

/// What was redacted is gone from the bucket once the command has ended, and somebody can see that it is.
#[test]
fn what_is_redacted_is_gone_from_the_bucket_and_that_is_checked() {
    let place = Place::directory();
    place.expect(0, "replicate {} @");
    let (out, _) = place.expect(0, "replicas @ --check-removed");
    assert!(out.contains("before sequence 10 tells of 0"), "{out}");
    let bucket = place.path("bucket");
    let files = || {
        let terms = std::fs::read_dir(bucket.join("data")).unwrap();
        let files = terms.flat_map(|term| std::fs::read_dir(term.unwrap().path()).unwrap());
        let files = files.map(|file| file.unwrap().path());
        files
            .map(|path| (std::fs::read(&path).unwrap(), path))
            .collect::<Vec<_>>()
    };
    let before = files();
    {
        let open = Store::open(&place.store).unwrap();
        let go_on = &mut |_| std::ops::ControlFlow::Continue(());
        let all = strandline::maintenance::Redaction::new().entities("order:");
        strandline::maintenance::redact(&open, &all, go_on).unwrap();
        open.close().unwrap();
    }
    place.expect(0, "replicate {} @");
    let clean = place.json(0, "replicas @ --check-removed --json");
    assert_eq!(
        (&clean["removals"], &clean["gone"]),
        (&1.into(), &10.into())
    );
    assert_eq!(clean["problems"], Value::Array(Vec::new()));
    let mut came_back = 0;
    for (bytes, path) in before {
        if !path.exists() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, bytes).unwrap();
            came_back += 1;
        }
    }
    assert!(came_back > 0);
    let (out, err) = place.expect(1, "replicas @ --check-removed");
    assert!(out.contains("10 payloads: sequences 0..10"), "{out}");
    assert!(err.contains("does not need any more"), "{err}");
    let found = place.json(1, "replicas @ --check-removed --json");
    assert_eq!(
        found["leftovers"][0]["sequences"],
        serde_json::json!([[0, 10]])
    );
    assert_eq!(found["leftovers"][0]["is_listed"], false);
}

#[test]
fn a_bucket_that_is_empty_and_was_not_is_begun_anew_only_if_it_is_said() {
    let place = Place::directory();
    place.expect(0, "replicate {} @");
    let bucket = place.path("bucket");
    std::fs::remove_dir_all(&bucket).unwrap();
    std::fs::create_dir(&bucket).unwrap();
    let (_, err) = place.expect(1, "replicate {} @");
    assert!(err.contains("--new-bucket"), "{err}");
    assert_eq!(std::fs::read_dir(&bucket).unwrap().count(), 0);
    let (out, _) = place.expect(0, "replicate {} @ --new-bucket");
    assert!(out.contains("in term 1"), "{out}");
    place.expect(0, "replicate {} @");
}

#[test]
fn wrong_credentials_are_told_with_what_to_do() {
    let place = Place::server();
    let mut command = place.program();
    command.env("AWS_SECRET_ACCESS_KEY", "another");
    command.args(["replicas", &place.url]);
    let (code, _, err) = outcome(&command.output().unwrap());
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("AWS_SECRET_ACCESS_KEY"), "{err}");
}

#[test]
fn following_goes_on_until_it_is_interrupted_and_ends_cleanly() {
    let place = Place::directory();
    place.expect(0, "replicate {} @");
    let mut command = place.program();
    command.args(["follow", &place.url, "--json", "--interval-ms", "10"]);
    let mut child = command
        .arg(place.path("replica"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = lines_of(child.stdout.take().unwrap());
    let shows = |end: u64| {
        loop {
            let line: Value = serde_json::from_str(&lines.recv_timeout(LIMIT).unwrap()).unwrap();
            if line["visible"] == end {
                return;
            }
        }
    };
    shows(10);
    place.append(&place.store, 10..12);
    place.expect(0, "replicate {} @");
    shows(12);
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert!(child.wait().unwrap().success());
    assert_eq!(place.events(&place.path("replica")), 12);
}

#[test]
fn a_bucket_of_another_writer_is_taken_only_if_that_is_said_and_of_another_log_never() {
    let place = Place::directory();
    place.expect(0, "replicate {} @");
    // As on another machine, which has a copy of the store.
    std::fs::remove_file(place.store.join("replica-owner.json")).unwrap();
    let (_, err) = place.expect(1, "replicate {} @");
    assert!(err.contains("held in term 1"), "{err}");
    let (_, err) = place.expect(2, "replicate {} @ --take-over");
    assert!(err.contains("give --yes"), "{err}");
    let (out, _) = place.expect(0, "replicate {} @ --take-over --yes");
    assert!(out.contains("in term 2"), "{out}");
    place.append(&place.path("other"), 0..1);
    let (_, err) = place.expect(1, "replicate +other @ --take-over --yes");
    assert!(err.contains("a prefix of its own"), "{err}");
    let found = place.json(0, "replicas @ --json");
    assert_eq!(found["terms_count"], 2);
}
