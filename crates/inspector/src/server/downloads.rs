//! What a browser keeps as a file: a payload, a proof, an export, each for as long as somebody takes it.

use super::answer::{Form, download, fault};
use super::desk::Desk;
use crate::asked::{Asked, FILTER, Filter, Wrong};
use crate::views::{Context, EXPORT, Fault, event_id, events_csv};
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::Response;
use futures::stream::unfold;
use serde_json::json;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::Snapshot;
use strandline_anchor::proof::{Checkpoint, SignedCheckpoint};
use strandline_anchor::{ProveError, Proved, prove};
use strandline_transfer::{LineFormat, export};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many pieces of an export wait to be taken.
const PIECES: usize = 4;
/// How long a piece of CSV is, in events.
const CSV_EVENTS: usize = 512;

/// What an answer is made of, on a thread of its own; or why there is none. `known` is what may be asked.
async fn made(
    desk: Arc<Desk>,
    (query, known): (Option<String>, &'static [&'static str]),
    make: impl FnOnce(&Snapshot, &Asked) -> Result<Response<Body>, Fault> + Send + 'static,
) -> Response<Body> {
    let context = desk.context.clone();
    let make = move || {
        let asked = Asked::parse(&query.unwrap_or_default(), &[known])?;
        make(&context.opened()?.store.snapshot(), &asked)
    };
    let made = tokio::task::spawn_blocking(make).await;
    let made = made.unwrap_or_else(|_| Err(Fault::Store("it cannot be made".to_owned())));
    made.unwrap_or_else(|error| fault(&desk.context, ("", &Asked::default()), Form::Json, &error))
}

/// The bytes of a payload, as they are stored.
pub(super) async fn payload(
    State(desk): State<Arc<Desk>>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    made(desk, (query, &["id", "sequence"]), |now, asked| {
        let id = event_id(now, asked)?;
        let event = now
            .get(id)?
            .ok_or_else(|| Fault::NotThere(format!("no event has the id {id}")))?;
        let payload = event
            .payload()
            .map_err(|error| Fault::NotThere(error.to_string()))?
            .to_vec();
        Ok(download(
            "application/octet-stream",
            &format!("{id}.payload"),
            payload,
        ))
    })
    .await
}

/// That an event is in the log as it is now: the hashes that lead from its digest to the root.
pub(super) async fn proof(
    State(desk): State<Arc<Desk>>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    made(desk, (query, &["id", "sequence"]), |now, asked| {
        let id = event_id(now, asked)?;
        let proof = now
            .prove(id)?
            .ok_or_else(|| Fault::NotThere(format!("no event has the id {id}")))?;
        proof
            .verify()
            .map_err(|error| Fault::Store(error.to_string()))?;
        let hashes: Vec<_> = proof
            .inclusion
            .hashes()
            .iter()
            .map(ToString::to_string)
            .collect();
        let json = json!({
            "id": id.to_string(),
            "number": proof.sequence.get(),
            "digest": proof.digest.to_string(),
            "size": proof.head.size,
            "root": proof.head.root.to_string(),
            "hashes": hashes,
        });
        Ok(download(
            "application/json",
            &format!("{id}.proof.json"),
            format!("{json:#}"),
        ))
    })
    .await
}

/// The same with the event, signed: by the key that was given, or by the newest head that counts. What
/// `strandline check-proof` takes.
pub(super) async fn signed_proof(
    State(desk): State<Arc<Desk>>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let context = desk.context.clone();
    made(
        desk,
        (query, &["id", "sequence", "payload"]),
        move |now, asked| {
            let id = event_id(now, asked)?;
            let without_payload = match asked.one("payload") {
                None => false,
                Some("without") => true,
                Some(_) => return Err(Wrong("`payload` may be `without`".to_owned()).into()),
            };
            let proved = Proved::Event {
                id,
                without_payload,
            };
            let proof =
                prove(now, proved, signed(&context, now)?).map_err(|error| match error {
                    ProveError::Store(_) | ProveError::File(_) => Fault::Store(error.to_string()),
                    _ => Fault::NotThere(error.to_string()),
                })?;
            Ok(download(
                "text/plain; charset=utf-8",
                &format!("{id}.tlog-proof"),
                proof.to_string(),
            ))
        },
    )
    .await
}

/// The head that proves.
fn signed(context: &Context, now: &Snapshot) -> Result<SignedCheckpoint, Fault> {
    let store = |error: &dyn std::fmt::Display| Fault::Store(error.to_string());
    if let Some(signer) = &context.signer {
        let head = context.opened()?.store.durable_head()?;
        let checkpoint = Checkpoint::new(&signer.origin, head).map_err(|error| store(&error))?;
        return SignedCheckpoint::sign(checkpoint, &signer.key).map_err(|error| store(&error));
    }
    let Some(held) = &context.held else {
        let why = "nothing signs here: start `strandline ui` with --signing-key, or with --anchors and --key";
        return Err(Fault::NotThere(why.to_owned()));
    };
    let kept = held.counted().map_err(Fault::Store)?;
    kept.newest_within(now).ok_or_else(|| {
        Fault::NotThere(
            "no head that counts is of so many events as the log has, or fewer".to_owned(),
        )
    })
}

/// In which form events are exported.
#[derive(Debug, Clone, Copy)]
enum ExportForm {
    Lines(LineFormat),
    Csv,
}

/// The events of a filter, oldest first, as they are read.
pub(super) async fn events(
    State(desk): State<Arc<Desk>>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let refused = |error: Fault| fault(&desk.context, ("", &Asked::default()), Form::Json, &error);
    let asked = match Asked::parse(&query.unwrap_or_default(), &[FILTER, EXPORT]) {
        Ok(asked) => asked,
        Err(wrong) => return refused(wrong.into()),
    };
    let Ok(permit) = desk.streams.clone().try_acquire_owned() else {
        return refused(Fault::Busy);
    };
    let context = desk.context.clone();
    let begun = tokio::task::spawn_blocking(move || {
        let now = context.opened()?.store.snapshot();
        let filter = Filter::of(&asked, &now, context.clock.now_ms())?;
        Ok::<_, Fault>((now, filter, form(&asked)?))
    });
    let (now, filter, form) = match begun.await {
        Ok(Ok(begun)) => begun,
        Ok(Err(error)) => return refused(error),
        Err(_) => return refused(Fault::Store("it cannot be begun".to_owned())),
    };
    let (sender, receiver) = channel(PIECES);
    // A thread beside those of requests, which it does not keep waiting.
    let write = move || {
        let _permit = permit;
        let mut pipe = Pipe(sender);
        let written = match form {
            ExportForm::Lines(format) => {
                let export = export(&now, filter.region, format, &mut pipe, &mut |_| {
                    ControlFlow::Continue(())
                });
                export.map(drop).map_err(|error| error.to_string())
            }
            ExportForm::Csv => events_csv(&now, &filter.region, CSV_EVENTS, &mut pipe)
                .map_err(|error| error.to_string()),
        };
        if let Err(error) = written {
            // What was sent ends in the middle, so that nobody takes it for all.
            let _ = pipe.0.blocking_send(Err(io::Error::other(error)));
        }
    };
    if let Err(error) = std::thread::Builder::new()
        .name("inspector-export".to_owned())
        .spawn(write)
    {
        return refused(Fault::Store(error.to_string()));
    }
    let (content_type, name) = match form {
        ExportForm::Lines(LineFormat::CloudEvents) => {
            ("application/x-ndjson", "events.cloudevents.jsonl")
        }
        ExportForm::Lines(_) => ("application/x-ndjson", "events.jsonl"),
        ExportForm::Csv => ("text/csv; charset=utf-8", "events.csv"),
    };
    let pieces = unfold(
        receiver,
        |mut receiver: Receiver<io::Result<Bytes>>| async move {
            Some((receiver.recv().await?, receiver))
        },
    );
    download(content_type, name, Body::from_stream(pieces))
}

fn form(asked: &Asked) -> Result<ExportForm, Wrong> {
    Ok(match asked.one("format") {
        None | Some("lines") => ExportForm::Lines(LineFormat::Lines),
        Some("cloudevents") => ExportForm::Lines(LineFormat::CloudEvents),
        Some("csv") => ExportForm::Csv,
        Some(other) => {
            return Err(Wrong::of(
                "format",
                format!("{other:?} is none of `lines`, `cloudevents` and `csv`"),
            ));
        }
    })
}

/// Where an export is written to: it waits for whoever takes it, and fails once nobody does.
struct Pipe(Sender<io::Result<Bytes>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
