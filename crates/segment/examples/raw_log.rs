//! A log of anything, without the store: `cargo run -p strandline-segment --example raw_log`.

use std::sync::Arc;
use strandline_core::fs::OsFs;
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{CommitBuffer, LogOptions, UncheckedLog};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let (fs, dir) = (Arc::new(OsFs), dir.path());
    let random = Random::from_os()?;

    for run in 1..=2 {
        let log = match UncheckedLog::open(fs.clone(), dir, LogOptions::default())? {
            Some(log) => log,
            None => UncheckedLog::create(fs.clone(), dir, LogOptions::default(), &random)?,
        };
        let mut lines = Vec::new();
        let scanned = log.scan(None, Sequence::ZERO, |frame| {
            for record in frame.records() {
                lines.push(String::from_utf8_lossy(record.body).into_owned());
            }
            Ok::<_, std::io::Error>(())
        })?;
        println!("run {run} found {lines:?}");

        let (mut writer, reader, repairs) = scanned.into_writer(&random)?;
        repairs
            .notices()
            .iter()
            .for_each(|notice| println!("{notice}"));
        let mut commit = CommitBuffer::default();
        for text in ["to be", "or not to be"] {
            let text = format!("{text} (run {run})");
            commit.push(&Hash::of(text.as_bytes()), |body| {
                body.extend_from_slice(text.as_bytes());
            });
        }
        let next = writer.position().sequence;
        let appended = writer.append(&mut commit, next, next)?;
        writer.active().sync()?;
        if let Some(position) = commit.positions(appended.start).last() {
            let body = reader.view().read(position)?.body;
            println!("run {run} wrote {:?} last", String::from_utf8_lossy(&body));
        }
    }
    Ok(())
}
