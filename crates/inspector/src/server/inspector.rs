//! `Inspector`: the server of one store, from its address to its end.

use super::access::Access;
use super::desk::Desk;
use super::routes::routes;
use super::sampling::sample;
use crate::site::{Held, Signer};
use crate::views::Context;
use futures::future::{Either, select};
use std::future::{Future, pending};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use strandline::SystemClock;
use strandline::fs::OsFs;
use strandline_anchor::KeptHeads;
use strandline_anchor::proof::{LogPolicy, SignerKey};

/// The port that is taken where none is asked for and it is free.
pub const PORT_DEFAULT: u16 = 7787;

/// How many threads answer requests.
const THREADS_MAX: usize = 12;

/// Why the inspector does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The port is taken, or not for this user.
    #[error(
        "port {port} of the loopback interface cannot be listened at: {error}; another one can be asked for"
    )]
    Port {
        /// Which port.
        port: u16,
        /// What the system says.
        error: io::Error,
    },
    /// The system gives no random bytes, no thread or no socket.
    #[error("the inspector cannot run: {0}")]
    System(String),
}

/// A local page over a store, bound to a port of the loopback interface and not served yet.
#[derive(Debug)]
pub struct Inspector {
    listener: TcpListener,
    port: u16,
    context: Context,
    access: Access,
}

impl Inspector {
    /// Takes a port, and opens the store in `dir` to read only, beside whoever writes it. One that does not open is
    /// inspected too, as far as its files show something. Without a port [`PORT_DEFAULT`] is taken, or any other where
    /// that is not free.
    ///
    /// # Errors
    ///
    /// [`Error::Port`] if the port that is asked for is not free, [`Error::System`].
    pub fn bind(dir: &Path, port: Option<u16>) -> Result<Self, Error> {
        let listen = |port| {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port))
                .map_err(|error| Error::Port { port, error })
        };
        let listener = match port {
            Some(port) => listen(port)?,
            None => listen(PORT_DEFAULT).or_else(|_| listen(0))?,
        };
        let port = listener
            .local_addr()
            .map_err(|error| Error::System(error.to_string()))?
            .port();
        let access = Access::new(port).map_err(|error| Error::System(error.to_string()))?;
        let context = Context::new(dir, Arc::new(OsFs), Arc::new(SystemClock::default()));
        Ok(Self {
            listener,
            port,
            context,
            access,
        })
    }

    /// Has each request take as long as it needs: answers are whole, and as slow as the store is large. Default: a request
    /// spends less than 100 ms on what grows with the store, and its answer says where that was not enough.
    #[must_use]
    pub fn without_time_limit(mut self) -> Self {
        self.context.has_no_time_limit = true;
        self
    }

    /// Holds the log against heads that are kept elsewhere, which `read` gives as they are now, whenever somebody looks;
    /// those count that `policy` asks for. Proofs are signed by the newest of them, unless there is a
    /// [`signer`](Self::signer). Default: none, and proofs are not signed.
    #[must_use]
    pub fn heads(
        mut self,
        read: impl Fn() -> Result<KeptHeads, String> + Send + Sync + 'static,
        policy: LogPolicy,
    ) -> Self {
        let read = Box::new(read);
        self.context.held = Some(Arc::new(Held { read, policy }));
        self
    }

    /// Signs the proofs that are downloaded with the key of the log, which is called `origin`: whoever has the token can
    /// have any event of the store signed as being in it. Default: no key, which a proof by heads needs not.
    #[must_use]
    pub fn signer(mut self, key: SignerKey, origin: &str) -> Self {
        let origin = origin.to_owned();
        self.context.signer = Some(Signer { key, origin });
        self
    }

    /// The address to open in a browser, with the token without which nobody is answered.
    #[must_use]
    pub fn address(&self) -> String {
        self.access.address()
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Answers for ever, on this thread and some others.
    ///
    /// # Errors
    ///
    /// [`Error::System`].
    pub fn run(self) -> Result<(), Error> {
        self.run_until(pending())
    }

    /// Answers until a future is done.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_until(self, until: impl Future<Output = ()>) -> Result<(), Error> {
        let system = |error: io::Error| Error::System(error.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(THREADS_MAX)
            .thread_name("inspector")
            .build()
            .map_err(system)?;
        let served = runtime.block_on(async {
            self.listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let desk = Arc::new(Desk::new(Arc::new(self.context), self.access));
            let sampling = tokio::spawn(sample(desk.context.clone()));
            let serving = async move { axum::serve(listener, routes(&desk)).await };
            let ended = match select(pin!(serving), pin!(until)).await {
                Either::Left((served, _)) => served,
                Either::Right(((), _)) => Ok(()),
            };
            sampling.abort();
            ended
        });
        // Lists that are looked at live end with it.
        runtime.shutdown_background();
        served.map_err(system)
    }
}
