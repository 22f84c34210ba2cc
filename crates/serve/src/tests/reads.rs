//! What reads give, and in which messages.

use super::Served;
use super::client::event;
use crate::Limits;
use crate::wire::{Query, QueryItem, ReadRequest};
use tonic::Code;

fn positions(events: &[crate::wire::SequencedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position).collect()
}

#[test]
fn a_read_has_its_ends_and_its_head() {
    let served = Served::new();
    let client = served.client();
    served.runtime.block_on(async {
        let read = |request| client.read_all(request);
        let (events, head, messages) = read(ReadRequest::default()).await.unwrap();
        assert_eq!((events.len(), head, messages), (0, None, vec![0]));

        let events = (0..10).map(|number| event("Even", &[["even", "odd"][number % 2]], number));
        client.append_all(events.collect()).await.unwrap();
        let odd = Query {
            items: vec![QueryItem {
                types: Vec::new(),
                tags: vec!["odd".to_owned()],
            }],
        };
        let all = ReadRequest::default();
        let cases = [
            (all.clone(), vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10], Some(10)),
            (
                ReadRequest {
                    query: Some(odd.clone()),
                    ..all.clone()
                },
                vec![2, 4, 6, 8, 10],
                Some(10),
            ),
            (
                ReadRequest {
                    query: Some(odd),
                    limit: Some(2),
                    ..all.clone()
                },
                vec![2, 4],
                Some(4),
            ),
            (
                ReadRequest {
                    start: Some(9),
                    ..all.clone()
                },
                vec![9, 10],
                Some(10),
            ),
            (
                ReadRequest {
                    start: Some(11),
                    ..all.clone()
                },
                vec![],
                Some(10),
            ),
            (
                ReadRequest {
                    start: Some(2),
                    backwards: Some(true),
                    ..all.clone()
                },
                vec![2, 1],
                Some(10),
            ),
            (
                ReadRequest {
                    start: Some(0),
                    backwards: Some(true),
                    ..all.clone()
                },
                vec![],
                Some(10),
            ),
            (
                ReadRequest {
                    backwards: Some(true),
                    limit: Some(1),
                    ..all.clone()
                },
                vec![10],
                Some(10),
            ),
            (
                ReadRequest {
                    limit: Some(0),
                    ..all.clone()
                },
                vec![],
                None,
            ),
            (
                ReadRequest {
                    limit: Some(20),
                    ..all.clone()
                },
                vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
                Some(10),
            ),
        ];
        for (request, expected, expected_head) in cases {
            let (events, head, _) = read(request.clone()).await.unwrap();
            assert_eq!(
                (positions(&events), head),
                (expected, expected_head),
                "{request:?}"
            );
        }
        let subscribe = Some(true);
        let refused = read(ReadRequest { subscribe, ..all }).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    });
}

#[test]
fn messages_are_cut_by_count_and_by_bytes() {
    let served = Served::limited(Limits::new().batch_bytes(10_000));
    let client = served.client();
    served.runtime.block_on(async {
        let small = (0..100).map(|_| event("Small", &[], 10));
        client.append_all(small.collect()).await.unwrap();
        let read = |size| {
            let batch_size = Some(size);
            client.read_all(ReadRequest {
                batch_size,
                ..ReadRequest::default()
            })
        };
        let (events, _, messages) = read(30).await.unwrap();
        assert_eq!((events.len(), messages), (100, vec![30, 30, 30, 10]));
        let (events, _, messages) = read(0).await.unwrap();
        assert_eq!((events.len(), messages.len()), (100, 100));
        // Ten kilobytes have room for two of these and a part of a third.
        let large = (0..9).map(|_| event("Large", &[], 4_000));
        client.append_all(large.collect()).await.unwrap();
        let start = Some(101);
        let request = ReadRequest {
            start,
            ..ReadRequest::default()
        };
        let (events, _, messages) = client.read_all(request).await.unwrap();
        assert_eq!((events.len(), messages), (9, vec![3, 3, 3]));
    });
}

#[test]
fn the_longest_event_that_is_taken_can_be_read_by_a_client_as_it_is() {
    let served = Served::new();
    let client = served.client();
    served.runtime.block_on(async {
        let limit = Limits::new().request_bytes;
        // Lengths and numbers of fields.
        let longest = limit - 16;
        let refused = client
            .append_all(vec![event("Long", &[], limit)])
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::OutOfRange);
        client
            .append_all(vec![event("Long", &[], longest)])
            .await
            .unwrap();
        client
            .append_all(vec![event("Short", &[], 1)])
            .await
            .unwrap();
        let (events, ..) = client.read_all(ReadRequest::default()).await.unwrap();
        assert_eq!(positions(&events), [1, 2]);
        assert_eq!(events[0].event.as_ref().unwrap().data.len(), longest);
    });
}

/// A read that nobody takes reads no more than what is on the way, and is forgotten once its client has gone.
#[test]
fn a_client_that_takes_nothing_has_nothing_read_for_it() {
    let served = Served::limited(Limits::new().streams(1));
    let client = served.client();
    served.runtime.block_on(async {
        for _ in 0..10 {
            let events = (0..10).map(|_| event("Large", &[], 100_000));
            client.append_all(events.collect()).await.unwrap();
        }
        let taken_by_nobody = client.read(ReadRequest::default()).await.unwrap();
        // The one stream that may be open is.
        let refused = client.read_all(ReadRequest::default()).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        // Others go on.
        client
            .append_all(vec![event("Paid", &[], 1)])
            .await
            .unwrap();
        drop(taken_by_nobody);
    });
    super::until("the stream is free again", || {
        let again = served
            .runtime
            .block_on(client.read_all(ReadRequest::default()));
        again.is_ok_and(|(events, ..)| events.len() == 101)
    });
}
