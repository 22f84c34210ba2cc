//! The table: a line for each work, a column for each system.
//!
//! It knows engines by their names, results and which systems there are; it measures nothing.

use crate::engine::EngineEntry;
use crate::results::{Results, Row, Unit};
use crate::systems::{LIMIT, STRANDLINE};
use std::fmt::Write;

/// The results as a table, with the notes of the systems in it.
#[must_use]
pub(crate) fn table(results: &Results, engines: &[EngineEntry]) -> String {
    let systems: Vec<_> = engines
        .iter()
        .filter(|entry| results.rows.iter().any(|row| row.system == entry.name))
        .collect();
    let mut lines = vec![header(&systems)];
    let mut done: Vec<(&str, u64)> = Vec::new();
    for row in &results.rows {
        let key = (row.work.as_str(), row.events);
        if !done.contains(&key) {
            done.push(key);
            lines.push(line(&results.rows, row, &systems));
        }
    }
    let mut text = aligned(&lines);
    let machine = &results.machine;
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "\n{} with {} cores, {} GiB, {}, {}",
        machine.processor,
        machine.cores,
        machine.memory_bytes >> 30,
        machine.system,
        machine.file_system
    );
    for entry in systems {
        let _ = writeln!(text, "{}: {}", entry.name, entry.notes);
    }
    text
}

fn header(systems: &[&EngineEntry]) -> Vec<String> {
    let mut cells = vec!["work".to_owned(), "events".to_owned(), "unit".to_owned()];
    cells.extend(systems.iter().map(|entry| entry.name.to_owned()));
    cells.push("best peer".to_owned());
    cells
}

fn line(rows: &[Row], first: &Row, systems: &[&EngineEntry]) -> Vec<String> {
    let of = |system: &str| {
        rows.iter().find(|row| {
            row.work == first.work && row.events == first.events && row.system == system
        })
    };
    let mut cells = vec![
        first.work.clone(),
        first.segments.map_or_else(
            || first.events.to_string(),
            |segments| format!("{segments} segments"),
        ),
        first.unit.name().to_owned(),
    ];
    cells.extend(systems.iter().map(|entry| match of(entry.name) {
        Some(row) => with_spread(row),
        None => "–".to_owned(),
    }));
    let own = of("strandline");
    let peers = systems
        .iter()
        .filter(|entry| entry.name != LIMIT.name && entry.name != STRANDLINE.name);
    let best = peers
        .filter_map(|entry| of(entry.name))
        .filter_map(|peer| own.map(|own| advantage(own, peer)))
        .min_by(f64::total_cmp);
    cells.push(best.map_or_else(String::new, |best| format!("{best:.1} x")));
    cells
}

/// How many times better than `peer` we are.
pub(crate) fn advantage(own: &Row, peer: &Row) -> f64 {
    if own.unit.more_is_better() {
        own.value / peer.value
    } else {
        peer.value / own.value
    }
}

fn with_spread(row: &Row) -> String {
    let figure = |value| figure(value, row.unit);
    if row.low == row.high {
        return figure(row.value);
    }
    format!(
        "{} ({}..{})",
        figure(row.value),
        figure(row.low),
        figure(row.high)
    )
}

/// Three digits, with k or M where they are many.
fn figure(value: f64, unit: Unit) -> String {
    let digits = |value: f64| match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    };
    match unit {
        Unit::EventsPerSecond | Unit::RowsPerSecond if value >= 1e6 => {
            format!("{} M", digits(value / 1e6))
        }
        Unit::EventsPerSecond | Unit::RowsPerSecond if value >= 1e3 => {
            format!("{} k", digits(value / 1e3))
        }
        _ => digits(value),
    }
}

/// Cells in columns, the first to the left and the others to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|cells| cells.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for cells in lines {
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            if column == 0 {
                let _ = write!(text, "{cell:<width$}");
            } else {
                let _ = write!(text, "  {cell:>width$}");
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Machine;

    fn row(system: &str, work: &str, value: f64) -> Row {
        Row {
            work: work.to_owned(),
            events: 1000,
            segments: None,
            system: system.to_owned(),
            value,
            unit: Unit::EventsPerSecond,
            low: value,
            high: value,
        }
    }

    const PEER: EngineEntry = EngineEntry {
        name: "peer",
        ..LIMIT
    };

    #[test]
    fn what_a_system_cannot_do_is_a_dash_and_the_best_peer_is_compared() {
        let results = Results {
            machine: Machine {
                processor: "p".to_owned(),
                cores: 2,
                memory_bytes: 1 << 30,
                system: "linux".to_owned(),
                file_system: "ext4".to_owned(),
            },
            rows: vec![
                row("strandline", "read/scan", 3_000_000.0),
                row("peer", "read/scan", 1_500_000.0),
                row("strandline", "read/by-id", 1_234.0),
            ],
        };
        let text = table(&results, &[STRANDLINE, PEER]);
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[1].contains("3.00 M") && lines[1].contains("2.0 x"),
            "{text}"
        );
        assert!(
            lines[2].contains("1.23 k") && lines[2].contains('–'),
            "{text}"
        );
    }

    #[test]
    fn less_is_better_where_a_unit_says_so() {
        let time = |system, value| Row {
            unit: Unit::Milliseconds,
            ..row(system, "open/clean", value)
        };
        let advantage = advantage(&time("strandline", 2.0), &time("peer", 8.0));
        assert!((advantage - 4.0).abs() < 1e-9);
    }
}
