//! What views say, held against the store's own answers.

use crate::client::Server;
use crate::sample::{MARKUP, RIGHT_TO_LEFT, store};
use strandline::{Coordinate, Event, Order, Query, Region};

#[test]
fn the_overview_has_the_numbers_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    store.sync().unwrap();
    let server = Server::of(&dir);
    let json = server.json("/api/overview");
    let (now, stats) = (store.snapshot(), store.stats().unwrap());
    let contents = &json["contents"];
    assert_eq!(contents["events"], now.len());
    assert_eq!(contents["visible"], now.visible().get());
    assert_eq!(contents["totals"]["entities"], stats.entities);
    assert_eq!(contents["totals"]["scopes"], stats.scopes);
    let counts = contents["rate"]["counts"].as_array().unwrap();
    let sum: u64 = counts.iter().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(sum, now.len());
    let csv = server.get("/api/overview.csv").text();
    assert_eq!(csv.lines().count(), counts.len() + 1);
    let page = server.page("/");
    assert!(page.contains("order.placed"));
    let paid = server.json("/api/overview?kind=order.paid");
    let counts = paid["contents"]["rate"]["counts"].as_array().unwrap();
    let sum: u64 = counts.iter().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(sum, 100);
}

#[test]
fn events_are_those_of_the_same_query_of_the_store_page_by_page() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let server = Server::of(&dir);
    let now = store.snapshot();
    for (asked, region) in [
        ("", Region::all()),
        ("kind=order.paid", Region::all().kind_named("order.paid")),
        (
            "prefix=order:1&scope=shop/1",
            Region::all().entity_prefix("order:1").scope("shop/1"),
        ),
        (
            "tag=customer:3&from=20&to=200",
            Region::all().tag("customer:3").sequence(20..200),
        ),
        ("kind=0x2007", Region::all().category(2)),
    ] {
        for (name, order, by) in [
            ("newest", Order::NewestFirst, "before"),
            ("oldest", Order::OldestFirst, "after"),
        ] {
            let page = now.page(Query::from(region.clone()), order).unwrap();
            let all: Vec<_> = page
                .events
                .iter()
                .map(|event| event.id.to_string())
                .collect();
            let mut seen = Vec::new();
            let mut cursor = String::new();
            loop {
                let json = server.json(&format!(
                    "/api/events?{asked}&order={name}&limit=37{cursor}"
                ));
                let events = json["events"].as_array().unwrap();
                seen.extend(
                    events
                        .iter()
                        .map(|event| event["id"].as_str().unwrap().to_owned()),
                );
                let Some(next) = json["next"].as_u64() else {
                    break;
                };
                cursor = format!("&{by}={next}");
            }
            assert_eq!(seen, all, "{asked} {name}");
        }
    }
}

#[test]
fn facets_count_what_the_store_counts() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let server = Server::of(&dir);
    let now = store.snapshot();
    for (asked, region) in [
        ("", Region::all()),
        ("tag=customer:3", Region::all().tag("customer:3")),
        ("kind=order.paid", Region::all().kind_named("order.paid")),
    ] {
        let facets = &server.json(&format!("/api/events?{asked}"))["facets"];
        assert_eq!(facets["is_complete"], true);
        for kind in facets["kinds"].as_array().unwrap() {
            let name = kind["value"].as_str().unwrap();
            let region = match name.starts_with("0x") {
                true => region.clone().category(2),
                false => region.clone().kind_named(name),
            };
            // A kind that is asked for takes the place of the other.
            if asked.is_empty() || asked.starts_with("tag") {
                assert_eq!(kind["events"], now.rows(region).count(), "{asked} {name}");
            }
        }
        for scope in facets["scopes"].as_array().unwrap() {
            let name = scope["value"].as_str().unwrap();
            assert_eq!(
                scope["events"],
                now.rows(region.clone().scope(name)).count(),
                "{asked} {name}"
            );
        }
    }
}

#[test]
fn hostile_contents_are_shown_as_text() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let _store = store(&dir);
    let server = Server::of(&dir);
    let page = server.page("/events");
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;'&amp;"));
    assert!(page.contains(&format!("<bdi>{RIGHT_TO_LEFT}</bdi>")));
    let query: String = form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect();
    let page = server.page(&format!("/events?entity={query}&tag={query}&scope={query}"));
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("1 events"), "one event has that name");
}

#[test]
fn what_is_wrong_with_a_request_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let _store = store(&dir);
    let server = Server::of(&dir);
    for (path, says) in [
        (
            "/api/events?kind=order.plcaed",
            "no kind of the store is called",
        ),
        ("/api/events?since=soon", "is no time"),
        ("/api/events?entitty=x", "nothing here is called"),
        ("/api/events?limit=x", "limit"),
        ("/api/events?order=up", "neither"),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.text().contains(says), "{path}: {}", answer.text());
    }
    assert_eq!(server.get("/nothing").status, 404);
}

#[test]
fn what_a_writer_appends_is_seen_at_once_and_pushed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("orders.strand");
    let store = store(&dir);
    let server = Server::of(&dir);
    let before = server.json("/api/events")["visible"].as_u64().unwrap();
    let mut pushed = server.stream(&format!(
        "/api/events/stream?kind=order.paid&after={before}"
    ));
    let paid = store.kind("order.paid").unwrap();
    let order = Coordinate::new("order:new", "shop/9").unwrap();
    store
        .append(&order, Event::json(paid, &MARKUP).unwrap())
        .unwrap();
    let event = pushed.next_event();
    assert_eq!(event["visible"], before + 1);
    assert_eq!(event["events"][0]["entity"], "order:new");
    let html = event["html"].as_str().unwrap();
    assert!(html.contains("order:new") && !html.contains("<script>"));
    std::thread::sleep(std::time::Duration::from_millis(150));
    assert_eq!(server.json("/api/events")["visible"], before + 1);
}
