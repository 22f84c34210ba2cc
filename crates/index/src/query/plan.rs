//! `Plan`: how a query goes about its region, for people and tests. Nothing is chosen by it.

use std::fmt;

/// Which key drives a query in a part of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanKey {
    /// No event can match.
    Nothing,
    /// The rows of one entity.
    Entity,
    /// The rows of the entities with a prefix, merged in sequence order.
    EntityPrefix {
        /// How many entities have candidate rows.
        entities: usize,
    },
    /// The rows of one scope.
    Scope,
    /// The rows of one kind.
    Kind,
    /// The rows of the kinds of a category, merged in sequence order.
    Category {
        /// How many kinds have candidate rows.
        kinds: usize,
    },
    /// The rows of several kinds, merged in sequence order.
    Kinds {
        /// How many kinds have candidate rows.
        kinds: usize,
    },
    /// The rows of one tag.
    Tag,
    /// The rows that have one of several tags.
    AnyTag,
    /// The rows that belong to one event.
    Correlation,
    /// The rows that one event caused.
    Causation,
    /// Every row in the range of sequences.
    Scan,
    /// Every row of the tiles that may have a matching one.
    Tiles,
    /// The rows of several regions of a query, each found by a key of its own, merged in sequence order.
    Union {
        /// How many regions have candidate rows.
        regions: usize,
    },
}

impl fmt::Display for PlanKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing can match"),
            Self::Entity => f.write_str("rows of one entity"),
            Self::EntityPrefix { entities } => write!(f, "rows of {entities} entities, merged"),
            Self::Scope => f.write_str("rows of one scope"),
            Self::Kind => f.write_str("rows of one kind"),
            Self::Category { kinds } | Self::Kinds { kinds } => {
                write!(f, "rows of {kinds} kinds, merged")
            }
            Self::Tag => f.write_str("rows of one tag"),
            Self::AnyTag => f.write_str("rows of several tags"),
            Self::Correlation => f.write_str("rows of one correlation"),
            Self::Causation => f.write_str("rows of one cause"),
            Self::Scan => f.write_str("scan of the columns"),
            Self::Tiles => f.write_str("scan of the tiles that may match"),
            Self::Union { regions } => write!(f, "rows of {regions} regions, merged"),
        }
    }
}

/// How a query goes about one part: the key that drives it, and how many rows that leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartPlan {
    pub(super) key: PlanKey,
    pub(super) candidates: u64,
    pub(super) exact: bool,
}

impl PartPlan {
    /// The key that drives the query.
    #[must_use]
    pub const fn key(&self) -> PlanKey {
        self.key
    }

    /// How many rows the key leaves, as an upper bound of how many match.
    #[must_use]
    pub const fn candidates(&self) -> u64 {
        self.candidates
    }

    /// Whether every candidate matches, so that nothing is filtered and counting is cheap.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.exact
    }
}

impl PartPlan {
    /// The plan for a part of which several regions are asked for.
    fn together(regions: &[Self]) -> Self {
        let with_rows = || regions.iter().filter(|plan| plan.key != PlanKey::Nothing);
        match (with_rows().next(), with_rows().count()) {
            (Some(only), 1) => *only,
            (first, regions) => Self {
                key: match first {
                    None => PlanKey::Nothing,
                    Some(_) => PlanKey::Union { regions },
                },
                candidates: with_rows().map(Self::candidates).sum(),
                exact: first.is_none(),
            },
        }
    }
}

impl fmt::Display for PartPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.key)?;
        if self.key == PlanKey::Nothing {
            return Ok(());
        }
        let filtered = if self.exact { "" } else { ", filtered" };
        write!(f, ": {} candidates{filtered}", self.candidates)
    }
}

/// How a query goes about its region, or about each of several, part by part.
///
/// ```
/// # use strandline_core::Region;
/// # let (_writer, reader) = strandline_index::channel();
/// # let snapshot = reader.snapshot();
/// let plan = snapshot.explain(Region::all().entity("order:1"));
/// assert_eq!(plan.to_string(), "nothing can match");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    parts: Vec<PartPlan>,
    /// Of each region, where it is not the only one.
    regions: Vec<Self>,
}

impl Plan {
    /// The plan for so many regions, of which there is one for each of the parts.
    pub(super) fn of(regions: usize, parts: &[Vec<PartPlan>]) -> Self {
        let of_region = |region: usize| Self {
            parts: parts
                .iter()
                .filter_map(|part| part.get(region).copied())
                .collect(),
            regions: Vec::new(),
        };
        Self {
            parts: parts.iter().map(|part| PartPlan::together(part)).collect(),
            regions: match regions {
                1 => Vec::new(),
                _ => (0..regions).map(of_region).collect(),
            },
        }
    }

    /// The plan of each region of a query of several, in their order; empty for one of one region.
    #[must_use]
    pub fn regions(&self) -> &[Self] {
        &self.regions
    }

    /// The plan of each part, oldest first; those in which nothing can match included.
    #[must_use]
    pub fn parts(&self) -> &[PartPlan] {
        &self.parts
    }

    /// The key that drives the query where it leaves most candidates.
    #[must_use]
    pub fn key(&self) -> PlanKey {
        let most = self.parts.iter().max_by_key(|part| part.candidates);
        most.map_or(PlanKey::Nothing, PartPlan::key)
    }

    /// How many rows the keys leave together, as an upper bound of how many match.
    #[must_use]
    pub fn candidates(&self) -> u64 {
        self.parts.iter().map(PartPlan::candidates).sum()
    }

    /// Whether every candidate matches, so that nothing is filtered and counting is cheap.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.parts.iter().all(PartPlan::is_exact)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, region) in self.regions.iter().enumerate() {
            let before = if at == 0 { "any of: " } else { " | " };
            write!(f, "{before}{region}")?;
        }
        if !self.regions.is_empty() {
            return Ok(());
        }
        let touched: Vec<_> = self
            .parts
            .iter()
            .filter(|part| part.key != PlanKey::Nothing)
            .collect();
        match touched.as_slice() {
            [] => return f.write_str("nothing can match"),
            [only] => write!(f, "{only}")?,
            [first, rest @ ..] if rest.iter().all(|part| part.key == first.key) => {
                let filtered = if self.is_exact() { "" } else { ", filtered" };
                let (parts, candidates) = (touched.len(), self.candidates());
                write!(
                    f,
                    "{} in each of {parts} parts: {candidates} candidates{filtered}",
                    first.key
                )?;
            }
            parts => {
                for (at, part) in parts.iter().enumerate() {
                    let between = if at == 0 { "" } else { "; then " };
                    write!(f, "{between}{part}")?;
                }
            }
        }
        match self.parts.len() - touched.len() {
            0 => Ok(()),
            1 => f.write_str("; 1 part skipped"),
            skipped => write!(f, "; {skipped} parts skipped"),
        }
    }
}
