//! Stories of each part of the store by itself.

use super::story::{Workload, failing, long, mixed, synced, torn};
use crate::driver::Driver;
use crate::expect::{How, Shape, Target};
use crate::verdict::Violation;
use strandline::Durability::{Synced, Written};
use strandline::maintenance::{CopyMode, Existing};

/// Length of a payload of which three fill a segment.
const BIG: u32 = 18_000;

/// Every workload that merges nothing.
pub(super) const WORKLOADS: &[Workload] = &[
    synced("first-create", |d| {
        d.open()?;
        d.close()?;
        d.open()?;
        d.append(10, Synced)
    }),
    synced("append", |d| {
        d.open()?;
        for bytes in [0, 10, 200, 600, 1500, 40] {
            d.append(bytes, Synced)?;
        }
        Ok(())
    }),
    mixed("append-written", |d| {
        d.open()?;
        for bytes in [10, 300, 700, 5] {
            d.append(bytes, Written)?;
        }
        d.sync()?;
        d.append(900, Written)?;
        d.append(20, Written)
    }),
    mixed("mixed", |d| {
        d.open()?;
        for bytes in 0..8 {
            let durability = if bytes % 3 == 0 { Synced } else { Written };
            d.append(bytes * 90, durability)?;
        }
        Ok(())
    }),
    synced("batch", |d| {
        d.open()?;
        for members in 1..5_u32 {
            let batch: Vec<_> = (0..members).map(|n| (n * 250, Shape::Noise)).collect();
            d.commit(&batch, Synced)?;
        }
        Ok(())
    }),
    mixed("batch-written", |d| {
        d.open()?;
        d.append(10, Synced)?;
        for _ in 0..3 {
            d.commit(&[(400, Shape::Noise); 4], Written)?;
        }
        d.commit(&[(30, Shape::Noise); 3], Written)
    }),
    synced("names", |d| {
        d.open()?;
        for _ in 0..3 {
            d.commit(&[(10, Shape::Alone), (10, Shape::Noise)], Synced)?;
            d.commit(&[(BIG, Shape::Alone)], Synced)?;
            d.append(5, Synced)?;
        }
        Ok(())
    }),
    synced("rotation", |d| {
        d.open()?;
        for _ in 0..7 {
            d.append(BIG, Synced)?;
        }
        Ok(())
    }),
    mixed("rotation-written", |d| {
        d.open()?;
        for _ in 0..8 {
            d.append(BIG, Written)?;
        }
        Ok(())
    }),
    mixed("rotation-batch", |d| {
        d.open()?;
        for _ in 0..3 {
            d.commit(&[(BIG, Shape::Noise); 2], Written)?;
            d.append(100, Written)?;
        }
        d.sync()
    }),
    synced("checkpoint", |d| {
        d.open()?;
        for _ in 0..3 {
            d.append(200, Synced)?;
            d.checkpoint()?;
        }
        d.append(10, Synced)
    }),
    mixed("checkpoint-written", |d| {
        d.open()?;
        for _ in 0..3 {
            d.append(300, Written)?;
            d.append(800, Written)?;
            d.checkpoint()?;
        }
        d.append(10, Written)
    }),
    mixed("checkpoint-rotation", |d| {
        d.open()?;
        for _ in 0..4 {
            d.append(BIG, Written)?;
            d.checkpoint()?;
            d.append(50, Written)?;
        }
        Ok(())
    }),
    synced("close", |d| {
        for _ in 0..3 {
            d.open()?;
            d.append(100, Synced)?;
            d.close()?;
        }
        Ok(())
    }),
    mixed("leave", |d| {
        for _ in 0..3 {
            d.open()?;
            d.append(500, Written)?;
            d.append(100, Written)?;
            d.leave();
        }
        Ok(())
    }),
    mixed("kill", |d| {
        d.open()?;
        for _ in 0..3 {
            d.append(600, Written)?;
            d.commit(&[(300, Shape::Noise); 3], Written)?;
            d.kill()?;
        }
        Ok(())
    }),
    synced("two-writers", |d| {
        for _ in 0..3 {
            d.open()?;
            d.try_second_writer()?;
            d.append(80, Synced)?;
            d.leave();
        }
        Ok(())
    }),
    mixed("read-only", |d| {
        d.open()?;
        for _ in 0..3 {
            d.append(100, Written)?;
            d.read_only()?;
        }
        d.close()?;
        d.read_only()
    }),
    mixed("tail-repair", |d| {
        d.open()?;
        for seed in 0..3 {
            d.append(30, Synced)?;
            d.commit(&[(700, Shape::Noise); 3], Written)?;
            d.append(900, Written)?;
            d.power_cut(torn(seed))?;
        }
        d.append(10, Synced)
    }),
    mixed("repair-rotation", |d| {
        d.open()?;
        for seed in 3..6 {
            for _ in 0..4 {
                d.append(BIG, Written)?;
            }
            d.power_cut(torn(seed))?;
        }
        d.close()
    }),
    mixed("compact", |d| {
        d.open()?;
        for _ in 0..7 {
            d.append(BIG, Written)?;
        }
        d.compact(1)?;
        d.append(BIG, Synced)?;
        d.commit(&[(90, Shape::Noise); 6], Written)?;
        d.compact(0)?;
        d.append(10, Synced)
    }),
    synced("compact-reopen", |d| {
        d.open()?;
        for _ in 0..5 {
            d.commit(&[(BIG, Shape::Noise), (10, Shape::Alone)], Synced)?;
        }
        d.compact(1)?;
        d.close()?;
        d.open()?;
        d.append(20, Synced)?;
        d.compact(1)?;
        d.checkpoint()?;
        d.append(20, Synced)
    }),
    mixed("compact-kill", |d| {
        d.open()?;
        for keep in [2, 1, 0] {
            for _ in 0..4 {
                d.append(BIG, Written)?;
                d.append(70, Written)?;
            }
            d.compact(keep)?;
            d.append(5, Written)?;
            d.kill()?;
        }
        Ok(())
    }),
    mixed("compact-merge", |d| {
        d.open()?;
        for keep in [1, 0, 0, 1] {
            // What is left of it is short, and is merged with what is left of those before.
            d.commit(&[(10, Shape::Alone), (10, Shape::Noise)], Written)?;
            d.append(10, Written)?;
            d.compact(keep)?;
        }
        d.append(10, Written)?;
        d.close()?;
        d.open()?;
        d.append(10, Synced)?;
        d.compact(0)?;
        d.append(10, Synced)
    }),
    mixed("redact", |d| {
        d.open()?;
        for _ in 0..6 {
            d.append(9_000, Written)?;
        }
        d.redact(1)?;
        for _ in 0..6 {
            d.append(BIG, Written)?;
        }
        d.compact(2)?;
        d.redact(3)?;
        d.kill()?;
        d.append(10, Synced)
    }),
    mixed("rebuild", |d| {
        d.open()?;
        for _ in 0..5 {
            d.append(BIG, Written)?;
            d.append(70, Written)?;
        }
        d.rebuild()?;
        d.open()?;
        d.append(BIG, Written)?;
        d.rebuild()?;
        d.open()?;
        d.append(10, Synced)
    }),
    long("backup", |d| back_up_again_and_again(d, CopyMode::Copy)),
    long("backup-link", |d| {
        back_up_again_and_again(d, CopyMode::Link)
    }),
    long("restore", |d| {
        let restore = |dir, existing| Target {
            dir,
            how: How::Restore {
                from: "/backup",
                existing,
            },
        };
        let backup = Target {
            dir: "/backup",
            how: How::Backup {
                mode: CopyMode::Copy,
                verify: false,
            },
        };
        d.open()?;
        d.append(40, Synced)?;
        d.append(BIG, Synced)?;
        d.copy(backup)?;
        d.copy(restore("/new", Existing::Refuse))?;
        for _ in 0..3 {
            d.append(BIG, Synced)?;
        }
        d.copy(backup)?;
        d.copy(restore("/new", Existing::MoveAside))?;
        d.make_directory("/empty")?;
        d.copy(restore("/empty", Existing::Refuse))?;
        // The store itself, which has what the backup has.
        d.close()?;
        d.copy(restore("/store", Existing::MoveAside))?;
        d.open()?;
        d.append(10, Synced)
    }),
    mixed("zeros", |d| {
        d.open()?;
        d.commit(&[(2000, Shape::Zeros)], Synced)?;
        d.commit(&[(1200, Shape::Zeros), (5, Shape::Noise)], Written)?;
        d.commit(&[(3000, Shape::Zeros)], Written)?;
        d.append(1, Written)
    }),
    mixed("hostile-payload", |d| {
        d.open()?;
        d.append(10, Synced)?;
        d.commit(&[(0, Shape::Frames)], Written)?;
        d.append(700, Written)
    }),
    failing("failed-sync", |d| {
        d.open()?;
        for bytes in [300, 5000] {
            d.append(40, Synced)?;
            d.append(bytes, Written)?;
            d.fail_syncs(1);
            d.append(bytes, Synced)?;
            d.append(700, Synced)?;
            d.append(20, Written)?;
        }
        d.close()
    }),
    failing("failed-rotation", |d| {
        d.open()?;
        for syncs in [1, 2] {
            d.append(BIG, Written)?;
            d.append(BIG, Synced)?;
            d.fail_syncs(syncs);
            for _ in 0..4 {
                d.append(BIG, Written)?;
            }
            d.append(90, Synced)?;
        }
        Ok(())
    }),
    failing("full", |d| {
        d.open()?;
        for room in [0, 100, 700, 5000] {
            d.append(300, Synced)?;
            d.fs.limit_growth(Some(room));
            for bytes in [900, 10, 300] {
                d.append(bytes, Written)?;
            }
            d.fs.limit_growth(None);
            d.append(40, Synced)?;
        }
        Ok(())
    }),
    failing("full-rotation", |d| {
        d.open()?;
        for room in [20_000, 30_000, 60_000, 64_500] {
            d.fs.limit_growth(Some(room));
            for _ in 0..4 {
                d.append(BIG, Written)?;
            }
            d.checkpoint()?;
            d.fs.limit_growth(None);
            d.append(40, Synced)?;
        }
        d.close()
    }),
];

/// First, and onto an earlier one: after appends, a rotation, and a compaction and a redaction that
/// rewrote what it has.
fn back_up_again_and_again(d: &mut Driver, mode: CopyMode) -> Result<(), Violation> {
    let target = Target {
        dir: "/backup",
        how: How::Backup {
            mode,
            verify: mode == CopyMode::Link,
        },
    };
    d.open()?;
    d.append(700, Written)?;
    d.append(40, Synced)?;
    d.copy(target)?;
    d.append(300, Synced)?;
    d.copy(target)?;
    for _ in 0..4 {
        d.append(BIG, Synced)?;
    }
    d.copy(target)?;
    d.append(90, Synced)?;
    d.compact(1)?;
    d.redact(1)?;
    for _ in 0..5 {
        d.append(60, Synced)?;
    }
    d.copy(target)?;
    // What it removes is in sealed segments, and the one that is written goes on.
    d.compact(1)?;
    d.append(60, Synced)?;
    d.copy(target)?;
    for _ in 0..3 {
        d.append(BIG, Written)?;
    }
    d.close()?;
    d.copy(target)
}
