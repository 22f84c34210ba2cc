//! Stories of stores whose segments have few events, so that blocks of the index are merged all the time:
//! into files of eight segments, and of those into files of 64.

use super::story::{Workload, mixed, torn};
use crate::driver::Driver;
use crate::expect::{How, Shape, Target};
use crate::verdict::Violation;
use strandline::Durability::{Synced, Written};
use strandline::maintenance::{CopyMode, Existing};

type Story = fn(&mut Driver) -> Result<(), Violation>;

/// A story of segments with one event each, after a store of some segments was made.
const fn merging(name: &'static str, before: Story, run: Story) -> Workload {
    Workload {
        segment_events: Some(1),
        before,
        ..mixed(name, run)
    }
}

/// Every workload of merges.
pub(super) const WORKLOADS: &[Workload] = &[
    merging(
        "merge",
        |d| of_segments(d, 6),
        |d| {
            seal(d, 3)?;
            d.close()?;
            d.open()?;
            d.append(10, Synced)
        },
    ),
    // The eighth file of the first tier makes one of the second, and the eight are removed.
    merging(
        "merge-tiers",
        |d| of_segments(d, 62),
        |d| {
            d.hold_here();
            seal(d, 4)?;
            d.check_held()?;
            d.kill()?;
            d.append(10, Synced)
        },
    ),
    Workload {
        segment_events: Some(2),
        ..merging(
            "merge-batches",
            |d| of_segments(d, 20),
            |d| {
                for members in [3, 1, 2] {
                    d.commit(&vec![(30, Shape::Noise); members], Synced)?;
                    d.commit(&[(10, Shape::Alone)], Synced)?;
                }
                d.checkpoint()?;
                seal(d, 6)?;
                d.close()
            },
        )
    },
    // A rewriting makes views of a merged block, and what was merged is merged anew.
    merging(
        "merge-compact",
        |d| of_segments(d, 18),
        |d| {
            d.hold_here();
            d.compact(2)?;
            d.check_held()?;
            seal(d, 4)?;
            d.compact(1)?;
            seal(d, 5)?;
            d.compact(0)?;
            d.append(10, Synced)
        },
    ),
    merging(
        "merge-redact",
        |d| of_segments(d, 17),
        |d| {
            d.hold_here();
            d.redact(2)?;
            d.check_held()?;
            seal(d, 6)?;
            d.redact(1)?;
            d.kill()?;
            d.redact(3)?;
            d.append(10, Synced)
        },
    ),
    merging(
        "merge-reopen",
        |d| of_segments(d, 15),
        |d| {
            for seed in 0..2 {
                seal(d, 1)?;
                d.kill()?;
                d.read_only()?;
                d.append(20, Written)?;
                d.leave();
                d.open()?;
                d.append(20, Written)?;
                d.power_cut(torn(seed))?;
            }
            d.compact(1)?;
            d.close()?;
            d.open()?;
            d.append(10, Synced)
        },
    ),
    merging(
        "merge-rebuild",
        |d| of_segments(d, 15),
        |d| {
            seal(d, 2)?;
            d.rebuild()?;
            d.open()?;
            d.redact(1)?;
            d.rebuild()?;
            d.open()?;
            d.append(10, Synced)
        },
    ),
    Workload {
        long: true,
        ..merging(
            "merge-backup",
            |d| of_segments(d, 14),
            |d| {
                let backup = Target {
                    dir: "/backup",
                    how: How::Backup {
                        mode: CopyMode::Copy,
                        verify: true,
                    },
                };
                let restore = Target {
                    dir: "/new",
                    how: How::Restore {
                        from: "/backup",
                        existing: Existing::MoveAside,
                    },
                };
                d.copy(backup)?;
                seal(d, 3)?;
                d.copy(backup)?;
                d.compact(1)?;
                d.redact(2)?;
                seal(d, 8)?;
                d.copy(backup)?;
                d.copy(restore)?;
                d.append(10, Synced)
            },
        )
    },
];

/// Makes a store, and appends so many events to it, each in a segment of its own. The steps of that are
/// cut by no power cut, and none fails.
fn of_segments(d: &mut Driver, count: u32) -> Result<(), Violation> {
    d.open()?;
    for number in 0..count {
        let shape = match number % 7 {
            3 => Shape::Alone,
            _ => Shape::Noise,
        };
        let durability = if number + 3 < count { Synced } else { Written };
        d.commit(&[(40 + number % 5, shape)], durability)?;
    }
    Ok(())
}

/// Appends so many events, each in a segment of its own or in part of one.
fn seal(d: &mut Driver, count: u32) -> Result<(), Violation> {
    for number in 0..count {
        let durability = if number % 3 == 0 { Synced } else { Written };
        d.append(50 + number, durability)?;
    }
    Ok(())
}
