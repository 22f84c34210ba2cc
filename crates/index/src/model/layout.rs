//! `IndexLayout`: how the rows of a kind or a scope are found, and what a tile of rows says. Finds none.

/// How the rows of a kind or a scope are found.
///
/// Answers are the same in every layout; time and memory are not. Rows of an entity are always in a
/// list of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum IndexLayout {
    /// A list of rows for each kind and each scope. Fastest to read; some 8 bytes an event while
    /// live and 6 in a block.
    #[default]
    Postings,
    /// No lists: the column of kinds or coordinates is scanned.
    Columns,
    /// No lists, but for each tile of 64 rows a summary of the kinds and scopes in it, by which a
    /// scan skips tiles. A quarter of a byte an event.
    Tiles,
}

impl IndexLayout {
    pub(crate) const fn to_byte(self) -> u8 {
        match self {
            Self::Postings => 0,
            Self::Columns => 1,
            Self::Tiles => 2,
        }
    }

    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Postings),
            1 => Some(Self::Columns),
            2 => Some(Self::Tiles),
            _ => None,
        }
    }
}

/// Rows of a tile.
pub(crate) const TILE_ROWS: u32 = 64;

/// Which kinds and scopes a tile has, or a scan looks for: a bit for each, which several may share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TileMask {
    pub(crate) kinds: u64,
    pub(crate) scopes: u64,
}

impl TileMask {
    /// A mask that every tile meets.
    pub(crate) const ANY: Self = Self {
        kinds: u64::MAX,
        scopes: u64::MAX,
    };

    /// The bit of a number.
    pub(crate) const fn bit(number: u32) -> u64 {
        1 << (number % u64::BITS)
    }

    /// Whether a tile with this summary may have a row that `wanted` looks for.
    pub(crate) const fn meets(self, wanted: Self) -> bool {
        self.kinds & wanted.kinds != 0 && self.scopes & wanted.scopes != 0
    }
}
