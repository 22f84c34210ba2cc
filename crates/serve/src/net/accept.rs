//! Taking connections: as many as are allowed, and none waits for the handshake of another.

use super::connection::{Bytes, Connection};
use super::tls::Tls;
use crate::limits::Limits;
use futures::Stream;
use futures::stream::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_rustls::TlsAcceptor;

/// How many connections may wait until they are served.
const READY: usize = 64;
/// How long nobody is taken after the system could give no connection: it has no descriptor left, say.
const PAUSE: Duration = Duration::from_millis(50);

/// The connections of a listener, each once it can be served. They end with whoever takes them.
pub(crate) fn accept(
    listener: TcpListener,
    tls: Option<Tls>,
    limits: &Limits,
) -> impl Stream<Item = io::Result<Connection>> + use<> {
    let (ready, mut taken) = mpsc::channel(READY);
    let (most, time) = (limits.connections, limits.request_time);
    tokio::spawn(async move {
        tokio::select! {
            () = ready.closed() => {}
            () = take(&listener, tls, (most, time), &ready) => {}
        }
    });
    poll_fn(move |context| taken.poll_recv(context))
}

async fn take(
    listener: &TcpListener,
    tls: Option<Tls>,
    (most, time): (usize, Duration),
    ready: &mpsc::Sender<io::Result<Connection>>,
) {
    let counted = Arc::new(Semaphore::new(most));
    let acceptor = tls.map(|Tls(config)| TlsAcceptor::from(config));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Of one connection that went away, or of a lack that passes.
                tracing::warn!(%error, "no connection could be taken");
                sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&counted).try_acquire_owned() else {
            tracing::warn!(%peer, most, "a connection too many was closed");
            continue;
        };
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            let deadline = Instant::now() + time;
            match begun(stream, peer, acceptor, deadline, permit).await {
                // Whoever took them has ended.
                Ok(connection) => drop(ready.send(Ok(connection)).await),
                Err(error) => tracing::debug!(%peer, %error, "a connection did not begin"),
            }
        });
    }
}

async fn begun(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    deadline: Instant,
    counted: OwnedSemaphorePermit,
) -> io::Result<Connection> {
    stream.set_nodelay(true)?;
    let bytes = match acceptor {
        None => Bytes::Plain(stream),
        Some(acceptor) => {
            let shaken = timeout_at(deadline, acceptor.accept(stream)).await;
            Bytes::Tls(Box::new(shaken.map_err(io::Error::other)??))
        }
    };
    let deadline = sleep_until(deadline);
    Ok(Connection::new(bytes, peer, deadline, counted))
}
