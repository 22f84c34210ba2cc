//! `Row`: one figure of a run, and what the figures of several runs come to.

use serde::{Deserialize, Serialize};

/// A unit, and whether more of it is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// Events appended or read each second.
    #[serde(rename = "events/s")]
    EventsPerSecond,
    /// Rows found each second.
    #[serde(rename = "rows/s")]
    RowsPerSecond,
    /// Microseconds.
    #[serde(rename = "us")]
    Microseconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Bytes an event.
    #[serde(rename = "B/event")]
    BytesPerEvent,
    /// A part of a whole, or one figure over another.
    #[serde(rename = "ratio")]
    Ratio,
    /// Instructions an event.
    #[serde(rename = "instructions")]
    Instructions,
}

impl Unit {
    /// The unit as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EventsPerSecond => "events/s",
            Self::RowsPerSecond => "rows/s",
            Self::Microseconds => "us",
            Self::Milliseconds => "ms",
            Self::BytesPerEvent => "B/event",
            Self::Ratio => "ratio",
            Self::Instructions => "instructions",
        }
    }

    /// Whether a larger figure is a better one.
    #[must_use]
    pub const fn more_is_better(self) -> bool {
        matches!(
            self,
            Self::EventsPerSecond | Self::RowsPerSecond | Self::Ratio
        )
    }
}

/// A figure of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Name of the work, such as `append/single`.
    pub work: String,
    /// How many events it was done with.
    pub events: u64,
    /// About how many segments they fill, for work that is counted in those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<u64>,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: Unit,
}

/// The figures of all runs of one work on one system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Name of the work.
    pub work: String,
    /// How many events it was done with.
    pub events: u64,
    /// About how many segments they fill, for work that is counted in those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<u64>,
    /// Name of the system.
    pub system: String,
    /// Median of the runs.
    pub value: f64,
    /// Unit of the three figures.
    pub unit: Unit,
    /// The least of the runs.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

/// What a run of the benchmarks gives: with `--json`, this is printed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// What it was measured on.
    pub machine: Machine,
    /// The figures.
    pub rows: Vec<Row>,
}

/// What figures were measured on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Model of the processor.
    pub processor: String,
    /// How many of its cores there are to use.
    pub cores: usize,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Operating system and its version.
    pub system: String,
    /// File system of the directory that was used.
    pub file_system: String,
}

/// Gathers the figures of runs, in the order in which their works came first.
#[derive(Debug, Default)]
pub struct Gathered {
    figures: Vec<(String, Measured, Vec<f64>)>,
}

impl Gathered {
    /// Adds a figure of one run of `system`.
    pub fn add(&mut self, system: &str, measured: Measured) {
        let known = self.figures.iter_mut().find(|(name, first, _)| {
            name == system && first.work == measured.work && first.events == measured.events
        });
        match known {
            Some((.., values)) => values.push(measured.value),
            None => {
                let values = vec![measured.value];
                self.figures.push((system.to_owned(), measured, values));
            }
        }
    }

    /// A row for each work and system.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let rows = self.figures.iter();
        rows.map(|(system, first, values)| {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            Row {
                work: first.work.clone(),
                events: first.events,
                segments: first.segments,
                system: system.clone(),
                value: median(&sorted),
                unit: first.unit,
                low: sorted.first().copied().unwrap_or(f64::NAN),
                high: sorted.last().copied().unwrap_or(f64::NAN),
            }
        })
        .collect()
    }
}

/// The middle of figures in ascending order, or the mean of the two in the middle.
fn median(sorted: &[f64]) -> f64 {
    let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(value: f64) -> Measured {
        Measured {
            work: "append/single".to_owned(),
            events: 10,
            segments: None,
            value,
            unit: Unit::EventsPerSecond,
        }
    }

    #[test]
    fn a_row_holds_median_and_spread() {
        let mut gathered = Gathered::default();
        for value in [5.0, 1.0, 9.0] {
            gathered.add("strandline", measured(value));
        }
        gathered.add("limit", measured(4.0));
        gathered.add("limit", measured(2.0));
        let rows = gathered.rows();
        let [first, second] = rows.as_slice() else {
            panic!("two systems");
        };
        assert_eq!((first.low, first.value, first.high), (1.0, 5.0, 9.0));
        assert_eq!((second.low, second.value, second.high), (2.0, 3.0, 4.0));
    }

    #[test]
    fn units_are_written_as_they_are_named() {
        let json = serde_json::to_string(&Unit::EventsPerSecond).unwrap();
        assert_eq!(json, format!("\"{}\"", Unit::EventsPerSecond.name()));
    }
}
