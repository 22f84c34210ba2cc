//! Bytes of frames: named, held against the files, and damaged ones marked.

use crate::client::Server;
use crate::damaged::{damage, segments};
use crate::sample::{RIGHT_TO_LEFT, store};
use serde_json::Value;
use strandline::maintenance::{Retention, compact, unwatched};

fn named<'a>(json: &'a Value, name: &str) -> Vec<&'a Value> {
    let all = json["stretches"].as_array().unwrap();
    all.iter().filter(|one| one["name"] == name).collect()
}

/// A stretch is where it is said to be: its bytes are those of the file there.
fn held_against_file(json: &Value, file: &[u8]) {
    for one in json["stretches"].as_array().unwrap() {
        let at = usize::try_from(one["offset"].as_u64().unwrap()).unwrap();
        let hex = one["hex"].as_str().unwrap();
        let bytes = &file[at..at + hex.len() / 2];
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digits, hex, "{one}");
    }
}

#[test]
fn the_frame_of_an_event_has_its_record_field_by_field() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let server = Server::of(&dir);
    let event = store.snapshot().latest(RIGHT_TO_LEFT).unwrap().unwrap();
    let json = server.json(&format!("/api/bytes?id={}", event.id));
    let number = usize::try_from(json["segment"].as_u64().unwrap()).unwrap();
    held_against_file(&json, &std::fs::read(&segments(&dir)[number - 1]).unwrap());
    assert_eq!(json["sequence"], event.sequence.get());
    let payload = named(&json, "payload")
        .into_iter()
        .find(|one| one["is_asked"] == true);
    assert_eq!(payload.unwrap()["hex"], "009f9296");
    let digest = named(&json, "digest")
        .into_iter()
        .find(|one| one["is_asked"] == true);
    let hash = event.hash.to_string();
    assert_eq!(digest.unwrap()["hex"].as_str().unwrap(), &hash[..32]);
    assert_eq!(json["damaged"].as_array().unwrap().len(), 0);
    let page = server.page(&format!("/bytes?sequence={}", event.sequence));
    assert!(page.contains("entity and scope") && page.contains("009f9296"));
    assert!(
        server
            .page(&format!("/event?id={}", event.id))
            .contains("/bytes?id=")
    );
    assert!(server.page("/files").contains("/bytes?segment=1"));
}

#[test]
fn a_segment_is_shown_page_by_page_without_gap_or_repeat() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    store(&dir).close().unwrap();
    let server = Server::of(&dir);
    let file = std::fs::read(&segments(&dir)[0]).unwrap();
    let all = server.json("/api/bytes?segment=1&limit=1000");
    let fields = |json: &Value| {
        let all = json["stretches"].as_array().unwrap();
        let fields = all.iter().filter(|one| one["hex"] != "");
        let fields = fields.map(|one| one["offset"].as_u64().unwrap());
        fields.collect::<Vec<_>>()
    };
    let (mut seen, mut path) = (Vec::new(), "/api/bytes?segment=1&limit=37".to_owned());
    while seen.len() < fields(&all).len() {
        let json = server.json(&path);
        held_against_file(&json, &file);
        seen.extend(fields(&json));
        let next = &json["next"];
        path = format!(
            "/api/bytes?segment=1&limit=37&offset={}&from={}",
            next[0], next[1]
        );
    }
    assert_eq!(seen[..fields(&all).len()], fields(&all));
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted, seen);
}

#[test]
fn damaged_bytes_are_marked_and_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let event = store.snapshot().latest("order:0").unwrap().unwrap();
    let place = store.snapshot().place_of(event.id).unwrap().unwrap();
    store.close().unwrap();
    // Its payload: the header of the frame stays right.
    damage(&segments(&dir)[0], place.record as usize + 100);
    let server = Server::of(&dir);
    let json = server.json(&format!(
        "/api/bytes?segment=1&offset={}",
        place.frame.unwrap()
    ));
    let wrong = named(&json, "damaged");
    assert_eq!(wrong[0]["offset"], place.record);
    assert!(
        wrong[0]["problem"].as_str().unwrap().contains("checksum"),
        "{wrong:?}"
    );
    let (first, end) = (&json["damaged"][0][0], &json["damaged"][0][1]);
    assert_eq!(*first, place.record);
    assert!(end.as_u64().unwrap() > u64::from(place.record) + 100);
    let page = server.page(&format!("/bytes?segment=1&offset={}", place.frame.unwrap()));
    assert!(page.contains("<mark>") && page.contains("stretches are damaged"));
    // With the header of a frame gone, what is there is shown all the same, and the next frame.
    damage(&segments(&dir)[0], place.frame.unwrap() as usize);
    let json = server.json(&format!(
        "/api/bytes?segment=1&offset={}",
        place.frame.unwrap()
    ));
    assert_eq!(json["stretches"][0]["name"], "damaged");
    assert!(!named(&json, "frame header").is_empty());
}

#[test]
fn a_run_of_removed_events_is_shown_as_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let rules = Retention::new().drop_entities("order:").forget_digests();
    compact(&store, &rules, &mut unwatched).unwrap();
    let server = Server::of(&dir);
    let json = server.json("/api/bytes?segment=1&limit=1000");
    held_against_file(&json, &std::fs::read(&segments(&dir)[0]).unwrap());
    let frames = named(&json, "frame");
    let says = |one: &&&Value| one["value"].as_str().unwrap().starts_with("a run of ");
    let frame = frames.iter().find(says).unwrap();
    let run = named(&json, "run")[0];
    let (offset, end) = (frame["offset"].as_u64(), run["offset"].as_u64());
    assert_eq!(end, offset.map(|offset| offset + 72));
    assert_eq!(json["damaged"].as_array().unwrap().len(), 0);
    let page = server.page(&format!("/bytes?segment=1&offset={}", offset.unwrap()));
    assert!(page.contains("a run of ") && page.contains("<strong>run</strong>"));
}

#[test]
fn what_is_not_there_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let _store = store(&dir);
    let server = Server::of(&dir);
    for (path, status) in [
        ("/api/bytes", 400),
        ("/api/bytes?segment=x", 400),
        ("/api/bytes?segment=4000000000", 404),
        ("/api/bytes?sequence=99999999", 404),
        // No frame is as long, and nobody reads all that is before to say so.
        ("/api/bytes?segment=1&offset=128&from=999999999", 400),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    // Beyond the end there is nothing, and that is no fault.
    for offset in [4_294_967_280_u32, u32::MAX] {
        let json = server.json(&format!("/api/bytes?segment=1&offset={offset}"));
        assert_eq!(json["raw"], "");
    }
}
