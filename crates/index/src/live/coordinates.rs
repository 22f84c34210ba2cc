//! `CoordinateTable`: the coordinates of a part, by number and by their names, each with the numbers of its
//! entity and its scope.
//!
//! Only the writer adds coordinates, and none is ever removed. Entities and scopes have lists of rows, which
//! are not here.

use super::chunk::NAMES_MAX;
use super::hashed::Hashed;
use super::shelf::Shelf;
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

/// The hashes of the two names of a coordinate.
#[derive(Clone, Copy)]
pub(crate) struct NameHashes {
    pub(crate) entity: u64,
    pub(crate) scope: u64,
}

impl NameHashes {
    /// The hash of both. Not the same for names that are exchanged.
    const fn together(self) -> u64 {
        self.entity.rotate_left(u64::BITS / 2 - 3) ^ self.scope
    }
}

/// Coordinates by number, which are dense and in the order of interning.
pub(crate) struct CoordinateTable {
    by_hash: Hashed,
    interned: Shelf<Interned>,
}

impl CoordinateTable {
    pub(crate) fn new() -> Self {
        Self {
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

    /// The number of a coordinate whose names have these hashes. Expected O(1).
    pub(crate) fn find(&self, coordinate: &Coordinate, hashes: NameHashes) -> Option<u32> {
        let is_it = |number| self.get(number) == Some(coordinate);
        self.by_hash.find(hashes.together(), is_it)
    }

    /// Adds a coordinate whose names have these hashes, which is not there; nothing if there are 2^31.
    /// Expected O(1). Only the writer calls it.
    pub(crate) fn add(&self, interned: Interned, hashes: NameHashes) -> Option<u32> {
        let number = self.interned.push(interned, NAMES_MAX)?;
        self.by_hash.insert(hashes.together(), number);
        Some(number)
    }
}
