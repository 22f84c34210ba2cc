//! Buckets that lack something, and directories and URLs that are none: what is said of them, and what is left alone.

use crate::replicate::{Place, files_of};
use crate::{outcome, program, store};

/// Whoever looks is told by an exit code, and the writer has the bytes.
#[test]
fn what_is_missing_in_a_bucket_is_a_problem_until_it_is_shipped_again() {
    let place = Place::directory();
    place.expect(0, "replicate {} @");
    let data = place.path("bucket/data/00000000000000000001");
    let object = std::fs::read_dir(&data)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let bytes = std::fs::read(&object).unwrap();
    std::fs::write(&object, &bytes[..bytes.len() - 1]).unwrap();
    let (_, err) = place.expect(1, "replicas @");
    let name = object.file_name().unwrap().to_str().unwrap();
    assert!(err.contains(name) && err.contains("was put with"), "{err}");
    std::fs::remove_file(&object).unwrap();
    let found = place.json(1, "replicas @ --json");
    let key = found["lacking"][0]["key"].as_str().unwrap();
    assert!(key.ends_with(name), "{found}");
    place.expect(0, "replicate {} @");
    place.expect(0, "replicas @");
    place.expect(0, "restore --from @ +restored");
    assert_eq!(place.events(&place.path("restored")), 10);
}

/// Nobody takes a term whose number somebody else may have.
#[test]
fn the_newest_term_that_was_deleted_is_a_problem_and_keeps_all_from_taking_it() {
    let place = Place::directory();
    place.expect(0, "replicate {} @");
    place.append(&place.store, 10..11);
    place.expect(0, "replicate {} @");
    let term = place.path("bucket/terms/00000000000000000002");
    let kept = std::fs::read(&term).unwrap();
    std::fs::remove_file(&term).unwrap();
    let (_, err) = place.expect(1, "replicas @");
    assert!(
        err.contains("terms/00000000000000000002 is missing"),
        "{err}"
    );
    for arguments in [
        "replicate {} @",
        "take-over @ +taken --yes",
        "follow @ +replica --once",
        "restore --from @ +restored",
    ] {
        let (_, err) = place.expect(1, arguments);
        assert!(err.contains("who has term 2"), "{arguments}: {err}");
        assert!(err.contains("strandline replicas"), "{arguments}: {err}");
    }
    assert!(!term.exists());
    std::fs::write(&term, kept).unwrap();
    place.expect(0, "replicate {} @");
}

/// Only what the bucket has is written to a replica: what is written besides would contradict what comes next.
#[test]
fn a_replica_at_rest_is_written_by_nobody_until_the_bucket_is_taken_over() {
    let place = Place::directory();
    place.expect(0, "replicate {} @");
    place.expect(0, "follow @ +replica --once");
    std::fs::write(place.path("lines.jsonl"), "").unwrap();
    let before = files_of(&place.path("replica"));
    for arguments in [
        "import +replica +lines.jsonl",
        "redact +replica --entity order:1 --yes",
        "compact +replica --keep-newest 1 --yes",
        "checkpoint +replica",
        "replicate +replica @",
    ] {
        let (_, err) = place.expect(2, arguments);
        assert!(
            err.contains("is a replica of a bucket"),
            "{arguments}: {err}"
        );
        assert!(err.contains("take-over"), "{arguments}: {err}");
    }
    assert_eq!(files_of(&place.path("replica")), before);
    // It is read, copied and followed into as before, and a copy goes its own way.
    place.expect(0, "verify +replica");
    place.expect(0, "backup +replica +copy");
    place.append(&place.path("copy"), 10..11);
    place.expect(0, "follow @ +replica --once");
    place.expect(0, "take-over @ +replica --yes");
    place.append(&place.path("replica"), 10..12);
    assert_eq!(place.events(&place.path("replica")), 12);
    let (_, err) = place.expect(1, "take-over @ +replica --yes");
    assert!(err.contains("was taken over into it before"), "{err}");
}

/// Each would take files of the other for its own.
#[test]
fn a_bucket_in_a_store_or_around_it_is_refused_and_nothing_is_made() {
    let place = Place::directory();
    place.expect(0, "replicate {} @");
    let before = files_of(&place.store);
    let store = place.store.display().to_string();
    let around = place.dir.path().display().to_string();
    for bucket in [store.clone(), format!("{store}/bucket"), around] {
        let (_, err) = place.expect(2, &format!("replicate {{}} file://{bucket}"));
        assert!(err.contains("apart"), "{bucket}: {err}");
    }
    assert_eq!(files_of(&place.store), before);
    let within = "bucket/replica";
    for arguments in [
        "follow @ +bucket/replica --once",
        "take-over @ +bucket/replica --yes",
    ] {
        let (_, err) = place.expect(2, arguments);
        assert!(err.contains("apart"), "{arguments}: {err}");
    }
    assert!(!place.path(within).exists());
}

#[test]
fn a_directory_with_files_of_others_is_followed_into_by_nobody() {
    let place = Place::directory();
    place.expect(0, "replicate {} @");
    let own = place.path("own");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("letter.txt"), "mine").unwrap();
    for arguments in ["follow @ +own --once", "take-over @ +own --yes"] {
        let (code, _, err) = place.run(arguments);
        assert_ne!(code, 0, "{arguments}");
        assert!(err.contains("letter.txt"), "{arguments}: {err}");
    }
    assert_eq!(files_of(&own).len(), 1);
    // Segments whose MANIFEST is gone are not those of a beginning that was interrupted.
    std::fs::remove_file(place.store.join("MANIFEST")).unwrap();
    let before = files_of(&place.store);
    let (_, err) = place.expect(1, "follow @ {} --once");
    assert!(
        err.contains("it is no copy") && err.contains("not there yet"),
        "{err}"
    );
    assert_eq!(files_of(&place.store), before);
}

#[test]
fn what_is_no_bucket_is_wrong_usage() {
    let place = Place::directory();
    std::fs::write(place.path("file"), "x").unwrap();
    let file = place.path("file").display().to_string();
    for (arguments, says) in [
        (format!("replicate {{}} file://{file}"), "is no directory"),
        (
            format!("replicate {{}} file://{file}/bucket"),
            "there is no such bucket",
        ),
        ("replicas gs://logs/orders".to_owned(), "not built in"),
        ("replicas az://logs/orders".to_owned(), "not built in"),
    ] {
        let (_, err) = place.expect(2, &arguments);
        assert!(err.contains(says), "{arguments}: {err}");
    }
}

/// It takes what is sent and never answers, as a machine that hangs.
#[test]
fn a_bucket_that_is_silent_is_waited_for_as_long_as_is_said() {
    let (dir, store) = store();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let replica = dir.path().join("replica").display().to_string();
    let store = store.display().to_string();
    let url = "s3://logs/orders";
    for arguments in [
        ["follow", url, &replica, "--once"],
        ["replicate", &store, url, "--yes"],
    ] {
        let mut command = program();
        command
            .args(arguments)
            .args(["--timeout", "1", "--endpoint", &endpoint]);
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            command.env(name, "some");
        }
        // More than a minute of tries.
        command.args(["--request-timeout", "3600"]);
        let (code, _, err) = outcome(&command.output().unwrap());
        assert_eq!(code, 1, "{arguments:?}: {err}");
        assert!(err.contains("has not answered"), "{arguments:?}: {err}");
    }
}

#[test]
fn what_killed_writers_have_left_goes_with_the_next_term_or_by_a_command() {
    let place = Place::directory();
    place.expect(0, "replicate {} @");
    let left = |term: u64| {
        let name = format!("bucket/log/{term:020}/{:020}#1", 9);
        let path = place.path(&name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "half").unwrap();
        path
    };
    let first = left(1);
    let (out, _) = place.expect(0, "replicas @ --remove-unfinished");
    assert!(
        out.contains("stays") && out.contains("0 files removed"),
        "{out}"
    );
    assert!(first.exists());
    place.append(&place.store, 10..11);
    place.expect(0, "replicate {} @");
    assert!(!first.exists());
    let (first, second) = (left(1), left(2));
    let cleared = place.json(0, "replicas @ --remove-unfinished --json");
    assert_eq!(cleared["removed"].as_array().unwrap().len(), 1, "{cleared}");
    assert!(!first.exists() && second.exists());
}

#[test]
fn a_restore_says_what_is_gone_of_what_it_restores() {
    let place = Place::directory();
    place.expect(0, "redact {} --entity order:1 --yes");
    place.expect(0, "replicate {} @");
    let (out, _) = place.expect(0, "restore --from @ +restored");
    assert!(out.contains("redacted: `strandline removals"), "{out}");
    let redacted = place.json(0, "restore --from @ +again --json");
    assert!(redacted["redacted"].as_u64().unwrap() > 0, "{redacted}");
    assert_eq!(redacted["removed"], 0, "{redacted}");
    place.expect(0, "compact {} --keep-newest 1 --yes");
    place.expect(0, "replicate {} @");
    let gone = place.json(0, "restore --from @ +compacted --json");
    let events = place.events(&place.path("compacted"));
    assert!(events < 10, "{gone}");
    assert_eq!(
        gone["removed"].as_u64().unwrap() + events,
        gone["end"].as_u64().unwrap()
    );
}
