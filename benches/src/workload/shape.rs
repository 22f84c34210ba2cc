//! `Shape`: which events a piece of work is done with, by name.

use serde::{Deserialize, Serialize};

/// Which events a piece of work is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// 1,000 entities in turn.
    Regular,
    /// 5 events for each entity, in turn.
    Wide,
    /// Up to 2,000,000 entities at random, each as likely as the others.
    Many,
    /// The same, some far more likely than others: Zipf's law, exponent 0.99.
    ManyZipf,
    /// As `Many`, each event with a random id of the caller's.
    ManyOwnIds,
    /// 200,000 entities at random, in short segments.
    Segments,
}

impl Shape {
    /// Whether the work shows how cost grows, over minutes and gigabytes: it is done only if it is
    /// named.
    #[must_use]
    pub const fn is_growth(self) -> bool {
        !matches!(self, Self::Regular | Self::Wide)
    }
}
