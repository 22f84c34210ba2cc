//! `KeyName`: what a key is called.

use super::key_error::KeyError;
use super::limits::KEY_NAME_BYTES_MAX;
use std::fmt;
use std::str::FromStr;

/// What a key is called: by custom a URL without its scheme, as `example.org/orders`.
///
/// 1 to [`KEY_NAME_BYTES_MAX`] bytes, without white space, `+` and control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(Box<str>);

impl KeyName {
    /// A name.
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`].
    pub fn new(name: &str) -> Result<Self, KeyError> {
        let is_out = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        let fits = (1..=KEY_NAME_BYTES_MAX).contains(&name.len());
        match fits && !name.contains(is_out) {
            true => Ok(Self(name.into())),
            false => Err(KeyError::Name),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        Self::new(name)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
