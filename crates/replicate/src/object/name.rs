//! `FileName`: the name of a file as a bucket has it, which whoever reads the bucket may use in a directory.

use std::fmt;
use std::str::FromStr;

/// Longest name, in bytes.
const BYTES_MAX: usize = 128;

/// The name of a file: 1 to 128 small letters, digits, `.` and `-`, the first a letter or a digit. So it names
/// nothing outside of a directory, on any system.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName(Box<str>);

impl FileName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no name of a file of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a file of a bucket has a name of 1 to 128 small letters, digits, dots and dashes")]
pub struct FileNameError;

impl FromStr for FileName {
    type Err = FileNameError;

    fn from_str(text: &str) -> Result<Self, FileNameError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let first = text.bytes().next().is_some_and(plain);
        let all = text
            .bytes()
            .all(|byte| plain(byte) || matches!(byte, b'.' | b'-'));
        match first && all && text.len() <= BYTES_MAX {
            true => Ok(Self(text.into())),
            false => Err(FileNameError),
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_stay_in_a_directory_are_taken() {
        for good in ["segment-0000000001.log", "a", "7", &"x".repeat(128)] {
            assert_eq!(
                good.parse::<FileName>().map(|name| name.to_string()),
                Ok(good.to_owned())
            );
        }
        for bad in [
            "",
            ".",
            "..",
            "-a",
            ".a",
            "a/b",
            "a\\b",
            "A",
            "a b",
            "ä",
            "a\0",
            "c:",
            &"x".repeat(129),
        ] {
            assert_eq!(bad.parse::<FileName>(), Err(FileNameError), "{bad}");
        }
    }
}
