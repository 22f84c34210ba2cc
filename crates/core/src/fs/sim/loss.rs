//! `Loss`: what a power cut does, and the decisions that follow from it. Knows no files.

use super::draws::Draws;

/// What becomes of a sector whose write was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// It is as it was.
    Old,
    /// The bytes that the write would have changed are zeros.
    Zeros,
    /// The bytes that the write would have changed are garbage.
    Random,
}

/// What survives of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Everything.
    All,
    /// Nothing.
    None,
    /// What was done first, up to a moment.
    Prefix,
    /// Each sector, length and directory entry, or not.
    Any,
    /// The dirty sectors whose bits are set, counted over all files; of the rest any.
    Sectors(u64),
}

/// What a power cut does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// What survives.
    pub keep: Keep,
    /// What becomes of the sectors that do not.
    pub fill: Fill,
    /// Where chance comes from.
    pub seed: u64,
}

/// The decisions of one power cut.
#[derive(Debug)]
pub(super) struct Choice {
    keep: Keep,
    fill: Fill,
    draws: Draws,
    /// How many of 8 survive, with [`Keep::Any`].
    eighths: u64,
    /// What is stamped before this survives, with [`Keep::Prefix`].
    until: u64,
    sectors: u32,
    /// A change that is lost whatever the draws say.
    lost: Option<u64>,
}

impl Choice {
    pub(super) fn new(loss: &Loss, stamps: &[u64]) -> Self {
        let mut draws = Draws::new(loss.seed);
        let eighths = 1 + 3 * draws.below(3);
        let at = draws.below(stamps.len() as u64 + 1);
        let until = usize::try_from(at).ok().and_then(|at| stamps.get(at));
        Self {
            keep: loss.keep,
            fill: loss.fill,
            draws,
            eighths,
            until: until.copied().unwrap_or(u64::MAX),
            sectors: 0,
            lost: None,
        }
    }

    /// Loses nothing.
    pub(super) fn all() -> Self {
        let (keep, fill) = (Keep::All, Fill::Old);
        Self::new(
            &Loss {
                keep,
                fill,
                seed: 0,
            },
            &[],
        )
    }

    pub(super) const fn lose(&mut self, stamp: Option<u64>) {
        self.lost = stamp;
    }

    pub(super) fn keeps(&mut self, stamp: u64) -> bool {
        if self.lost == Some(stamp) {
            return false;
        }
        match self.keep {
            Keep::All => true,
            Keep::None => false,
            Keep::Prefix => stamp < self.until,
            Keep::Any | Keep::Sectors(_) => self.draws.chance(self.eighths, 8),
        }
    }

    pub(super) fn keeps_sector(&mut self, stamp: u64) -> bool {
        let Keep::Sectors(mask) = self.keep else {
            return self.keeps(stamp);
        };
        let bit = 1_u64.checked_shl(self.sectors);
        self.sectors += 1;
        bit.map_or_else(|| self.keeps(stamp), |bit| mask & bit != 0)
    }

    pub(super) const fn fill(&self) -> Fill {
        self.fill
    }

    pub(super) const fn byte(&mut self) -> u8 {
        self.draws.number().to_le_bytes()[0]
    }
}
