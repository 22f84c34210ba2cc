//! How a server ends, and what is left then.

use super::Served;
use super::client::event;
use crate::{Limits, Server};
use std::sync::Arc;
use std::time::Duration;
use strandline::Store;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

#[test]
fn a_server_that_ends_lets_go_of_the_store_with_all_that_was_acknowledged() {
    const CLIENTS: usize = 8;
    let mut served = Served::new();
    let clients: Vec<_> = (0..CLIENTS).map(|_| served.client()).collect();
    let appends = clients.into_iter().map(|client| {
        served.runtime.spawn(async move {
            let mut last = 0;
            while let Ok(position) = client.append_all(vec![event("Paid", &[], 9)]).await {
                last = position;
            }
            last
        })
    });
    let appends: Vec<_> = appends.collect();
    super::until("there are events", || {
        served.store.snapshot().visible().get() > 50
    });
    served.server.take().unwrap().stop().unwrap();
    let last = served.runtime.block_on(futures::future::join_all(appends));
    let last = last.into_iter().map(Result::unwrap).max().unwrap();
    let dir = served.store.dir().to_path_buf();
    let Served { store, _dir, .. } = served;
    Arc::into_inner(store).unwrap().close().unwrap();
    let store = Store::open(dir).unwrap();
    assert!(store.snapshot().visible().get() >= last, "{last}");
    assert!(store.verify().unwrap().problems.is_empty());
}

#[test]
fn a_call_that_does_not_end_is_ended() {
    let limits = Limits::new().drain_time(Duration::from_millis(100));
    let mut served = Served::limited(limits);
    let client = served.client();
    let _open = served.runtime.block_on(async {
        for _ in 0..10 {
            let events = (0..10).map(|_| event("Large", &[], 100_000));
            client.append_all(events.collect()).await.unwrap();
        }
        client
            .read(crate::wire::ReadRequest::default())
            .await
            .unwrap()
    });
    served.server.take().unwrap().stop().unwrap();
}

/// A client that watches the health of the server is told of its end, and does not keep it from ending.
#[test]
fn health_is_told_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("a.strand")).unwrap();
    let limits = Limits::new().drain_time(Duration::from_secs(20));
    let server = Server::new(store).limits(limits);
    let server = server
        .bind("127.0.0.1:0".parse().unwrap())
        .unwrap()
        .spawn()
        .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address())).unwrap();
    let (mut watch, _client) = runtime.block_on(async {
        let mut client = HealthClient::new(endpoint.connect().await.unwrap());
        for service in ["", "umadb.v1.DCB", "umadb.UmaDBService"] {
            let service = service.to_owned();
            let health = client.check(HealthCheckRequest { service }).await.unwrap();
            assert_eq!(health.into_inner().status, 1);
        }
        let service = "no.such.Service".to_owned();
        client
            .check(HealthCheckRequest { service })
            .await
            .unwrap_err();
        let watch = client.watch(HealthCheckRequest::default()).await.unwrap();
        let mut watch = watch.into_inner();
        assert_eq!(watch.message().await.unwrap().unwrap().status, 1);
        (watch, client)
    });
    server.stop().unwrap();
    runtime.block_on(async {
        assert_eq!(watch.message().await.unwrap().unwrap().status, 2);
        assert!(watch.message().await.unwrap().is_none());
    });
}
