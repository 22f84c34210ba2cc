//! Plots of results, as SVG: how Strandline compares, and how its figures grow with the store.
//!
//! It knows results, which systems there are, and by what a table says one is better; it measures nothing.

mod axis;
mod choice;
mod growth;
mod ratios;
mod style;

use crate::results::{Machine, Results};
use anyhow::Context;
use std::path::{Path, PathBuf};

/// Draws what the results allow into the directory `into`, which is made if it is not there, and
/// gives the files that were written.
///
/// - `ratios.svg`: how many times better Strandline is than each peer, for each work that both
///   have. Figures are compared within one `Results` only, since times of different runs are not
///   comparable.
/// - `growth-append.svg`, `growth-read.svg`, `growth-latency.svg`, `growth-open.svg` and
///   `growth-memory.svg`: Strandline's figures against the number of events, for each work that
///   was done with several numbers of events.
/// - `growth-segments.svg`: its figures against the number of segments; `growth-many-append.svg`,
///   `growth-many-read.svg` and `growth-many-memory.svg`: those of millions of entities.
///
/// Of the percentiles, the 99th alone is drawn. Where several results have the same figure, the
/// last counts.
///
/// # Errors
///
/// If there is nothing to draw, with what is missing; if the results are of different machines; or
/// if a file cannot be written.
pub fn draw(results: &[Results], into: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let rows: usize = results.iter().map(|results| results.rows.len()).sum();
    anyhow::ensure!(rows > 0, "there is nothing to draw: the results are empty");
    let machine = machine(results)?;
    make_directory(into)?;
    let mut written = Vec::new();
    written.extend(ratios::draw(results, &machine, into)?);
    written.extend(growth::draw(results, &machine, into)?);
    anyhow::ensure!(
        !written.is_empty(),
        "there is nothing to draw in {rows} figures: that takes work which strandline and one of \
         {} did with the same number of events, or which strandline did with several numbers",
        ratios::PEERS.map(|peer| peer.name).join(", ")
    );
    Ok(written)
}

/// The one machine that all results are of, as text.
fn machine(results: &[Results]) -> anyhow::Result<String> {
    let (first, rest) = results.split_first().context("there are no results")?;
    let other = rest.iter().find(|other| other.machine != first.machine);
    if let Some(other) = other {
        anyhow::bail!(
            "the results are of different machines: {}; and {}",
            described(&first.machine),
            described(&other.machine)
        );
    }
    Ok(described(&first.machine))
}

fn described(machine: &Machine) -> String {
    format!(
        "{} with {} cores, {} GiB, {}, {}",
        machine.processor,
        machine.cores,
        machine.memory_bytes >> 30,
        machine.system,
        machine.file_system
    )
}

#[expect(clippy::disallowed_methods, reason = "plots are no files of a store")]
fn make_directory(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Row, Unit};

    const RATE: Unit = Unit::EventsPerSecond;

    fn row(system: &str, work: &str, events: u64, value: f64, unit: Unit) -> Row {
        Row {
            work: work.to_owned(),
            events,
            segments: None,
            system: system.to_owned(),
            value,
            unit,
            low: value * 0.9,
            high: value * 1.1,
        }
    }

    fn results(rows: Vec<Row>) -> Results {
        Results {
            machine: Machine {
                processor: "A <Processor>".to_owned(),
                cores: 2,
                memory_bytes: 8 << 30,
                system: "linux 6".to_owned(),
                file_system: "ext4".to_owned(),
            },
            rows,
        }
    }

    /// The texts of each plot that is drawn, one string of them a file.
    fn drawn(results: &[Results]) -> anyhow::Result<Vec<(String, String)>> {
        let dir = tempfile::tempdir().unwrap();
        let written = draw(results, &dir.path().join("new"))?;
        let read = |path: PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        };
        Ok(written.into_iter().map(read).collect())
    }

    #[test]
    fn a_peer_that_has_not_all_work_is_drawn_where_it_has() {
        let found = drawn(&[results(vec![
            row("strandline", "append/single", 1000, 400.0, RATE),
            row("sqlite", "append/single", 1000, 20.0, RATE),
            row("redb", "append/single", 1000, 40.0, RATE),
            row("limit", "append/single", 1000, 900.0, RATE),
            row("strandline", "query/kind", 1000, 50.0, Unit::RowsPerSecond),
            row("sqlite", "query/kind", 1000, 5.0, Unit::RowsPerSecond),
            row("strandline", "verify", 1000, 50.0, RATE),
            row("limit", "verify", 1000, 60.0, RATE),
        ])])
        .unwrap();
        let [(name, svg)] = found.as_slice() else {
            panic!("one plot");
        };
        assert_eq!(name, "ratios.svg");
        for label in ["append/single", "query/kind", "sqlite", "redb"] {
            assert!(svg.contains(label), "{label} is missing");
        }
        for absent in ["batpak", "limit", "verify"] {
            assert!(!svg.contains(absent), "{absent} is there");
        }
        assert!(svg.contains("A &lt;Processor&gt; with 2 cores"));
    }

    #[test]
    fn growth_is_drawn_for_work_with_several_numbers_of_events() {
        let rows = |events: u64| {
            vec![
                row("strandline", "append/single", events, 400_000.0, RATE),
                row("strandline", "read/scan", events, 9_000_000.0, RATE),
                row("strandline", "query/kind", events, 6e7, Unit::RowsPerSecond),
                row("strandline", "memory", events, 71.0, Unit::BytesPerEvent),
                row("strandline", "open/clean", events, 12.0, Unit::Milliseconds),
                row("strandline", "query/rare", events, 9.0, Unit::Microseconds),
                row(
                    "strandline",
                    "append/single/max",
                    events,
                    9.0,
                    Unit::Microseconds,
                ),
                row("sqlite", "read/stream", events, 9.0, RATE),
                row("strandline", "read/by-id", 1000, 9.0, RATE),
            ]
        };
        let sizes = [100_000, 1_000_000, 10_000_000];
        let found = drawn(&sizes.map(|events| results(rows(events)))).unwrap();
        let expected = [
            ("growth-append.svg", &["append/single", "10 M"][..]),
            ("growth-read.svg", &["read/scan", "query/kind"]),
            ("growth-latency.svg", &["query/rare", "us"]),
            ("growth-open.svg", &["open/clean", "ms", "100 k"]),
            ("growth-memory.svg", &["memory", "B/event"]),
        ];
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected.map(|(name, _)| name));
        for ((name, labels), (_, svg)) in expected.iter().zip(&found) {
            for label in *labels {
                assert!(svg.contains(label), "{label} is missing in {name}");
            }
            for absent in ["/max", "read/stream", "by-id"] {
                assert!(!svg.contains(absent), "{absent} is in {name}");
            }
        }
    }

    #[test]
    fn work_on_many_segments_and_entities_has_plots_of_its_own() {
        let rows = |size: u64| {
            let us = Unit::Microseconds;
            let of_segments = |work| Row {
                segments: Some(size),
                ..row("strandline", work, size * 2_500, 9.0, us)
            };
            vec![
                of_segments("segments/append-new"),
                of_segments("segments/append-new/p99"),
                row("strandline", "append/single", size, 4e5, RATE),
                row("strandline", "many/append/single", size, 1e4, RATE),
                row("strandline", "many/read/stream", size, 9.0, us),
                row("strandline", "many/disk", size, 9.0, Unit::BytesPerEvent),
            ]
        };
        let found = drawn(&[10, 1000].map(|size| results(rows(size)))).unwrap();
        let expected = [
            ("growth-append.svg", "append/single", "many/"),
            ("growth-segments.svg", "segments/append-new", "/p99"),
            ("growth-many-append.svg", "many/append/single", "disk"),
            ("growth-many-read.svg", "many/read/stream", "append-new"),
            ("growth-many-memory.svg", "many/disk", "stream"),
        ];
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected.map(|(name, ..)| name));
        for ((name, label, absent), (_, svg)) in expected.iter().zip(&found) {
            assert!(svg.contains(label), "{label} is missing in {name}");
            assert!(!svg.contains(absent), "{absent} is in {name}");
        }
        assert!(found[1].1.contains("segments of the store"));
    }

    #[test]
    fn nothing_to_draw_is_an_error_that_says_what_is_missing() {
        let said = |results: &[Results]| drawn(results).unwrap_err().to_string();
        assert!(said(&[]).contains("empty"));
        assert!(said(&[results(vec![])]).contains("empty"));
        let alone = results(vec![row("strandline", "verify", 1000, 1.0, RATE)]);
        assert!(said(&[alone]).contains("one of batpak, sqlite"));
    }

    #[test]
    fn figures_of_different_machines_are_refused() {
        let mut other = results(vec![row("strandline", "verify", 1000, 1.0, RATE)]);
        other.machine.cores = 64;
        let one = results(vec![row("strandline", "verify", 100, 1.0, RATE)]);
        let said = drawn(&[one, other]).unwrap_err().to_string();
        assert!(said.contains("64 cores"), "{said}");
    }
}
