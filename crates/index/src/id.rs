//! The small numbers that stand for names and rows inside one index.

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u32);

        impl $name {
            pub(crate) const fn new(number: u32) -> Self {
                Self(number)
            }

            /// The number: dense, from 0, and meaningless in another index.
            #[must_use]
            pub const fn get(self) -> u32 {
                self.0
            }

            pub(crate) const fn position(self) -> usize {
                self.0 as usize
            }
        }
    };
}

number! {
    /// An entity and a scope together, as one index numbers them.
    CoordinateId
}

number! {
    /// An entity, as one index numbers it.
    EntityId
}

number! {
    /// A scope, as one index numbers it.
    ScopeId
}

number! {
    /// An event's position in one index: rows are in sequence order.
    RowNumber
}
