//! `serve`: a store for clients in other languages, with the crate `strandline-serve`.

use crate::args::{open_to_write, store_dir};
use crate::files::read_secret;
use crate::interrupt::Interrupt;
use crate::outcome::{Outcome, WrongUsage};
use crate::output::{note, print};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::{Store, StoreOptions};
use strandline_serve::{Bound, Error, Limits, Server, Tls, Tokens};

/// Most bytes of a file of tokens, certificates or a key.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// How often it is looked whether the server has ended by itself.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the store, which is made if it is not there.
    #[arg(value_name = "DIR", value_parser = store_dir())]
    dir: PathBuf,
    /// Where to listen. With port 0 a port that is free is taken.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// The certificate of the server and those that lead from it to one that clients trust, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, as PEM, in a file that others cannot read.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Answer only those who have a token of this file, which others cannot read. A line has a role (`read` or
    /// `append`), a name for the access log, and the token.
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// Listen where other machines reach it without TLS or without tokens: everybody there may append.
    #[arg(long)]
    safe_network: bool,
    /// Most connections at once.
    #[arg(long, value_name = "COUNT", default_value_t = 1024,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections: u32,
    /// Most reads and subscriptions at once, of all connections together.
    #[arg(long, value_name = "COUNT", default_value_t = 1024,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    streams: u32,
    /// Longest request, in bytes. Default: 1 KiB less than 4 MiB, so that clients can read what they append.
    #[arg(long, value_name = "BYTES",
        value_parser = clap::value_parser!(u32).range(1024..=67_108_864))]
    request_bytes: Option<u32>,
    /// Most bytes of requests that are held at once; others wait for room.
    #[arg(long, value_name = "BYTES", default_value_t = 67_108_864,
        value_parser = clap::value_parser!(u32).range(1024..))]
    in_flight_bytes: u32,
    /// How long calls may go on after SIGTERM or Ctrl-C, in seconds; the second one ends it at once.
    #[arg(long, value_name = "SECONDS", default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(0..=3600))]
    drain_seconds: u32,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let interrupt = Interrupt::new()?;
    // What is wrong with the arguments is said before the store is opened.
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => Some(tls(certificate, key)?),
        _ => None,
    };
    let tokens = args.tokens.as_deref().map(tokens).transpose()?;
    let store = Arc::new(open_to_write(StoreOptions::new(), &args.dir)?);
    let served = serve(args, &store, tls, tokens, &interrupt);
    // The server has ended, so nobody else has it, but for a read that the disk has not answered yet.
    let closed = Arc::into_inner(store).map_or(Ok(()), Store::close);
    served?;
    closed?;
    Ok(Outcome::Fine)
}

fn serve(
    args: &Args,
    store: &Arc<Store>,
    tls: Option<Tls>,
    tokens: Option<Tokens>,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let mut server = Server::new(Arc::clone(store)).limits(limits(args));
    if let Some(tls) = tls {
        server = server.tls(tls);
    }
    if let Some(tokens) = tokens {
        server = server.tokens(tokens);
    }
    if args.safe_network {
        server = server.on_a_safe_network();
    }
    let bound = match server.bind(args.listen) {
        Err(error @ Error::Open { .. }) => {
            let how = "--tls-cert with --tls-key, --tokens, or --safe-network";
            return Err(WrongUsage(format!("{error} ({how})")).into());
        }
        Err(error @ Error::Listen { .. }) => return Err(WrongUsage(error.to_string()).into()),
        bound => bound?,
    };
    tell(args, &bound)?;
    let running = bound.spawn()?;
    while !interrupt.wait(LOOK) && !running.has_ended() {}
    Ok(running.stop()?)
}

/// Says where it listens, for people and for who waits until it does.
fn tell(args: &Args, bound: &Bound) -> anyhow::Result<()> {
    let scheme = if args.tls_cert.is_some() {
        "https"
    } else {
        "http"
    };
    print(&format!("{scheme}://{}\n", bound.address()))?;
    note("Ctrl-C or SIGTERM ends it; with -v it tells of each call.");
    Ok(())
}

fn limits(args: &Args) -> Limits {
    let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let limits = Limits::new()
        .connections(count(args.connections))
        .streams(count(args.streams))
        .in_flight_bytes(count(args.in_flight_bytes))
        .drain_time(Duration::from_secs(args.drain_seconds.into()));
    match args.request_bytes {
        Some(bytes) => limits.request_bytes(count(bytes)),
        None => limits,
    }
}

fn tls(certificate: &Path, key: &Path) -> anyhow::Result<Tls> {
    let certificates = crate::files::Input::open(certificate)?.read_all(FILE_BYTES_MAX)?;
    let bytes = read_secret(key, FILE_BYTES_MAX)?;
    let named = |error| {
        let (certificate, key) = (certificate.display(), key.display());
        WrongUsage(format!(
            "--tls-cert {certificate}, --tls-key {key}: {error}"
        ))
    };
    Ok(Tls::from_pem(&certificates, &bytes).map_err(named)?)
}

fn tokens(path: &Path) -> anyhow::Result<Tokens> {
    let bytes = read_secret(path, FILE_BYTES_MAX)?;
    let named = |error: &dyn std::fmt::Display| WrongUsage(format!("{}: {error}", path.display()));
    let text = String::from_utf8(bytes).map_err(|_| named(&"it is not UTF-8"))?;
    Ok(Tokens::parse(&text).map_err(|error| named(&error))?)
}
