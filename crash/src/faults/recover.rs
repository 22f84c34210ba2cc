//! One run of a workload, one power cut in it, and the judgement of what is left. Which cuts are tried is
//! `explore`'s to say.

use crate::disk::{Defect, Moment, Path, Point, Run, Setup};
use crate::driver::Driver;
use crate::expect::Expected;
use crate::verdict::{Violation, quietly};
use crate::workload::Workload;
use strandline::Durability;
use strandline_core::fs::SimDisk;

/// After one in so many power cuts segments are sealed until blocks of the index are merged.
const MERGED_AFTER: u64 = 5;

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
        segment_events: workload.segment_events,
        ..Setup::new(seed)
    };
    let mut driver = Driver::new(SimDisk::new(), Expected::default(), setup);
    quietly(|| {
        (workload.before)(&mut driver)?;
        driver.begin_here();
        (workload.run)(&mut driver).map(|()| driver.finish())
    })
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

/// Opens an image and uses the store: everything that a recovery owes.
pub(super) fn judge(
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
        if seed.is_multiple_of(MERGED_AFTER) {
            driver.merge_next()?;
            driver.verify()?;
        }
        Ok(driver.finish())
    })
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

/// What a power cut was, and what is expected after it, as a line.
pub(super) fn describe(run: &Run, point: Point) -> String {
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
