//! Power cuts at every step of every workload, and again at every step of the recovery.

use super::failure::Failure;
use crate::disk::{Defect, Moment, Path, Point, Run, Setup};
use crate::driver::Driver;
use crate::expect::Expected;
use crate::verdict::{Totals, Violation, quietly};
use crate::workload::Workload;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use strandline::Durability;
use strandline_core::fs::{Draws, SimDisk};

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

/// Runs a workload, without any power cut of the explorer's.
///
/// # Errors
///
/// If the store does what it may not.
pub fn record(workload: &Workload, seed: u64, defect: Option<Defect>) -> Result<Run, Violation> {
    let setup = Setup {
        defect,
        synced_only: workload.synced_only,
        failing: workload.failing,
        ..Setup::new(seed)
    };
    let mut driver = Driver::new(SimDisk::new(), Expected::default(), setup);
    quietly(|| (workload.run)(&mut driver).map(|()| driver.finish()))
}

/// The disk at a moment of a run, and what is expected of it.
fn disk_at(run: &Run, moment: Moment, seed: u64) -> (SimDisk, Expected) {
    let (Moment::After(steps) | Moment::Middle(steps)) = moment;
    let mut disk = run.start.clone();
    for step in run.steps.iter().take(steps) {
        disk.apply(step);
    }
    if let (Moment::Middle(_), Some(step)) = (moment, run.steps.get(steps)) {
        disk.apply_partly(step, seed);
    }
    (disk, run.expected(steps))
}

/// Makes the image of a power cut, opens it, and judges the store by using it.
///
/// # Errors
///
/// If the store does what it may not.
pub fn recover(run: &Run, point: Point) -> Result<Run, Violation> {
    let seed = run.setup.seed;
    let (disk, expected) = disk_at(run, point.moment, point.seed(seed));
    let image = disk.crash(&point.loss(seed));
    judge(image, expected, run.setup, point.seed(seed))
}

/// Opens an image and uses the store: everything that a recovery owes.
pub(crate) fn judge(
    image: SimDisk,
    expected: Expected,
    setup: Setup,
    seed: u64,
) -> Result<Run, Violation> {
    let setup = Setup {
        seed,
        failing: false,
        synced_only: true,
        ..setup
    };
    let mut driver = Driver::new(image, expected, setup);
    quietly(|| {
        if seed.is_multiple_of(4) {
            driver.read_only()?;
        }
        driver.check_copies()?;
        driver.open()?;
        driver.verify()?;
        driver.repeat_copies()?;
        if seed.is_multiple_of(2) {
            driver.kill()?;
        }
        driver.append(40, Durability::Synced)?;
        if seed.is_multiple_of(3) {
            driver.close()?;
            driver.open()?;
        } else {
            driver.kill()?;
        }
        driver.verify()?;
        Ok(driver.finish())
    })
}

/// Repeats the power cuts of a path, and says what was done at each.
///
/// # Errors
///
/// If the store does what it may not.
pub fn replay(workload: &Workload, seed: u64, at: &Path) -> (String, Result<(), Violation>) {
    let mut context = String::new();
    let mut run = match record(workload, seed, None) {
        Ok(run) => run,
        Err(violation) => return (context, Err(violation)),
    };
    for point in &at.0 {
        context.push_str(&describe(&run, *point));
        match recover(&run, *point) {
            Ok(next) => run = next,
            Err(violation) => return (context, Err(violation)),
        }
    }
    (context, Ok(()))
}

fn describe(run: &Run, point: Point) -> String {
    let (Moment::After(step) | Moment::Middle(step)) = point.moment;
    let shown = match point.moment {
        Moment::After(0) => "before the first step".to_owned(),
        Moment::After(step) => format!("after {}", run.steps[step - 1]),
        Moment::Middle(_) => format!("in the middle of: {}", run.steps[step]),
    };
    let loss = point.loss(run.setup.seed);
    format!(
        "  {shown} ({step} of {}), {:?} kept, lost sectors {:?}, expected {} events, {} required\n",
        run.steps.len(),
        loss.keep,
        loss.fill,
        run.expected(step).events.len(),
        run.expected(step).required,
    )
}

/// The moments of a run: after each step, and in the middle of each that has one.
fn moments(run: &Run) -> impl Iterator<Item = Moment> {
    let steps = run.steps.len();
    (0..=steps)
        .map(Moment::After)
        .chain((0..steps).map(Moment::Middle))
}

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
