//! A store, its consumers and what they count, for Prometheus:
//! `cargo run -p strandline-examples --example prometheus -- 127.0.0.1:9464` serves it until it is interrupted; without
//! an address it serves it to itself, once, and ends.
//!
//! `docs/metrics.md` lists what is told, and `docs/grafana.json` is a dashboard of it.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use strandline::{Coordinate, Event, EventKind, Region, Store};
use strandline_live::Live;

const PLACED: EventKind = EventKind::new(0x1, 0x001);

type Failure = Box<dyn std::error::Error>;

/// Serves what is counted on an address. Before a store is opened, which makes its handles then.
pub(crate) fn serve(address: SocketAddr) -> Result<(), Failure> {
    let seconds = [
        0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0,
    ];
    let events = [1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 1000.0, 10_000.0];
    PrometheusBuilder::new()
        .with_http_listener(address)
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &seconds)?
        .set_buckets_for_metric(Matcher::Full("strandline_sync_events".to_owned()), &events)?
        .install()?;
    Ok(())
}

/// Tells how the store and its consumers are: what is not counted as it happens. To be called every few seconds.
pub(crate) fn report(live: &Live) -> Result<(), Failure> {
    live.store().report_metrics()?;
    live.report_metrics()?;
    Ok(())
}

/// A store that is at work: somebody orders, and somebody is told of it.
pub(crate) fn work(store: &Arc<Store>, orders: u32) -> Result<Live, Failure> {
    let live = Live::open(store)?;
    let mailer = live.reactor("mailer", Region::all()).start(|_, _| Ok(()))?;
    let mut last = None;
    for number in 0..orders {
        let order = Coordinate::new(format!("order:{number}"), "eu")?;
        last = Some(store.append(&order, Event::json(PLACED, &number)?)?);
    }
    if let Some(last) = last {
        live.wait_until("mailer", &last, Duration::from_secs(60))?;
    }
    mailer.stop()?;
    Ok(live)
}

/// What Prometheus is given, as it asks for it.
pub(crate) fn fetch(address: SocketAddr) -> Result<String, Failure> {
    let mut stream = TcpStream::connect(address)?;
    let ask = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// An address on this machine that nobody has.
pub(crate) fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn main() -> Result<(), Failure> {
    let given = std::env::args().nth(1);
    let address = given
        .as_deref()
        .map_or_else(free_address, |given| Ok(given.parse()?))?;
    serve(address)?;
    let dir = tempfile::tempdir()?;
    let store = Arc::new(Store::open(dir.path().join("shop.strand"))?);
    let live = work(&store, 100)?;
    report(&live)?;
    if given.is_none() {
        let answer = fetch(address)?;
        let lines = answer
            .lines()
            .filter(|line| line.starts_with("strandline_"));
        lines.for_each(|line| println!("{line}"));
        return Ok(());
    }
    println!("http://{address}/metrics");
    loop {
        std::thread::sleep(Duration::from_secs(5));
        work(&store, 10)?;
        report(&live)?;
    }
}
