//! `check-proof`: a proof checked by the log's public key alone.

use crate::args::{PolicyArgs, ZoneArgs};
use crate::files::Input;
use crate::outcome::Outcome;
use crate::terminal::{Screen, count, number};
use crate::times::Zone;
use serde_json::{Value, json};
use std::io;
use std::path::PathBuf;
use strandline::PayloadEncoding;
use strandline_proof::{
    DisclosedEvent, DisclosedPayload, Disclosure, PROOF_FILE_BYTES_MAX, ProofFile, ProofFileError,
    VerifiedCheckpoint, Witnessed,
};
use strandline_transfer::{base64_text, readable_json};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The proof, as `prove` wrote it; `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    zone: ZoneArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let policy = args.policy.policy()?;
    let bytes = Input::open(&args.file)?.read_all(PROOF_FILE_BYTES_MAX as u64)?;
    let mut screen = Screen::new();
    let outcome = match ProofFile::parse(&bytes) {
        Ok(file) => match file.verify_disclosed(&policy) {
            Ok((disclosure, head)) => {
                match args.json {
                    true => screen.json(&as_json(file.index(), &disclosure, &head))?,
                    false => show(
                        &mut screen,
                        file.index(),
                        &disclosure,
                        &head,
                        &args.zone.zone(),
                    )?,
                }
                Outcome::Fine
            }
            Err(error) => refuse(&mut screen, args.json, &error)?,
        },
        Err(error) => refuse(&mut screen, args.json, &error)?,
    };
    screen.flush()?;
    Ok(outcome)
}

fn refuse(screen: &mut Screen, json: bool, error: &ProofFileError) -> io::Result<Outcome> {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if !reason.ends_with(&error.to_string()) {
            reason += &format!(": {error}");
        }
        cause = error.source();
    }
    match json {
        true => screen.json(&json!({ "proven": false, "reason": reason }))?,
        false => {
            screen.text(&format!("!! not proven: {reason}"))?;
            screen.text("  nothing that the file says is to be believed")?;
        }
    }
    Ok(Outcome::ProblemFound)
}

/// Who, what, when; the payload; and what has signed it.
fn show(
    screen: &mut Screen,
    index: u64,
    disclosure: &Disclosure,
    head: &VerifiedCheckpoint<'_>,
    zone: &Zone,
) -> io::Result<()> {
    let origin = head.checkpoint().origin();
    screen.text(&format!(
        "proven: event number {} of the log {origin}, which had {} when its head was signed",
        number(index),
        count(head.head().size, "event")
    ))?;
    for Witnessed { name, seconds } in head.witnesses() {
        let when = seconds.map(|seconds| zone.text(seconds.saturating_mul(1000)));
        screen.text(&match when {
            Some(when) => format!("witness   {name}, {when}"),
            None => format!("witness   {name}"),
        })?;
    }
    let Some(event) = disclosure.event() else {
        screen.text(&format!("digest    {}", disclosure.digest()))?;
        return screen
            .text("the event is not in the proof: it was removed from the log, or left out");
    };
    show_event(screen, event, zone)
}

fn show_event(screen: &mut Screen, event: &DisclosedEvent, zone: &Zone) -> io::Result<()> {
    let kind = event.extensions.kind_name();
    let kind = kind.map_or_else(
        || event.kind.to_string(),
        |name| format!("{name} ({})", event.kind),
    );
    screen.text(&format!("id        {}", event.id))?;
    screen.text(&format!("entity    {}", event.coordinate.entity()))?;
    screen.text(&format!("scope     {}", event.coordinate.scope()))?;
    screen.text(&format!("kind      {kind}"))?;
    screen.text(&format!(
        "time      {} by the clock of its writer",
        zone.text(event.hlc.wall_ms())
    ))?;
    screen.text(&format!("clock     {}", event.clock))?;
    if event.correlation != event.id {
        screen.text(&format!("correl.   {}", event.correlation))?;
    }
    if let Some(cause) = event.causation {
        screen.text(&format!("cause     {cause}"))?;
    }
    for tag in event.extensions.tags() {
        screen.text(&format!("tag       {tag}"))?;
    }
    match &event.payload {
        DisclosedPayload::Stored { .. } => {
            let (text, is_json) = payload(event).unwrap_or_default();
            let form = match is_json {
                true => "",
                false if event.encoding == PayloadEncoding::SEALED => " (sealed: base64)",
                false => " (base64)",
            };
            screen.text(&format!("payload   {text}{form}"))
        }
        DisclosedPayload::Hash(hash) => {
            screen.text("payload   (not in the proof: redacted, or left out)")?;
            screen.text(&format!("  hash    {hash}"))
        }
    }
}

/// The payload as text, and whether that is JSON; else base64.
fn payload(event: &DisclosedEvent) -> Option<(String, bool)> {
    match &event.payload {
        DisclosedPayload::Stored { bytes, .. } => {
            Some(match readable_json(event.encoding, bytes) {
                Some(json) => (json, true),
                None => (base64_text(bytes), false),
            })
        }
        DisclosedPayload::Hash(_) => None,
    }
}

fn as_json(index: u64, disclosure: &Disclosure, head: &VerifiedCheckpoint<'_>) -> Value {
    let witnesses = head
        .witnesses()
        .iter()
        .map(|witness| json!({ "name": witness.name.as_str(), "seconds": witness.seconds }));
    let event = disclosure.event().map(|event| {
        let (text, is_json) = payload(event).unzip();
        let readable = text.as_deref().filter(|_| is_json == Some(true));
        json!({
            "id": event.id.to_string(),
            "sequence": event.sequence,
            "entity": event.coordinate.entity(),
            "scope": event.coordinate.scope(),
            "kind": format!("0x{:04x}", event.kind.bits()),
            "type": event.extensions.kind_name(),
            "wall_ms": event.hlc.wall_ms(),
            "clock": event.clock,
            "correlation": event.correlation.to_string(),
            "causation": event.causation.map(|id| id.to_string()),
            "tags": event.extensions.tags().collect::<Vec<_>>(),
            "payload": readable.and_then(|text| serde_json::from_str::<Value>(text).ok()),
            "payload_base64": text.as_deref().filter(|_| is_json == Some(false)),
            "payload_hash": event.payload.hash().to_string(),
        })
    });
    json!({
        "proven": true,
        "log": head.checkpoint().origin(),
        "size": head.head().size,
        "root": head.head().root.to_string(),
        "witnesses": witnesses.collect::<Vec<_>>(),
        "index": index,
        "digest": disclosure.digest().to_string(),
        "event": event,
    })
}
