//! `Subject`: whom a key is about. Holds no key.

use std::fmt;
use strandline::Coordinate;

/// Which part of a coordinate keys are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Per {
    /// A key for each entity: a customer, say.
    Entity,
    /// A key for each scope: a tenant, say.
    Scope,
}

/// Whom a key is about: what is forgotten when the key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject<'a> {
    /// The entity of this name.
    Entity(&'a str),
    /// The scope of this name.
    Scope(&'a str),
}

impl<'a> Subject<'a> {
    /// The subject of this sort and name.
    #[must_use]
    pub const fn new(per: Per, name: &'a str) -> Self {
        match per {
            Per::Entity => Self::Entity(name),
            Per::Scope => Self::Scope(name),
        }
    }

    /// The subject of an event at a coordinate.
    #[must_use]
    pub fn of(per: Per, coordinate: &'a Coordinate) -> Self {
        match per {
            Per::Entity => Self::Entity(coordinate.entity()),
            Per::Scope => Self::Scope(coordinate.scope()),
        }
    }

    /// Which part of a coordinate it is.
    #[must_use]
    pub const fn per(self) -> Per {
        match self {
            Self::Entity(_) => Per::Entity,
            Self::Scope(_) => Per::Scope,
        }
    }

    /// The name of the entity or scope.
    #[must_use]
    pub const fn name(self) -> &'a str {
        match self {
            Self::Entity(name) | Self::Scope(name) => name,
        }
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entity(name) => write!(f, "entity {name:?}"),
            Self::Scope(name) => write!(f, "scope {name:?}"),
        }
    }
}
