//! `EventKind` and `KindFilter`: what happened, as a category and a type within it.

use std::fmt;

/// Category kept for the store itself: the lowest.
const CATEGORY_SYSTEM: u8 = 0x0;
/// Category kept for the store itself: deletion and redaction marks.
const CATEGORY_DELETION: u8 = 0xD;

/// Why a kind was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KindError {
    /// The category does not fit in 4 bits.
    #[error("category {0:#x} does not fit in 4 bits (0x0 to 0xf)")]
    CategoryTooLarge(u8),
    /// The type does not fit in 12 bits.
    #[error("type {0:#x} does not fit in 12 bits (0x000 to 0xfff)")]
    TypeTooLarge(u16),
    /// The category belongs to the store.
    #[error("category {0:#x} is reserved for the store; use another than 0x0 and 0xd")]
    Reserved(u8),
    /// The number does not fit in 16 bits.
    #[error("a kind has 16 bits, and {0} does not fit in them")]
    TooLarge(u64),
    /// The text is no kind.
    #[error("a kind is `0x1002`, category and type as `1:2`, or a number")]
    Form,
}

/// What happened: 16 bits, the upper 4 a category and the lower 12 a type within it.
///
/// Categories 0x0 and 0xD are reserved for the store.
///
/// ```
/// # use strandline_core::EventKind;
/// const ORDER_PLACED: EventKind = EventKind::new(0x1, 0x001);
/// assert_eq!(ORDER_PLACED.bits(), 0x1001);
/// assert!(EventKind::try_new(0xd, 1).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct EventKind(u16);

impl EventKind {
    /// A kind from its category (1 to 15, not 13) and type (0 to 4095), for constants.
    ///
    /// # Panics
    ///
    /// On a category or type that [`try_new`](Self::try_new) refuses; in a `const` that is an
    /// error at compile time.
    #[must_use]
    pub const fn new(category: u8, type_in_category: u16) -> Self {
        match Self::try_new(category, type_in_category) {
            Ok(kind) => kind,
            Err(_) => panic!("an event kind has a category of 1 to 15, not 13, and a 12-bit type"),
        }
    }

    /// A kind from its category and type, checked.
    ///
    /// # Errors
    ///
    /// [`KindError`] if one of them does not fit, or if the category is reserved.
    pub const fn try_new(category: u8, type_in_category: u16) -> Result<Self, KindError> {
        if category > 0xF {
            return Err(KindError::CategoryTooLarge(category));
        }
        if type_in_category > 0xFFF {
            return Err(KindError::TypeTooLarge(type_in_category));
        }
        let kind = Self(((category as u16) << 12) | type_in_category);
        if kind.is_reserved() {
            return Err(KindError::Reserved(category));
        }
        Ok(kind)
    }

    /// A kind from a number that somebody wrote: its 16 bits, or, below 0x1000, a type in `category`.
    ///
    /// # Errors
    ///
    /// [`KindError`] if it does not fit, or if the category is reserved.
    pub fn from_number(number: u64, category: u8) -> Result<Self, KindError> {
        let bits = u16::try_from(number).map_err(|_| KindError::TooLarge(number))?;
        match Self(bits).category() {
            0 => Self::try_new(category, bits),
            own => Self::try_new(own, Self(bits).type_in_category()),
        }
    }

    /// A kind from text: its 16 bits as `0x1002`, category and type as `1:2`, or a number as
    /// [`from_number`](Self::from_number) takes it.
    ///
    /// ```
    /// # use strandline_core::EventKind;
    ///
    /// for text in ["0x1002", "1:2", "4098", "2"] {
    ///     assert_eq!(EventKind::parse(text, 1), Ok(EventKind::new(0x1, 0x002)));
    /// }
    /// assert!(EventKind::parse("0x0002", 1).is_err(), "reserved");
    /// ```
    ///
    /// # Errors
    ///
    /// [`KindError`] if it is none of these, does not fit, or if the category is reserved.
    pub fn parse(text: &str, category: u8) -> Result<Self, KindError> {
        let number = |digits: &str, radix| match digits.starts_with('+') {
            true => Err(KindError::Form),
            false => u64::from_str_radix(digits, radix).map_err(|_| KindError::Form),
        };
        let either = |text: &str| match text.strip_prefix("0x") {
            Some(digits) => number(digits, 16),
            None => number(text, 10),
        };
        match (text.split_once(':'), text.strip_prefix("0x")) {
            (Some((category, in_category)), _) => {
                let category = either(category)?;
                let category = u8::try_from(category).map_err(|_| KindError::TooLarge(category))?;
                let in_category = either(in_category)?;
                let in_category =
                    u16::try_from(in_category).map_err(|_| KindError::TooLarge(in_category))?;
                Self::try_new(category, in_category)
            }
            // All 16 bits are told, so no category is missing.
            (None, Some(digits)) => Self::from_number(number(digits, 16)?, CATEGORY_SYSTEM),
            (None, None) => Self::from_number(number(text, 10)?, category),
        }
    }

    /// A kind from its 16 bits, reserved ones included.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The 16 bits: category in the upper 4, type in the lower 12.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The category, 0 to 15.
    #[must_use]
    pub const fn category(self) -> u8 {
        self.0.to_be_bytes()[0] >> 4
    }

    /// The type within the category, 0 to 4095.
    #[must_use]
    pub const fn type_in_category(self) -> u16 {
        self.0 & 0xFFF
    }

    /// Whether the category belongs to the store; such kinds cannot be appended by callers.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        matches!(self.category(), CATEGORY_SYSTEM | CATEGORY_DELETION)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

/// Which kinds a query takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum KindFilter {
    /// Every kind.
    #[default]
    Any,
    /// Every kind of one category (0 to 15; a larger one matches nothing).
    Category(u8),
    /// One kind.
    Exact(EventKind),
}

impl KindFilter {
    /// Whether `kind` passes. Constant time.
    #[must_use]
    pub const fn matches(self, kind: EventKind) -> bool {
        match self {
            Self::Any => true,
            Self::Category(category) => kind.category() == category,
            Self::Exact(exact) => kind.bits() == exact.bits(),
        }
    }
}

impl From<EventKind> for KindFilter {
    fn from(kind: EventKind) -> Self {
        Self::Exact(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_into_category_and_type() {
        let kind = EventKind::new(0xF, 0xABC);
        assert_eq!(kind.bits(), 0xFABC);
        assert_eq!(kind.category(), 0xF);
        assert_eq!(kind.type_in_category(), 0xABC);
        assert_eq!(kind.to_string(), "0xfabc");
    }

    #[test]
    fn refuses_what_does_not_fit_or_is_reserved() {
        assert_eq!(
            EventKind::try_new(0x10, 0),
            Err(KindError::CategoryTooLarge(0x10))
        );
        assert_eq!(
            EventKind::try_new(1, 0x1000),
            Err(KindError::TypeTooLarge(0x1000))
        );
        assert_eq!(EventKind::try_new(0, 1), Err(KindError::Reserved(0)));
        assert_eq!(EventKind::try_new(0xD, 1), Err(KindError::Reserved(0xD)));
    }

    #[test]
    fn what_people_write_is_read_in_one_way() {
        let kind = EventKind::new(1, 2);
        for text in ["0x1002", "1:2", "0x1:0x2", "4098", "2"] {
            assert_eq!(EventKind::parse(text, 1), Ok(kind), "{text}");
        }
        assert_eq!(EventKind::parse("2", 3), Ok(EventKind::new(3, 2)));
        assert_eq!(EventKind::from_number(4098, 3), Ok(kind));
        for (text, error) in [
            ("", KindError::Form),
            ("0x", KindError::Form),
            ("+2", KindError::Form),
            ("1:", KindError::Form),
            ("kind", KindError::Form),
            ("16:1", KindError::CategoryTooLarge(16)),
            ("1:0x1000", KindError::TypeTooLarge(0x1000)),
            ("0x10000", KindError::TooLarge(0x10000)),
            ("65536", KindError::TooLarge(65536)),
            ("0x0002", KindError::Reserved(0)),
            ("0:1", KindError::Reserved(0)),
            ("13:1", KindError::Reserved(13)),
            ("0xd001", KindError::Reserved(13)),
        ] {
            assert_eq!(EventKind::parse(text, 1), Err(error), "{text}");
        }
        assert_eq!(EventKind::parse("2", 13), Err(KindError::Reserved(13)));
    }

    #[test]
    fn filters_by_category_and_exactly() {
        let kind = EventKind::new(2, 7);
        assert!(KindFilter::Any.matches(kind));
        assert!(KindFilter::Category(2).matches(kind));
        assert!(!KindFilter::Category(3).matches(kind));
        assert!(KindFilter::from(kind).matches(kind));
        assert!(!KindFilter::Exact(EventKind::new(2, 8)).matches(kind));
    }
}
