//! Limits, each met.

use super::Served;
use super::client::{Client, event};
use crate::Limits;
use crate::wire::{ReadRequest, SubscribeRequest};
use std::io::Read;
use std::time::Duration;
use tonic::Code;

#[test]
fn a_request_that_is_too_long_is_refused_and_the_next_one_taken() {
    let served = Served::limited(Limits::new().request_bytes(2_000));
    let client = served.client();
    served.runtime.block_on(async {
        for _ in 0..100 {
            let refused = client
                .append_all(vec![event("Paid", &[], 2_000)])
                .await
                .unwrap_err();
            assert_eq!(refused.code(), Code::OutOfRange);
        }
        assert_eq!(
            client
                .append_all(vec![event("Paid", &[], 1_900)])
                .await
                .unwrap(),
            1
        );
    });
}

/// More is on the way than there is room for: it waits, and all of it comes through.
#[test]
fn requests_wait_for_room() {
    const CLIENTS: usize = 8;
    let limits = Limits::new().request_bytes(100_000).in_flight_bytes(0);
    assert_eq!(limits.budget(), 100_000);
    let served = Served::limited(limits);
    let clients: Vec<_> = (0..CLIENTS).map(|_| served.client()).collect();
    served.runtime.block_on(async {
        let appends = clients.iter().map(|client| async move {
            for _ in 0..5 {
                client
                    .append_all(vec![event("Paid", &[], 90_000)])
                    .await
                    .unwrap();
            }
        });
        futures::future::join_all(appends).await;
        assert_eq!(clients[0].head().await.unwrap(), Some(CLIENTS as u64 * 5));
    });
}

#[test]
fn a_connection_too_many_is_closed_and_makes_room_for_another_when_it_ends() {
    let served = Served::limited(Limits::new().connections(2));
    let (first, second) = (served.client(), served.client());
    served.runtime.block_on(async {
        first.head().await.unwrap();
        second.head().await.unwrap();
    });
    let mut third = std::net::TcpStream::connect(served.address()).unwrap();
    third
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    assert_eq!(third.read(&mut [0]).unwrap_or(0), 0);
    drop(first);
    super::until("there is room for a connection", || {
        served.runtime.block_on(async {
            match Client::connect(served.address()).await {
                Ok(client) => client.head().await.is_ok(),
                Err(_) => false,
            }
        })
    });
    served.runtime.block_on(second.head()).unwrap();
}

#[test]
fn a_subscription_counts_until_its_client_lets_go_of_it() {
    let served = Served::limited(Limits::new().streams(2));
    let client = served.client();
    let open = || {
        served
            .runtime
            .block_on(client.subscribe(SubscribeRequest::default()))
    };
    let first = open().unwrap();
    let _second = open().unwrap();
    assert_eq!(open().unwrap_err().code(), Code::ResourceExhausted);
    let read = served.runtime.block_on(client.read(ReadRequest::default()));
    assert_eq!(read.unwrap_err().code(), Code::ResourceExhausted);
    // It waits for events that never come, and is given up all the same.
    drop(first);
    super::until("a subscription ends with its client", || open().is_ok());
}
