//! `consumers`: how far named consumers are, how far behind over time, and what is parked.

use super::context::Context;
use super::fault::Fault;
use super::same::Same;
use super::view::View;
use crate::asked::Asked;
use crate::site::Sample;
use crate::text::Table;
use serde::Serialize;
use strandline_live::{Live, PartitionStatus};

/// What may be asked: one consumer by its name.
pub(crate) const CONSUMERS: &[&str] = &["name"];

/// How many consumers, partitions and parked keys are given.
const CONSUMERS_MAX: usize = 200;
const PARTITIONS_MAX: usize = 64;
const PARKED_MAX: usize = 200;

/// What is parked.
#[derive(Debug, Serialize)]
pub(crate) struct ParkedSeen {
    pub(crate) key: String,
    pub(crate) first: u64,
    pub(crate) reason: String,
    pub(crate) tries: u32,
    pub(crate) at_ms: u64,
    pub(crate) events: u64,
    pub(crate) is_replayed: bool,
}

/// A partition.
#[derive(Debug, Serialize)]
pub(crate) struct PartitionSeen {
    pub(crate) partition: u32,
    pub(crate) condition: String,
    pub(crate) sequence: u64,
    pub(crate) holder: Option<u32>,
    /// For how long the lease has run out.
    pub(crate) overdue_ms: Option<u64>,
    pub(crate) saved_at_ms: u64,
    pub(crate) moved_at_ms: u64,
    pub(crate) handled: u64,
    pub(crate) failed: u64,
    pub(crate) damaged: Vec<String>,
    pub(crate) refused: Option<String>,
}

/// A consumer.
#[derive(Debug, Serialize)]
pub(crate) struct ConsumerSeen {
    pub(crate) name: String,
    pub(crate) kind: String,
    /// As `damaged` where it cannot be read.
    pub(crate) condition: String,
    pub(crate) error: Option<String>,
    pub(crate) sequence: u64,
    pub(crate) head: u64,
    pub(crate) behind: u64,
    pub(crate) behind_ms: u64,
    pub(crate) parked_count: usize,
    pub(crate) version: u32,
    pub(crate) rebuild: Option<String>,
    pub(crate) partitions: Vec<PartitionSeen>,
    pub(crate) parked: Vec<ParkedSeen>,
    /// Since this page is served.
    pub(crate) samples: Vec<Sample>,
}

/// The consumers of a store.
#[derive(Debug, Serialize)]
pub(crate) struct Consumers {
    pub(crate) consumers: Vec<ConsumerSeen>,
    /// What cannot be read.
    pub(crate) unreadable: Vec<String>,
    pub(crate) is_cut: bool,
    /// Whether one was asked for by its name.
    pub(crate) is_one: bool,
    pub(crate) same: Same,
}

/// The consumers that are asked for.
///
/// # Errors
///
/// [`Fault`].
pub(crate) fn consumers(context: &Context, asked: &Asked) -> Result<Consumers, Fault> {
    let opened = context.opened()?;
    let live = opened
        .live
        .as_ref()
        .map_err(|error| Fault::Store(error.clone()))?;
    let (infos, unreadable) = live
        .consumers_readable()
        .map_err(|error| Fault::Store(error.to_string()))?;
    let name = asked.one("name");
    let wanted = infos
        .iter()
        .filter(|info| name.is_none_or(|name| info.name == name));
    let wanted: Vec<_> = wanted.take(CONSUMERS_MAX + 1).collect();
    if let (Some(name), true) = (name, wanted.is_empty()) {
        return Err(Fault::NotThere(format!("no consumer is called {name:?}")));
    }
    let consumers = wanted
        .iter()
        .take(CONSUMERS_MAX)
        .map(|info| consumer(context, live, &info.name, &info.kind.to_string()));
    let (options, rust) = match name {
        Some(name) => (
            vec!["show", name],
            format!("let status = Live::open(&store)?.status({name:?})?;"),
        ),
        None => (
            Vec::new(),
            "let consumers = Live::open(&store)?.consumers()?;".to_owned(),
        ),
    };
    Ok(Consumers {
        consumers: consumers.collect(),
        unreadable: unreadable.iter().map(ToString::to_string).collect(),
        is_cut: wanted.len() > CONSUMERS_MAX,
        is_one: name.is_some(),
        same: Same::new("live", &context.dir, options, rust),
    })
}

fn consumer(context: &Context, live: &Live, name: &str, kind: &str) -> ConsumerSeen {
    let mut seen = ConsumerSeen {
        name: name.to_owned(),
        kind: kind.to_owned(),
        condition: "damaged".to_owned(),
        error: None,
        sequence: 0,
        head: 0,
        behind: 0,
        behind_ms: 0,
        parked_count: 0,
        version: 0,
        rebuild: None,
        partitions: Vec::new(),
        parked: Vec::new(),
        samples: context.samples.of(name),
    };
    let status = match live.status(name) {
        Ok(status) => status,
        Err(error) => {
            seen.error = Some(error.to_string());
            return seen;
        }
    };
    seen.condition = status.condition.to_string();
    seen.error = status.last_error.map(|error| error.message);
    (seen.sequence, seen.head) = (status.sequence.get(), status.head.get());
    (seen.behind, seen.behind_ms) = (status.behind, milliseconds(status.behind_time));
    (seen.parked_count, seen.version) = (status.parked, status.version);
    seen.rebuild = status.rebuild.map(|rebuild| {
        format!(
            "version {}, before event {}",
            rebuild.version, rebuild.sequence
        )
    });
    let parked = status
        .partitions
        .iter()
        .flat_map(|partition| &partition.parked);
    seen.parked = parked
        .take(PARKED_MAX)
        .map(|parked| ParkedSeen {
            key: parked.key.clone(),
            first: parked.first.get(),
            reason: parked.reason.clone(),
            tries: parked.tries,
            at_ms: parked.at_ms,
            events: parked.count,
            is_replayed: parked.replay,
        })
        .collect();
    seen.partitions = status
        .partitions
        .iter()
        .take(PARTITIONS_MAX)
        .map(partition)
        .collect();
    seen
}

fn partition(status: &PartitionStatus) -> PartitionSeen {
    PartitionSeen {
        partition: status.partition,
        condition: status.condition.to_string(),
        sequence: status.sequence.get(),
        holder: status.holder.map(|holder| holder.pid),
        overdue_ms: status.overdue.map(milliseconds),
        saved_at_ms: status.saved_at_ms,
        moved_at_ms: status.moved_at_ms,
        handled: status.counters.handled,
        failed: status.counters.failed,
        damaged: status.damaged.clone(),
        refused: status.refused.map(|refused| refused.to_string()),
    }
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl View for Consumers {
    fn title(&self) -> String {
        match self.consumers.first().filter(|_| self.is_one) {
            Some(one) => one.name.clone(),
            None => "Consumers".to_owned(),
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new([
            "name",
            "kind",
            "condition",
            "sequence",
            "head",
            "behind",
            "behind_ms",
            "parked",
            "error",
        ]);
        for one in &self.consumers {
            table.row([
                one.name.clone(),
                one.kind.clone(),
                one.condition.clone(),
                one.sequence.to_string(),
                one.head.to_string(),
                one.behind.to_string(),
                one.behind_ms.to_string(),
                one.parked_count.to_string(),
                one.error.clone().unwrap_or_default(),
            ]);
        }
        table
    }

    fn same(&self) -> Same {
        self.same.clone()
    }
}
