//! What appends do, and what they are refused for.

use super::Served;
use super::client::event;
use crate::wire::{
    AppendCondition, AppendRequest, ErrorResponse, ErrorType, Query, QueryItem, ReadRequest,
    SERVICE_OLDER, TrackingInfo,
};
use prost::Message;
use tonic::{Code, Status};

fn error_type(status: &Status) -> ErrorType {
    let details = ErrorResponse::decode(status.details()).unwrap();
    assert_eq!(details.message, status.message());
    ErrorType::try_from(details.error_type).unwrap()
}

#[test]
fn events_and_their_position_in_a_source_are_one_commit() {
    let served = Served::new();
    let client = served.client();
    served.runtime.block_on(async {
        assert_eq!(client.head().await.unwrap(), None);
        assert_eq!(client.tracking("orders").await.unwrap(), None);
        let request = |position| AppendRequest {
            events: vec![event("Paid", &["z", "a"], 3), event("Sent", &[], 0)],
            tracking_info: Some(TrackingInfo {
                source: "orders".to_owned(),
                position,
            }),
            condition: None,
        };
        assert_eq!(client.append(request(7)).await.unwrap(), 2);
        assert_eq!(client.tracking("orders").await.unwrap(), Some(7));
        // One that does not rise is refused with its events.
        for position in [7, 6] {
            let refused = client.append(request(position)).await.unwrap_err();
            assert_eq!(refused.code(), Code::FailedPrecondition);
            assert_eq!(error_type(&refused), ErrorType::Integrity);
        }
        assert_eq!(client.head().await.unwrap(), Some(2));
        let (events, ..) = client.read_all(ReadRequest::default()).await.unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].event.as_ref().unwrap().tags, ["z", "a"]);
        for event in &events {
            assert_eq!(event.tracking_info.as_ref().unwrap().position, 7);
        }
        // Nothing is done for a request without events.
        assert_eq!(client.append_all(Vec::new()).await.unwrap(), 0);
    });
}

#[test]
fn a_condition_is_held_and_refusals_say_what_they_are() {
    let served = Served::new();
    let client = served.client();
    served.runtime.block_on(async {
        let request = |after| AppendRequest {
            events: vec![event("Registered", &["name:ada"], 1)],
            condition: Some(AppendCondition {
                fail_if_events_match: Some(Query {
                    items: vec![QueryItem {
                        types: vec!["Registered".to_owned()],
                        tags: vec!["name:ada".to_owned()],
                    }],
                }),
                after,
            }),
            tracking_info: None,
        };
        assert_eq!(client.append(request(None)).await.unwrap(), 1);
        let refused = client.append(request(None)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(error_type(&refused), ErrorType::Integrity);
        assert!(refused.message().contains("event 1"), "{refused}");
        assert_eq!(client.append(request(Some(1))).await.unwrap(), 2);

        let mut wrong = event("Registered", &[], 0);
        wrong.uuid = "no uuid".to_owned();
        for event in [wrong, event("", &[], 0), event("a", &[""], 0)] {
            let refused = client.append_all(vec![event]).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
            assert_eq!(error_type(&refused), ErrorType::InvalidArgument);
        }
        assert_eq!(client.head().await.unwrap(), Some(2));
    });
}

#[test]
fn a_uuid_that_is_known_is_the_event_that_is_there() {
    let served = Served::new();
    let client = served.client();
    served.runtime.block_on(async {
        let mut given = event("Paid", &["a"], 3);
        given.uuid = "018f3c3e-7a5b-7000-8000-0123456789ab".to_owned();
        assert_eq!(client.append_all(vec![given.clone()]).await.unwrap(), 1);
        assert_eq!(
            client
                .append_all(vec![event("Paid", &[], 0)])
                .await
                .unwrap(),
            2
        );
        assert_eq!(client.append_all(vec![given.clone()]).await.unwrap(), 1);
        let (events, ..) = client.read_all(ReadRequest::default()).await.unwrap();
        let uuids = events
            .iter()
            .map(|event| &*event.event.as_ref().unwrap().uuid);
        assert!(uuids.eq([&*given.uuid, ""]));
    });
}

#[test]
fn clients_of_before_name_the_service_as_they_did() {
    let served = Served::new();
    let mut client = served.client();
    client.service = SERVICE_OLDER;
    served.runtime.block_on(async {
        assert_eq!(
            client
                .append_all(vec![event("Paid", &[], 0)])
                .await
                .unwrap(),
            1
        );
        assert_eq!(client.head().await.unwrap(), Some(1));
        client.service = "umadb.v2.DCB";
        let refused = client.head().await.unwrap_err();
        assert_eq!(refused.code(), Code::Unimplemented);
    });
}

#[test]
fn appends_of_many_connections_each_have_their_place() {
    const CLIENTS: usize = 32;
    const EACH: usize = 20;
    let served = Served::new();
    let clients: Vec<_> = (0..CLIENTS).map(|_| served.client()).collect();
    served.runtime.block_on(async {
        let appends = clients.into_iter().map(|client| async move {
            let mut positions = Vec::new();
            for _ in 0..EACH {
                positions.push(
                    client
                        .append_all(vec![event("Paid", &[], 9)])
                        .await
                        .unwrap(),
                );
            }
            positions
        });
        let positions = futures::future::join_all(appends).await;
        for positions in &positions {
            assert!(positions.is_sorted());
        }
        let mut all = positions.concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(1..=(CLIENTS * EACH) as u64));
    });
}

/// Clients give the nil uuid where they have none, to as many events as they like.
#[test]
fn the_nil_uuid_is_none() {
    let served = Served::new();
    let client = served.client();
    served.runtime.block_on(async {
        let mut nil = event("Paid", &[], 0);
        nil.uuid = "00000000-0000-0000-0000-000000000000".to_owned();
        let twice = vec![nil.clone(), nil.clone()];
        assert_eq!(client.append_all(twice).await.unwrap(), 2);
        assert_eq!(client.append_all(vec![nil]).await.unwrap(), 3);
        let (events, ..) = client.read_all(ReadRequest::default()).await.unwrap();
        assert!(
            events
                .iter()
                .all(|event| event.event.as_ref().unwrap().uuid.is_empty())
        );
    });
}
