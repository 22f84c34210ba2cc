//! A store that is damaged, and a directory that is none.

use crate::client::Server;
use crate::looked_into::verified;
use crate::sample::store;
use std::path::{Path, PathBuf};

/// The segments of a store, oldest first.
pub(crate) fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut segments: Vec<_> = entries
        .filter(|path| path.to_string_lossy().contains("segment-"))
        .collect();
    segments.sort();
    segments
}

pub(crate) fn damage(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    for byte in &mut bytes[at..at + 64] {
        *byte ^= 0xff;
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn events_that_cannot_be_read_stand_in_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let all = store.snapshot().len();
    store.close().unwrap();
    damage(&segments(&dir)[0], 20_000);
    let server = Server::of(&dir);
    let json = server.json("/api/events?limit=1000");
    let events = json["events"].as_array().unwrap();
    assert_eq!(events.len() as u64, all);
    let unread = events
        .iter()
        .filter(|event| event["error"].is_string())
        .count();
    assert!((1..20).contains(&unread), "{unread}");
    server.page("/events");
    let checked = verified(&server);
    assert_eq!(checked["is_intact"], false);
    assert!(checked["problem_count"].as_u64().unwrap() > 0);
    let page = server.page("/integrity");
    assert!(page.contains("salvage"));
}

#[test]
fn a_store_that_does_not_open_shows_its_files_and_what_is_good() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    store(&dir).close().unwrap();
    damage(&dir.join("MANIFEST"), 10);
    let server = Server::of(&dir);
    let json = server.json("/api/overview");
    assert!(json["contents"].is_null());
    assert!(json["closed"]["reason"].is_string() && json["closed"]["next"].is_string());
    for path in ["/", "/files", "/integrity"] {
        assert!(
            server.page(path).contains("The store does not open"),
            "{path}"
        );
    }
    for path in [
        "/api/events",
        "/api/names",
        "/api/search?q=x",
        "/api/export",
    ] {
        assert_eq!(server.get(path).status, 503, "{path}");
    }
    assert!(
        server
            .get("/events")
            .text()
            .contains("The store does not open")
    );
    let checked = verified(&server);
    assert!(checked["events"].as_u64().unwrap() > 100, "{checked:#}");
}

#[test]
fn a_directory_that_is_no_store_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::of(dir.path());
    assert!(server.json("/api/overview")["closed"]["reason"].is_string());
    assert!(server.page("/").contains("MANIFEST"));
    // Once there is one, it is shown.
    let _store = store(&dir.path().join("."));
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while server.json("/api/overview")["contents"].is_null() {
        assert!(std::time::Instant::now() < until);
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}
