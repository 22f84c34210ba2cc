//! Power cuts at every step of every workload, and again at every step of the recovery. What becomes of one
//! is judged in `recover`.

use super::failure::Failure;
use super::recover::{describe, record, recover};
use crate::disk::{Defect, Moment, Path, Point, Run};
use crate::verdict::{Totals, Violation};
use crate::workload::Workload;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use strandline_core::fs::Draws;

/// How much is tried.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Where chance comes from.
    pub seed: u64,
    /// Power cuts at each moment of a workload.
    pub variants: u64,
    /// Of so many moments of each recovery one is cut again; 1 for all of them.
    pub nested_every: u64,
    /// Of so many recoveries from a second cut one is cut a third time; 0 for none.
    pub third_every: u64,
    /// Of so many moments of a long workload one is tried; 1 for all of them.
    pub long_every: u64,
    /// No more images than about this.
    pub images_max: u64,
    /// The rule that is broken, if one is.
    pub defect: Option<Defect>,
    /// Threads.
    pub threads: usize,
}

/// Tries power cuts in all of `workloads`; calls `progress` with how many images more were tried.
#[must_use]
pub fn explore(
    workloads: &[&'static Workload],
    plan: Plan,
    progress: &(dyn Fn(u64) + Sync),
) -> (Totals, Vec<Failure>) {
    let shared = Shared {
        plan,
        images: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        failures: Mutex::default(),
        progress,
    };
    let mut runs = Vec::new();
    for workload in workloads.iter().copied() {
        match record(workload, plan.seed, plan.defect) {
            Ok(run) => runs.push((workload, run)),
            Err(violation) => {
                shared.fail(workload, Path::default(), String::new(), violation);
            }
        }
    }
    let mut points: Vec<_> = runs
        .iter()
        .enumerate()
        .flat_map(|(at, (_, run))| moments(run).map(move |moment| (at, moment)))
        .collect();
    let mut draws = Draws::of(plan.seed, &[9]);
    points.retain(|(at, _)| {
        let is_long = runs.get(*at).is_some_and(|(workload, _)| workload.long);
        !is_long || draws.chance(1, plan.long_every)
    });
    let crash_points = points.len() as u64;
    // In an order by chance, so that a limit on images cuts off no workload.
    let mut draws = Draws::of(plan.seed, &[5]);
    for at in (1..points.len()).rev() {
        points.swap(at, draws.below(at as u64 + 1) as usize);
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..plan.threads {
            scope.spawn(|| {
                while let Some((at, moment)) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (workload, run) = &runs[*at];
                    for variant in 0..plan.variants {
                        let point = Point {
                            moment: *moment,
                            variant,
                        };
                        shared.cut(workload, run, point, &Path::default(), 2);
                    }
                }
            });
        }
    });
    let failures = shared.failures.into_inner().unwrap_or_default();
    let totals = Totals {
        images: shared.images.into_inner(),
        crash_points,
        workloads: runs.len() as u64,
        lost: failures.iter().map(|failure| failure.violation.lost).sum(),
        violations: failures.len() as u64,
        ..Totals::default()
    };
    (totals, failures)
}

/// What the threads of an exploration share.
struct Shared<'a> {
    plan: Plan,
    images: AtomicU64,
    stop: AtomicBool,
    failures: Mutex<Vec<Failure>>,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl Shared<'_> {
    /// Tries a power cut, and those in its recovery; `depth` cuts may still follow.
    fn cut(&self, workload: &'static Workload, run: &Run, point: Point, at: &Path, depth: u32) {
        if self.stop.load(Ordering::Relaxed) {
            return;
        }
        let images = self.images.fetch_add(1, Ordering::Relaxed) + 1;
        if images.is_multiple_of(64) {
            (self.progress)(64);
        }
        if images >= self.plan.images_max {
            self.stop.store(true, Ordering::Relaxed);
        }
        let at = at.and(point);
        match recover(run, point) {
            Err(violation) => {
                let context = describe(run, point);
                self.fail(workload, at, context, violation);
            }
            Ok(recovery) if depth > 0 => self.nested(workload, &recovery, &at, depth),
            Ok(_) => {}
        }
    }

    fn nested(&self, workload: &'static Workload, run: &Run, at: &Path, depth: u32) {
        let mut draws = Draws::of(run.setup.seed, &[7]);
        for moment in moments(run) {
            if !draws.chance(1, self.plan.nested_every) {
                continue;
            }
            let third = self.plan.third_every;
            let depth = if depth > 1 && third > 0 && draws.chance(1, third) {
                1
            } else {
                0
            };
            let variant = draws.below(48);
            self.cut(workload, run, Point { moment, variant }, at, depth);
        }
    }

    fn fail(&self, workload: &'static Workload, at: Path, context: String, violation: Violation) {
        let failure = Failure {
            workload: workload.name,
            seed: self.plan.seed,
            at,
            fault: None,
            context,
            violation,
        };
        let mut failures = self.failures.lock().unwrap_or_else(|e| e.into_inner());
        failures.push(failure);
        if failures.len() >= 20 || self.plan.defect.is_some() {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// The moments of a run: after each step, and in the middle of each that has one.
fn moments(run: &Run) -> impl Iterator<Item = Moment> {
    let steps = run.steps.len();
    (0..=steps)
        .map(Moment::After)
        .chain((0..steps).map(Moment::Middle))
}
