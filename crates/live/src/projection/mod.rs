//! Projections: folds over the events of a query, whose states are saved with their positions.
//!
//! Holds what a caller writes ([`Projection`], [`EntityProjection`]), the step of a partition from event to event
//! (`worker`), which needs no thread, the threads (`runner`), the change from one version to the next (`versions`), and
//! folds over a snapshot (`as_of`). Files and leases are those of `consumer`. Knows all other rooms but `reactor`.

mod as_of;
mod builder;
mod definition;
mod fold;
mod options;
mod pace;
mod runner;
mod running;
mod saved;
mod served;
mod versions;
mod worker;

#[cfg(test)]
mod tests;

pub use as_of::{project, project_entities, project_entity};
pub use builder::{EntityProjectionBuilder, ProjectionBuilder};
pub use definition::{ApplyError, EntityProjection, Projection};
pub use options::ProjectionProgress;
pub use running::{RunningEntityProjection, RunningProjection};
pub use saved::Projected;
