//! Views of single things, of names and of files, held against the store.

use crate::client::Server;
use crate::sample::{MARKUP, ORDERS, store};
use serde_json::Value;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use strandline::maintenance::{Inventory, Retention, compact};
use strandline::{Coordinate, Event, Query, Region, Store, fs::OsFs};
use strandline_live::Live;

fn sorted(names: impl Iterator<Item = (String, u64)>) -> Vec<(String, u64)> {
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn given(json: &Value) -> Vec<(String, u64)> {
    let names = json["names"].as_array().unwrap().iter();
    sorted(names.map(|one| {
        (
            one["value"].as_str().unwrap().to_owned(),
            one["events"].as_u64().unwrap(),
        )
    }))
}

#[test]
fn an_event_has_what_the_store_has_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let server = Server::of(&dir);
    let now = store.snapshot();
    for event in now.query(Region::all()) {
        let event = event.unwrap();
        if event.sequence.get() % 37 != 0 && event.sequence.get() < 295 {
            continue;
        }
        let json = server.json(&format!("/api/event?id={}", event.id));
        assert_eq!(json["event"]["sequence"], event.sequence.get());
        assert_eq!(json["hash"], event.hash.to_string());
        let whole = now.get_whole(event.id).unwrap().unwrap();
        assert_eq!(json["previous_hash"], whole.previous.to_string());
        assert_eq!(json["payload"]["bytes"], event.payload().unwrap().len());
        let by_sequence = server.json(&format!("/api/event?sequence={}", event.sequence));
        assert_eq!(by_sequence["event"]["id"], event.id.to_string());
        let payload = server.get(&format!("/api/event/payload?id={}", event.id));
        assert_eq!(payload.body, event.payload().unwrap());
        assert!(payload.headers.contains("content-disposition: attachment"));
        // With or without a payload is for a signed proof alone.
        for of in ["payload", "proof"] {
            let path = format!("/api/event/{of}?id={}&payload=without", event.id);
            assert_eq!(server.get(&path).status, 400, "{path}");
        }
        let proof = server.json(&format!("/api/event/proof?id={}", event.id));
        let expected = now.prove(event.id).unwrap().unwrap();
        assert_eq!(proof["root"], expected.head.root.to_string());
        assert_eq!(
            proof["hashes"].as_array().unwrap().len(),
            expected.inclusion.hashes().len()
        );
        for form in ["", "&form=json", "&form=text", "&form=hex"] {
            server.page(&format!("/event?id={}{form}", event.id));
        }
    }
    assert_eq!(server.get("/api/event?sequence=100000").status, 404);
    assert_eq!(server.get("/api/event").status, 400);
}

#[test]
fn a_payload_of_16_mib_takes_no_more_of_a_page_than_its_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    store(&dir).close().unwrap();
    let store = Store::open(&dir).unwrap();
    let long = format!("<script>{}", "x".repeat((16 << 20) - 8));
    let kind = store.kind("order.placed").unwrap();
    let receipt = store
        .append(
            &Coordinate::new("long", "s").unwrap(),
            Event::bytes(kind, long.clone()),
        )
        .unwrap();
    let server = Server::of(&dir);
    for path in [
        format!("/event?id={}", receipt.id),
        "/events".to_owned(),
        "/entity?name=long".to_owned(),
    ] {
        let page = server.page(&path);
        assert!(page.len() < 1 << 20, "{path}: {}", page.len());
        assert!(
            !page.contains("<script>x") && page.contains("&lt;script&gt;x"),
            "{path}"
        );
    }
    let payload = server.get(&format!("/api/event/payload?id={}", receipt.id));
    assert_eq!(payload.body, long.as_bytes());
}

#[test]
fn an_entity_has_its_stream_and_what_differs() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let server = Server::of(&dir);
    let json = server.json("/api/entity?name=order:4");
    assert_eq!(json["events"], store.snapshot().stream("order:4").count());
    let compared = &json["compared"];
    assert_eq!(
        (compared["version"].as_u64(), compared["against"].as_u64()),
        (Some(1), Some(0))
    );
    let changes = compared["changes"].as_array().unwrap();
    let places: Vec<_> = changes
        .iter()
        .map(|change| change["at"].as_str().unwrap())
        .collect();
    assert_eq!(places, ["/state", "/total", "/paid"]);
    let merged = server.json("/api/entity?name=order:4&state=merged");
    let state: Value = serde_json::from_str(merged["compared"]["state"].as_str().unwrap()).unwrap();
    assert_eq!(
        state,
        serde_json::json!({"order": 4, "total": 400, "state": "paid", "paid": true})
    );
    server.page("/entity?name=order:4&version=0");
    assert_eq!(server.get("/api/entity?name=nobody").status, 404);
    let markup: String = form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect();
    assert!(
        !server
            .page(&format!("/entity?name={markup}"))
            .contains("<script>alert")
    );
}

#[test]
fn names_and_their_counts_are_those_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let server = Server::of(&dir);
    let now = store.snapshot();
    for sort in ["events", "name"] {
        let names = |of: &str, prefix: &str| {
            given(&server.json(&format!(
                "/api/names?of={of}&prefix={prefix}&sort={sort}&limit=1000"
            )))
        };
        assert_eq!(names("entities", ""), sorted(now.entities("")));
        assert_eq!(
            names("entities", "order:1"),
            sorted(now.entities("order:1"))
        );
        assert_eq!(names("scopes", ""), sorted(now.scopes("")));
        assert_eq!(names("tags", "customer"), sorted(now.tags("customer")));
    }
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let json = server.json(&format!("/api/names?sort=name&limit=60&after={after}"));
        seen.extend(given(&json));
        let Some(next) = json["next"].as_str() else {
            break;
        };
        after = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    }
    assert_eq!(sorted(seen.into_iter()), sorted(now.entities("")));
    let heat = &server.json("/api/names?of=entities&limit=10")["heat"]["rows"];
    for row in heat.as_array().unwrap() {
        let sum: u64 = row
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_u64)
            .sum();
        assert!(sum >= 2, "the first entities have the most events");
    }
    for of in ["entities", "scopes", "kinds", "tags"] {
        server.page(&format!("/names?of={of}"));
    }
}

#[test]
fn a_correlation_is_a_tree_of_causes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let server = Server::of(&dir);
    let paid = store.snapshot().latest("order:4").unwrap().unwrap();
    for id in [paid.id, paid.correlation] {
        let json = server.json(&format!("/api/tree?id={id}"));
        let nodes = json["nodes"].as_array().unwrap();
        let depths: Vec<_> = nodes
            .iter()
            .map(|node| node["depth"].as_u64().unwrap())
            .collect();
        assert_eq!(depths, [0, 1]);
        assert_eq!(nodes[1]["event"]["id"], paid.id.to_string());
        server.page(&format!("/tree?id={id}"));
    }
}

#[test]
fn files_are_those_of_the_directory_and_a_compaction_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let server = Server::of(&dir);
    let files = || server.json("/api/files?drop_prefix=order:1");
    let until = Instant::now() + Duration::from_secs(20);
    let mut json = files();
    while (json["files"].is_null() || json["plan"].is_null()) && Instant::now() < until {
        json = files();
    }
    let inventory = Inventory::of(&OsFs, &dir).unwrap();
    assert_eq!(
        json["files"]["segments"].as_array().unwrap().len(),
        inventory.segments.len()
    );
    assert_eq!(json["files"]["problems"].as_array().unwrap().len(), 0);
    let expected = store
        .snapshot()
        .rows(Query::from(Region::all().entity_prefix("order:1")))
        .count();
    assert_eq!(json["plan"]["Ok"]["events"], expected);
    server.page("/files");
    let rules = Retention::new().drop_entities("order:1");
    compact(&store, &rules, &mut |_| ControlFlow::Continue(())).unwrap();
    // What was compacted by another process is seen without a new start.
    let until = Instant::now() + Duration::from_secs(20);
    while server.json("/api/overview")["contents"]["removed"] != expected {
        assert!(Instant::now() < until, "the compaction is not seen");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(server.get("/api/entity?name=order:11").status, 404);
}

#[test]
fn verification_finds_what_the_store_finds() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let server = Server::of(&dir);
    let json = verified(&server);
    assert_eq!(json["is_intact"], true, "{json:#}");
    assert_eq!(json["events"], store.snapshot().len());
    assert_eq!(
        json["log_hash"],
        store.verify().unwrap().log_hash.to_string()
    );
    server.page("/integrity");
}

/// What verification found, once it is done.
pub(crate) fn verified(server: &Server) -> Value {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let json = server.json("/api/integrity?verify=now");
        if !json["checked"].is_null() {
            return json["checked"].clone();
        }
        assert!(Instant::now() < until, "verification takes too long");
    }
}

#[test]
fn what_a_text_may_mean_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let server = Server::of(&dir);
    let paid = store.snapshot().latest("order:4").unwrap().unwrap();
    for (text, what) in [
        (paid.id.to_string(), "event"),
        (paid.correlation.to_string(), "correlation"),
        ("17".to_owned(), "sequence"),
        ("order:4".to_owned(), "entity"),
        ("shop/1".to_owned(), "scope"),
        ("customer:3".to_owned(), "tag"),
        ("order.paid".to_owned(), "kind"),
        ("2026-01-01".to_owned(), "events since"),
    ] {
        let json = server.json(&format!("/api/search?q={text}"));
        let meanings = json["meanings"].as_array().unwrap();
        let found = meanings
            .iter()
            .find(|one| one["what"] == what)
            .unwrap_or_else(|| panic!("{text}"));
        server.page(found["address"].as_str().unwrap());
    }
    let json = server.json("/api/search?q=%22order%22:123,&in=payloads");
    let found = json["payloads"]["events"].as_array().unwrap();
    assert!(
        found.iter().all(|event| event["entity"] == "order:123") && found.len() == 1,
        "{found:?}"
    );
}

#[test]
fn exports_are_those_of_the_library() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let server = Server::of(&dir);
    let now = store.snapshot();
    let region = Region::all().kind_named("order.paid");
    for (name, format) in [
        ("lines", strandline_transfer::LineFormat::Lines),
        ("cloudevents", strandline_transfer::LineFormat::CloudEvents),
    ] {
        let mut lines = Vec::new();
        let mut go_on = |_| ControlFlow::Continue(());
        strandline_transfer::export(&now, &region, format, &mut lines, &mut go_on).unwrap();
        let answer = server.get(&format!("/api/export?kind=order.paid&format={name}"));
        assert_eq!(answer.text(), String::from_utf8(lines).unwrap());
    }
    let csv = server.get("/api/export?prefix=order:&format=csv").text();
    assert_eq!(csv.lines().count() as u64, 1 + ORDERS + ORDERS / 2);
    server.page("/export?kind=order.paid");
}

#[test]
fn consumers_are_those_beside_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = std::sync::Arc::new(store(&dir));
    let server = Server::of(&dir);
    assert_eq!(
        server.json("/api/consumers")["consumers"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    let live = Live::open(&store).unwrap();
    let mut position = live.position("mail<b>er").unwrap();
    store.sync().unwrap();
    let at = store
        .snapshot()
        .position(strandline::Sequence::new(10))
        .unwrap();
    position.save(at).unwrap();
    let json = server.json("/api/consumers");
    let one = &json["consumers"][0];
    let status = live.status("mail<b>er").unwrap();
    assert_eq!(
        (one["name"].as_str(), one["behind"].as_u64()),
        (Some("mail<b>er"), Some(status.behind))
    );
    let page = server.page("/consumers");
    assert!(page.contains("mail&lt;b&gt;er") && !page.contains("mail<b>er"));
    server.page("/consumers?name=mail%3Cb%3Eer");
    assert_eq!(server.get("/api/consumers?name=nobody").status, 404);
}
