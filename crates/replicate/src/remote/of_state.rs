//! The [`Catalog`] that a [`State`] of a bucket is.

use super::catalog::{Catalog, RemoteFile, RemotePart};
use crate::object::{FileParts, State};
use std::io;
use std::sync::Arc;

impl Catalog {
    /// The files that a state of a bucket lists. O(parts).
    ///
    /// # Errors
    ///
    /// `InvalidData` if the parts of a file are not those of a file.
    pub fn of(state: &State) -> io::Result<Self> {
        let mut catalog = Self::of_log(state.identity());
        for file in &state.files {
            catalog.insert(file.name.as_str(), remote(file)?)?;
        }
        Ok(catalog)
    }
}

fn remote(file: &FileParts) -> io::Result<RemoteFile> {
    let parts = file.parts.iter().map(|part| RemotePart {
        from: part.from,
        bytes: part.length,
        key: Arc::from(part.key.to_string()),
        offset: part.offset,
    });
    RemoteFile::new(file.length, parts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Key, Part, Term};

    #[test]
    fn a_file_of_chunks_is_where_their_bodies_are() {
        let term = Term::FIRST;
        let chunk = |number| Key::Chunk { term, number };
        let part = |from, length, number| Part {
            from,
            length,
            key: chunk(number),
            offset: 300,
        };
        let mut file = FileParts {
            name: "segment-0000000001.log".parse().unwrap(),
            length: 30,
            parts: vec![part(0, 10, 0), part(10, 20, 1)],
        };
        let catalogued = remote(&file).unwrap();
        assert_eq!(catalogued.bytes(), 30);
        let second = catalogued.parts().last().unwrap();
        assert_eq!(*second.key, chunk(1).to_string());
        assert_eq!((second.from, second.bytes, second.offset), (10, 20, 300));
        file.parts.pop();
        assert!(remote(&file).is_err());
    }
}
