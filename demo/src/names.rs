//! Paths as names: every path has exactly one, and no two share it.

use strandline::{Coordinate, Hash, NAME_BYTES_MAX, NameError};

/// What stands between the beginning of a long name and its hash. A `%` of a path is escaped, so
/// no other name has it.
const CUT: &str = "%~";

/// The coordinate of a path: the path itself, in its top-level folder, `.` for files at the root.
pub(crate) fn coordinate(path: &[u8]) -> Result<Coordinate, NameError> {
    let folder = match path.iter().position(|byte| *byte == b'/') {
        Some(end) => name(path.get(..end).unwrap_or_default()),
        None => ".".to_owned(),
    };
    Coordinate::new(name(path), folder)
}

/// A path as a name: `%`, control characters and bytes that are not UTF-8 as `%` and two
/// hexadecimal digits; a name that is too long ends in `%~` and a hash of the whole path, which no
/// path that fits can end in.
pub(crate) fn name(path: &[u8]) -> String {
    let mut name = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == '%' || character.is_control() {
                let mut bytes = [0; 4];
                escape(&mut name, character.encode_utf8(&mut bytes).as_bytes());
            } else {
                name.push(character);
            }
        }
        escape(&mut name, chunk.invalid());
    }
    if name.len() > NAME_BYTES_MAX {
        let hash = Hash::of(path).to_string();
        let hash = hash.get(..32).unwrap_or(&hash);
        while name.len() + CUT.len() + hash.len() > NAME_BYTES_MAX {
            name.pop();
        }
        name.push_str(CUT);
        name.push_str(hash);
    }
    name
}

fn escape(name: &mut String, bytes: &[u8]) {
    for byte in bytes {
        name.push_str(&format!("%{byte:02X}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_stay_as_they_are() {
        let at = coordinate("src/größe/main.rs".as_bytes()).unwrap();
        assert_eq!((at.entity(), at.scope()), ("src/größe/main.rs", "src"));
        assert_eq!(coordinate(b"README").unwrap().scope(), ".");
    }

    #[test]
    fn odd_paths_are_escaped_so_that_none_collide() {
        assert_eq!(name(b"a\nb\xFF%"), "a%0Ab%FF%25");
        assert_ne!(name(b"a%0Ab"), name(b"a\nb"));
        let long = |end: u8| [vec![b'x'; 300], vec![end]].concat();
        assert!(coordinate(&long(b'1')).is_ok());
        assert_ne!(name(&long(b'1')), name(&long(b'2')));
        let cut = name(&long(b'1'));
        assert_eq!(cut.len(), NAME_BYTES_MAX);
        assert_ne!(name(cut.as_bytes()), cut, "a path that is called so itself");
    }
}
