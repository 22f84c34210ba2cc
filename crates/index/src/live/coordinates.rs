//! `CoordinateTable`: the coordinates of a part, by number and by their names, each with the numbers of its
//! entity and its scope.
//!
//! Only the writer adds coordinates, and none is ever removed. Entities and scopes have lists of rows, which
//! are not here.

use super::by_id::IdHasher;
use super::chunk::NAMES_MAX;
use super::hashed::Hashed;
use super::shelf::Shelf;
use std::hash::BuildHasher;
use strandline_core::Coordinate;

/// A coordinate that was given a number.
pub(crate) struct Interned {
    pub(crate) coordinate: Coordinate,
    pub(crate) place: Place,
}

/// The numbers of the entity and the scope of a coordinate.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) entity: u32,
    pub(crate) scope: u32,
}

/// Coordinates by number, which are dense and in the order of interning.
pub(crate) struct CoordinateTable {
    hasher: IdHasher,
    by_hash: Hashed,
    interned: Shelf<Interned>,
}

impl CoordinateTable {
    pub(crate) fn new(hasher: IdHasher) -> Self {
        Self {
            hasher,
            by_hash: Hashed::new(),
            interned: Shelf::new(),
        }
    }

    /// How many coordinates have a number.
    pub(crate) fn len(&self) -> u32 {
        self.interned.len()
    }

    /// The coordinate with a number. O(1), and no lock.
    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<&Coordinate> {
        Some(&self.interned.get(number)?.coordinate)
    }

    /// The entity and the scope of the coordinate with a number. O(1), and no lock.
    #[inline]
    pub(crate) fn place(&self, number: u32) -> Option<Place> {
        Some(self.interned.get(number)?.place)
    }

    /// The hash by which a coordinate is found.
    pub(crate) fn hash(&self, coordinate: &Coordinate) -> u64 {
        self.hasher.hash_one(coordinate)
    }

    /// The number of a coordinate with this hash. Expected O(1).
    pub(crate) fn find(&self, coordinate: &Coordinate, hash: u64) -> Option<u32> {
        let is_it = |number| self.get(number) == Some(coordinate);
        self.by_hash.find(hash, is_it)
    }

    /// Adds a coordinate with this hash, which is not there; nothing if there are 2^31. Expected O(1). Only
    /// the writer calls it.
    pub(crate) fn add(&self, interned: Interned, hash: u64) -> Option<u32> {
        let number = self.interned.push(interned, NAMES_MAX)?;
        self.by_hash.insert(hash, number);
        Some(number)
    }
}
