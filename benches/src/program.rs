//! The program: which work on which systems, in processes of their own, and what is printed.
//!
//! It measures nothing itself, and knows every other room.

use crate::engine::EngineEntry;
use crate::results::{Gathered, Results, machine};
use crate::scenario::{ALL, For, Job, Scenario, is_wanted};
use crate::systems::{LIMIT, STRANDLINE};
use crate::workload::{EVENTS_PER_SEGMENT, Shape};
use crate::{child, instructions, plot, report};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What is measured, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Work to measure, by the beginning of its name; if none is named all but `many` and `segments`,
    /// which take many minutes and gigabytes.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Events to do it with; several numbers, with commas between them, show growth.
    #[arg(
        long,
        value_name = "N",
        default_value = "1000000",
        value_delimiter = ','
    )]
    pub events: Vec<u64>,
    /// Segments of 1 MiB to do the work of `segments` with.
    #[arg(
        long,
        value_name = "N",
        default_value = "10,100,1000,4000",
        value_delimiter = ',',
        value_parser = clap::value_parser!(u64).range(4..=100_000)
    )]
    pub segments: Vec<u64>,
    /// Measure each figure once, with sizes that a small machine is through with in a minute, `many`
    /// and `segments` together.
    #[arg(long, conflicts_with_all = ["events", "segments", "runs"])]
    pub quick: bool,
    /// How often each figure is measured.
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Systems to measure, with commas between them; all if none is named.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub systems: Vec<String>,
    /// Directory for the stores, on the disk that is to be measured. Default: a new one in `target`.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Print one JSON object on standard output in place of a table.
    #[arg(long)]
    pub json: bool,
    /// Count instructions with callgrind in place of measuring time: figures that do not depend on
    /// what else the machine does. Needs valgrind.
    #[arg(long)]
    pub instructions: bool,
    /// Draw ratios to other stores and growth with the size of the store as SVG, in place of a table.
    #[arg(
        long,
        value_name = "DIR",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "docs/plots"
    )]
    pub plot: Option<PathBuf>,
    /// Show what earlier runs printed with --json in place of measuring; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub from: Vec<PathBuf>,
}

impl Options {
    /// The same with the sizes of `--quick`, if that is asked for.
    fn sized(&self) -> Self {
        let mut options = self.clone();
        if self.quick {
            options.events = vec![100_000, 300_000];
            options.segments = vec![10, 40, 160];
            options.runs = 1;
        }
        options
    }
}

/// Measures, and prints a table or JSON.
///
/// A process that was started for one piece of work does that instead.
///
/// # Errors
///
/// What kept it from measuring.
pub fn run(options: &Options, peers: &[EngineEntry]) -> anyhow::Result<ExitCode> {
    let engines: Vec<_> = [STRANDLINE]
        .into_iter()
        .chain(peers.iter().copied())
        .chain([LIMIT])
        .collect();
    if let Some(job) = child::job()? {
        child::work(&job, &engines)?;
        return Ok(ExitCode::SUCCESS);
    }
    let all = if options.from.is_empty() {
        vec![measure(options, &engines)?]
    } else {
        options
            .from
            .iter()
            .map(|file| read(file))
            .collect::<Result<_, _>>()?
    };
    if options.json {
        for results in &all {
            println!("{}", serde_json::to_string(results)?);
        }
    }
    if let Some(dir) = &options.plot {
        for path in plot::draw(&all, dir)? {
            eprintln!("drew {}", path.display());
        }
    } else if !options.json {
        for results in &all {
            print!("{}", report::table(results, &engines));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures what the options name on `engines`.
///
/// # Errors
///
/// What kept it from measuring, such as a name that no work begins with.
pub fn measure(options: &Options, engines: &[EngineEntry]) -> anyhow::Result<Results> {
    let options = &options.sized();
    let parent = match &options.dir {
        Some(dir) => dir.clone(),
        None => PathBuf::from("target"),
    };
    make_directory(&parent)?;
    if options.instructions {
        let dir = fresh(&parent)?;
        let rows = instructions::measure(&options.names, dir.path())?;
        let machine = machine(&parent);
        return Ok(Results { machine, rows });
    }
    for name in &options.systems {
        let mut names = engines.iter().map(|entry| entry.name);
        anyhow::ensure!(
            names.any(|known| known == name),
            "there is no system {name}; there are {}",
            engines
                .iter()
                .map(|e| e.name)
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let turns = turns(options, engines);
    anyhow::ensure!(
        !turns.is_empty(),
        "no work begins with {}; there is {}",
        options.names.join(" or "),
        works().collect::<Vec<_>>().join(", ")
    );
    let bar = progress(turns.len());
    let mut gathered = Gathered::default();
    for turn in &turns {
        bar.set_message(format!("{} on {}", turn.scenario.name, turn.entry.name));
        if bar.is_hidden() {
            let (name, system) = (turn.scenario.name, turn.entry.name);
            eprintln!("{name} on {system}, {} events", turn.events);
        }
        let dir = fresh(&parent)?;
        for phase in 0..turn.scenario.phases.len() {
            let job = Job {
                scenario: turn.scenario.name.to_owned(),
                phase,
                system: turn.entry.name.to_owned(),
                events: turn.events,
                shape: turn.scenario.shape,
                segments: turn.segments,
                dir: dir.path().to_owned(),
                wanted: options.names.clone(),
            };
            let ends = turn.scenario.phases.get(phase).map(|phase| phase.ends);
            let figures = child::run(&job, ends.context("the phase is there")?)?;
            for measured in figures {
                if is_wanted(&options.names, &measured.work) {
                    gathered.add(turn.entry.name, measured);
                }
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(Results {
        machine: machine(&parent),
        rows: gathered.rows(),
    })
}

/// One scenario on one system, once.
struct Turn {
    scenario: &'static Scenario,
    entry: EngineEntry,
    events: u64,
    segments: Option<u64>,
}

/// What is to be done in which order: the systems take turns, so that what else the machine does
/// disturbs all alike.
fn turns(options: &Options, engines: &[EngineEntry]) -> Vec<Turn> {
    let mut turns = Vec::new();
    for scenario in ALL {
        let mut works = scenario.works.iter();
        let is_wanted = works.any(|work| is_wanted_part(&options.names, work));
        if !is_wanted || (scenario.shape.is_growth() && options.names.is_empty()) {
            continue;
        }
        for (events, segments) in sizes(options, scenario) {
            for _ in 0..options.runs {
                let takes_part = |entry: &&EngineEntry| {
                    takes_part(scenario, entry)
                        && (options.systems.is_empty()
                            || options.systems.iter().any(|name| name == entry.name))
                };
                turns.extend(engines.iter().filter(takes_part).map(|entry| Turn {
                    scenario,
                    entry: *entry,
                    events,
                    segments,
                }));
            }
        }
    }
    // A scenario with a limit of its own is done once, however many sizes were asked for.
    let mut seen = std::collections::HashMap::new();
    turns.retain(|turn| {
        let count = seen
            .entry((turn.scenario.name, turn.entry.name, turn.events))
            .or_insert(0);
        *count += 1;
        *count <= options.runs
    });
    turns
}

/// How many events a scenario is done with, and how many segments they are where it is counted in
/// those.
fn sizes(options: &Options, scenario: &Scenario) -> Vec<(u64, Option<u64>)> {
    if scenario.shape == Shape::Segments {
        let segments = options.segments.iter();
        return segments
            .map(|segments| (segments * EVENTS_PER_SEGMENT, Some(*segments)))
            .collect();
    }
    let events = options.events.iter();
    events
        .map(|events| ((*events).min(scenario.events_max), None))
        .collect()
}

/// Whether a name asks for `work` or for figures of it, as `append/single/p99` does.
fn is_wanted_part(wanted: &[String], work: &str) -> bool {
    is_wanted(wanted, work) || wanted.iter().any(|name| name.starts_with(work))
}

fn takes_part(scenario: &Scenario, entry: &EngineEntry) -> bool {
    let is_for = match scenario.systems {
        For::AllAndLimits => true,
        For::Stores => entry.name != LIMIT.name,
        For::Own => entry.name == STRANDLINE.name,
    };
    is_for
        && scenario
            .needs
            .iter()
            .all(|needed| entry.abilities.contains(needed))
}

/// The names of all work.
fn works() -> impl Iterator<Item = &'static str> {
    ALL.iter().flat_map(|scenario| scenario.works).copied()
}

fn progress(turns: usize) -> ProgressBar {
    let bar = ProgressBar::new(turns as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(500));
    bar
}

/// What an earlier run printed with `--json`.
#[expect(clippy::disallowed_methods, reason = "reads no store")]
fn read(file: &Path) -> anyhow::Result<Results> {
    let text = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let results = serde_json::from_slice(&text);
    results.with_context(|| format!("{} is not what --json prints", file.display()))
}

#[expect(clippy::disallowed_methods, reason = "no store is there yet")]
fn make_directory(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))
}

fn fresh(parent: &Path) -> anyhow::Result<tempfile::TempDir> {
    let dir = tempfile::Builder::new().prefix("bench-").tempdir_in(parent);
    dir.with_context(|| format!("make a directory in {}", parent.display()))
}
