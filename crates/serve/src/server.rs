//! `Server`: from a store and an address to the end of the last call.

use crate::access::Tokens;
use crate::calls::{Context, Dcb, Older};
use crate::limits::Limits;
use crate::net::{Tls, accept};
use crate::wire::{SERVICE, SERVICE_OLDER};
use std::future::{Future, pending};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use strandline::Store;
use strandline_dcb::DcbStore;
use tokio::sync::{oneshot, watch};
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};

/// How much of the requests of a connection may be on the way.
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// How much of one request.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// How often it is asked whether a client is there that says nothing, and how long it may take to answer.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));
/// How many reads wait for the disk at once.
const READERS_MAX: usize = 64;
/// How long threads that read for nobody any more may take to end.
const END: Duration = Duration::from_secs(1);
/// The names under which health is asked for; the empty one is that of the server.
const HEALTH_OF: [&str; 3] = ["", SERVICE, SERVICE_OLDER];

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is taken, not of this machine, or not for this user.
    #[error("{address} cannot be listened at: {error}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// Whoever reaches the address could read and append.
    #[error(
        "{address} can be reached from other machines, and there is no {missing}: give it, or say that the network is safe"
    )]
    Open {
        /// Which address.
        address: SocketAddr,
        /// What is missing: `TLS`, `tokens`, or both.
        missing: &'static str,
    },
    /// The system gives no thread or no socket, or the transport has failed.
    #[error("the server cannot run: {0}")]
    System(String),
}

/// A store that is to be served.
#[derive(Debug)]
#[must_use]
pub struct Server {
    dcb: DcbStore,
    limits: Limits,
    tls: Option<Tls>,
    tokens: Option<Tokens>,
    is_network_safe: bool,
}

impl Server {
    /// A server of a store; in an `Arc` if the program uses it too. The store stays open when the server ends, for as
    /// long as anybody has it.
    pub fn new(store: impl Into<Arc<Store>>) -> Self {
        Self::of(DcbStore::new(store))
    }

    /// A server of a store whose events have the places and the encoding that are set there.
    pub fn of(dcb: DcbStore) -> Self {
        Self {
            dcb,
            limits: Limits::default(),
            tls: None,
            tokens: None,
            is_network_safe: false,
        }
    }

    /// What clients may take of the machine. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Encrypts connections. Default: not encrypted.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Answers only calls with one of these tokens, but for those that ask for health. Default: answers everybody.
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Says that everybody may read and append who can reach the address, and that nobody else sees what is sent: it may
    /// be one that others than this machine reach, without TLS or tokens. Default: such an address is refused.
    pub fn on_a_safe_network(mut self) -> Self {
        self.is_network_safe = true;
        self
    }

    /// Takes an address; with port 0 a port that is free.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`], [`Error::Open`].
    pub fn bind(self, address: SocketAddr) -> Result<Bound, Error> {
        let missing = match (&self.tls, &self.tokens) {
            (None, None) => "TLS and no token",
            (None, Some(_)) => "TLS",
            (Some(_), None) => "token",
            (Some(_), Some(_)) => "",
        };
        if !missing.is_empty() && !address.ip().is_loopback() && !self.is_network_safe {
            return Err(Error::Open { address, missing });
        }
        let listen = |address| {
            let listener = TcpListener::bind(address)?;
            let address = listener.local_addr()?;
            listener.set_nonblocking(true)?;
            Ok((listener, address))
        };
        let (listener, address) =
            listen(address).map_err(|error| Error::Listen { address, error })?;
        Ok(Bound {
            server: self,
            listener,
            address,
        })
    }
}

/// A server that has its address, and does not answer yet.
#[derive(Debug)]
#[must_use]
pub struct Bound {
    server: Server,
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// The address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers for ever, on this thread and others.
    ///
    /// # Errors
    ///
    /// [`Error::System`].
    pub fn run(self) -> Result<(), Error> {
        self.run_until(pending())
    }

    /// Answers until a future is done; then takes no connection any more, ends subscriptions with `Unavailable`, and
    /// lets other calls end for as long as [`Limits::drain_time`] says.
    ///
    /// # Errors
    ///
    /// [`Error::System`].
    pub fn run_until(self, until: impl Future<Output = ()>) -> Result<(), Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .max_blocking_threads(READERS_MAX)
            .thread_name("strandline-serve")
            .build()
            .map_err(|error| Error::System(error.to_string()))?;
        let served = runtime.block_on(self.serve(until));
        runtime.shutdown_timeout(END);
        served
    }

    /// Answers on threads of its own until it is [stopped](Running::stop).
    ///
    /// # Errors
    ///
    /// [`Error::System`] if the system gives no thread.
    pub fn spawn(self) -> Result<Running, Error> {
        let address = self.address;
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            self.run_until(async {
                // Dropped is stopped.
                let _ = stopped.await;
            })
        };
        let thread = std::thread::Builder::new()
            .name("strandline-serve".to_owned())
            .spawn(run)
            .map_err(|error| Error::System(error.to_string()))?;
        Ok(Running {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    async fn serve(self, until: impl Future<Output = ()>) -> Result<(), Error> {
        let system = |error: &dyn std::error::Error| Error::System(error.to_string());
        let Server {
            dcb,
            limits,
            tls,
            tokens,
            ..
        } = self.server;
        let listener =
            tokio::net::TcpListener::from_std(self.listener).map_err(|error| system(&error))?;
        let (close, closing) = watch::channel(false);
        let (broken, mut breaks) = watch::channel(false);
        let (mut reporter, health) = health_reporter();
        report(&reporter, ServingStatus::Serving).await;
        let connections = accept(listener, tls, &limits);
        let (most, drain_time) = (limits.calls_per_connection, limits.drain_time);
        let context = Arc::new(Context::new(dcb, tokens, limits, closing, broken));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tonic::transport::Server::builder()
            .max_concurrent_streams(most)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .http2_keepalive_interval(Some(KEEPALIVE.0))
            .http2_keepalive_timeout(Some(KEEPALIVE.1))
            .add_service(health)
            .add_service(Older(Arc::clone(&context)))
            .add_service(Dcb(context))
            .serve_with_incoming_shutdown(connections, async {
                // Dropped is stopped.
                let _ = stopped.await;
            });
        let mut serving = Box::pin(serving);
        let breaking = async {
            if breaks.wait_for(|is_broken| *is_broken).await.is_ok() {
                report(&reporter, ServingStatus::NotServing).await;
            }
            pending::<()>().await;
        };
        tracing::info!(address = %self.address, "serving");
        tokio::select! {
            served = &mut serving => return served.map_err(|error| system(&error)),
            () = breaking => {}
            () = until => {}
        }
        tracing::info!("ending");
        close.send_replace(true);
        report(&reporter, ServingStatus::NotServing).await;
        for service in HEALTH_OF {
            // Whoever watches it is told, and has no more to wait for.
            reporter.clear_service_status(service).await;
        }
        // Who serves waits for it, so it is there.
        let _ = stop.send(());
        match tokio::time::timeout(drain_time, serving).await {
            Ok(served) => served.map_err(|error| system(&error)),
            Err(_) => {
                tracing::warn!(?drain_time, "calls went on for too long, and were ended");
                Ok(())
            }
        }
    }
}

async fn report(reporter: &HealthReporter, status: ServingStatus) {
    for service in HEALTH_OF {
        reporter.set_service_status(service, status).await;
    }
}

/// A server that answers, on threads of its own. Dropping it stops it, and waits until it has ended.
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl Running {
    /// The address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it has ended by itself; [`stop`](Self::stop) says why.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends as [`Bound::run_until`] says, and returns once it has ended.
    ///
    /// # Errors
    ///
    /// Why it had ended before, [`Error::System`].
    pub fn stop(mut self) -> Result<(), Error> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Error> {
        drop(self.stop.take());
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(served)) => served,
            Some(Err(_)) => Err(Error::System("a thread of it has panicked".to_owned())),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::error!(%error, "the server has ended before");
        }
    }
}
