//! Servers on loopback, and a client of five calls over tonic's own. Clients of others run in `cargo xtask serve`.

mod appends;
mod client;
mod ends;
mod guarded;
mod limited;
mod reads;
mod subscriptions;

use crate::{Limits, Running, Server};
use client::Client;
use std::sync::Arc;
use strandline::Store;
use tempfile::TempDir;

/// A store, a server of it, and a runtime for its clients.
struct Served {
    runtime: tokio::runtime::Runtime,
    store: Arc<Store>,
    /// None once it is stopped.
    server: Option<Running>,
    _dir: TempDir,
}

impl Served {
    fn new() -> Self {
        Self::with(|server| server)
    }

    fn limited(limits: Limits) -> Self {
        Self::with(|server| server.limits(limits))
    }

    fn with(change: impl FnOnce(Server) -> Server) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path().join("a.strand")).unwrap());
        let server = change(Server::new(store.clone()));
        let server = server.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self {
            runtime: tokio::runtime::Runtime::new().unwrap(),
            store,
            server: Some(server.spawn().unwrap()),
            _dir: dir,
        }
    }

    fn address(&self) -> std::net::SocketAddr {
        self.server.as_ref().unwrap().address()
    }

    /// A client on a connection of its own.
    fn client(&self) -> Client {
        self.runtime
            .block_on(Client::connect(self.address()))
            .unwrap()
    }
}

/// Returns once something is so; fails if it is not so for long.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{what}: not in time");
}
