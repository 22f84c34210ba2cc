//! What subscriptions give, and how they end.

use super::Served;
use super::client::event;
use crate::wire::{Query, QueryItem, SubscribeRequest};
use std::time::Duration;
use strandline_dcb::DcbStore;
use tokio::time::timeout;
use tonic::{Code, Streaming};
use umadb_dcb::{DcbEvent, DcbEventStoreSync};

const LONG: Duration = Duration::from_secs(20);

async fn next(messages: &mut Streaming<crate::wire::SubscribeResponse>) -> Vec<u64> {
    let message = timeout(LONG, messages.message()).await.unwrap().unwrap();
    let events = message.unwrap().events;
    events.iter().map(|event| event.position).collect()
}

#[test]
fn what_is_there_comes_first_and_then_what_comes() {
    let served = Served::new();
    let client = served.client();
    let here = DcbStore::new(served.store.clone());
    served.runtime.block_on(async {
        let events = (0..5).map(|number| event(["A", "B"][number % 2], &[], 1));
        client.append_all(events.collect()).await.unwrap();
        let request = SubscribeRequest {
            query: Some(Query {
                items: vec![QueryItem {
                    types: vec!["A".to_owned()],
                    tags: Vec::new(),
                }],
            }),
            after: Some(1),
            batch_size: None,
        };
        let mut messages = client.subscribe(request).await.unwrap();
        assert_eq!(next(&mut messages).await, [3, 5]);
        // By whoever appends, a client or the program that serves.
        client
            .append_all(vec![event("B", &[], 1), event("A", &[], 1)])
            .await
            .unwrap();
        assert_eq!(next(&mut messages).await, [7]);
        here.append(vec![DcbEvent::default().event_type("A")], None, None)
            .unwrap();
        assert_eq!(next(&mut messages).await, [8]);
    });
}

#[test]
fn nothing_is_left_out_while_many_append() {
    const EACH: u64 = 50;
    let served = Served::new();
    let reader = served.client();
    let clients: Vec<_> = (0..8).map(|_| served.client()).collect();
    served.runtime.block_on(async {
        let mut messages = reader.subscribe(SubscribeRequest::default()).await.unwrap();
        for client in clients {
            tokio::spawn(async move {
                for _ in 0..EACH {
                    client
                        .append_all(vec![event("A", &[], 1); 3])
                        .await
                        .unwrap();
                }
            });
        }
        let mut expected = 1;
        while expected <= EACH * 8 * 3 {
            for position in next(&mut messages).await {
                assert_eq!(position, expected);
                expected += 1;
            }
        }
    });
}

#[test]
fn a_subscription_ends_with_the_server_and_says_so() {
    let mut served = Served::new();
    let client = served.client();
    let mut messages = served.runtime.block_on(async {
        client.append_all(vec![event("A", &[], 1)]).await.unwrap();
        let request = SubscribeRequest::default();
        let mut messages = client.subscribe(request).await.unwrap();
        assert_eq!(next(&mut messages).await, [1]);
        messages
    });
    served.server.take().unwrap().stop().unwrap();
    let ended = served.runtime.block_on(messages.message()).unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
}
