//! Opening: after a clean close, after a kill, and without what makes it quick.

use super::fill::{fill, fill_and_close};
use super::measure::{failed, timed, touch};
use super::work::{Ends, For, Job, Phase, Scenario};
use crate::engine::{Ability, EngineEntry};
use crate::results::{Measured, Unit};
use crate::workload::Shape;
use anyhow::Context;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::OsFs;
use strandline_segment::{LogOptions, UncheckedLog};

pub(super) const CLEAN: Scenario = Scenario {
    name: "open/clean",
    works: &["open/clean"],
    systems: For::Stores,
    needs: &[Ability::Stream],
    shape: Shape::Regular,
    events_max: u64::MAX,
    phases: &[
        Phase::new(fill_and_close),
        Phase::new(|job, entry| open(job, entry, "open/clean")),
    ],
};

pub(super) const WIDE_CLEAN: Scenario = Scenario {
    name: "wide/open/clean",
    works: &["wide/open/clean"],
    shape: Shape::Wide,
    phases: &[
        Phase::new(fill_and_close),
        Phase::new(|job, entry| open(job, entry, "wide/open/clean")),
    ],
    ..CLEAN
};

pub(super) const KILLED: Scenario = Scenario {
    name: "open/killed",
    works: &["open/killed"],
    needs: &[Ability::Written, Ability::Stream],
    phases: &[
        Phase {
            run: fill_and_die,
            ends: Ends::Killed,
        },
        Phase::new(|job, entry| open(job, entry, "open/killed")),
    ],
    ..CLEAN
};

pub(super) const WITHOUT: Scenario = Scenario {
    name: "open/no-checkpoint",
    works: &["open/no-checkpoint", "open/no-footers"],
    systems: For::Own,
    phases: &[
        Phase::new(fill_and_close),
        Phase::new(|job, entry| {
            remove_checkpoints(&job.dir)?;
            open(job, entry, "open/no-checkpoint")
        }),
        Phase::new(|job, entry| {
            remove_checkpoints(&job.dir)?;
            cut_footers(&job.dir)?;
            open(job, entry, "open/no-footers")
        }),
    ],
    ..CLEAN
};

fn fill_and_die(job: &Job, entry: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let engine = (entry.open)(&job.dir).map_err(failed)?;
    fill(entry, &*engine, &job.workload())?;
    let kill = std::process::Command::new("kill")
        .args(["-KILL", &std::process::id().to_string()])
        .status();
    kill.context("run kill")?;
    anyhow::bail!("the process outlived its kill")
}

/// Opens, and reads the events of one entity.
fn open(job: &Job, entry: &EngineEntry, work: &str) -> anyhow::Result<Vec<Measured>> {
    let workload = job.workload();
    let entity = workload.entities().last().context("there are entities")?;
    let mut found = 0_u64;
    let (engine, elapsed) = timed(|| {
        let engine = (entry.open)(&job.dir)?;
        engine.stream(entity, &mut |payload| {
            touch(payload);
            found += 1;
        })?;
        Ok(engine)
    })
    .map_err(failed)?;
    let expected = job.events / workload.entities().len() as u64;
    anyhow::ensure!(
        found == expected,
        "{entity} has {found} events after opening, {expected} were appended"
    );
    drop(engine);
    let milliseconds = elapsed.as_secs_f64() * 1e3;
    Ok(vec![job.measured(work, milliseconds, Unit::Milliseconds)])
}

#[expect(clippy::disallowed_methods, reason = "damages a store on purpose")]
fn remove_checkpoints(dir: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "ckpt")
        {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "damages a store on purpose")]
fn cut_footers(dir: &Path) -> anyhow::Result<()> {
    let log = UncheckedLog::open(Arc::new(OsFs), dir, LogOptions::default())?;
    let log = log.context("there is a log")?;
    for info in log.segments() {
        if let Some(end) = info.end() {
            let path = dir.join(info.file_name());
            let file = std::fs::File::options().write(true).open(path)?;
            file.set_len(u64::from(end.offset))?;
        }
    }
    Ok(())
}
