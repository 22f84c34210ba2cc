//! `Objects`: the objects of one bucket behind one mutex. Knows nothing of requests.

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use strandline_core::{Clock, Hash};

/// An object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) content: Bytes,
    pub(crate) etag: String,
    pub(crate) modified_ms: u64,
}

/// A page of a listing.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) objects: Vec<(String, Object)>,
    pub(crate) folders: Vec<String>,
    /// The key behind which the next page begins.
    pub(crate) next: Option<String>,
}

/// What a page of a listing is to hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageOf<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) delimiter: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
    pub(crate) keys_max: usize,
}

#[derive(Debug)]
pub(crate) struct Objects {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, BTreeMap<i32, Bytes>>,
    uploads_begun: u64,
}

impl Objects {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::default(),
            clock,
        }
    }

    pub(crate) fn put(&self, key: &str, content: Bytes) -> String {
        let object = self.object(content);
        let etag = object.etag.clone();
        self.state.lock().objects.insert(key.to_owned(), object);
        etag
    }

    /// The entity tag, or nothing if an object is there.
    pub(crate) fn create(&self, key: &str, content: Bytes) -> Option<String> {
        let object = self.object(content);
        let etag = object.etag.clone();
        let mut state = self.state.lock();
        if state.objects.contains_key(key) {
            return None;
        }
        state.objects.insert(key.to_owned(), object);
        Some(etag)
    }

    pub(crate) fn get(&self, key: &str) -> Option<Object> {
        self.state.lock().objects.get(key).cloned()
    }

    pub(crate) fn delete(&self, key: &str) -> bool {
        self.state.lock().objects.remove(key).is_some()
    }

    pub(crate) fn keys(&self, prefix: &str) -> Vec<String> {
        let state = self.state.lock();
        let keys = state.objects.range(prefix.to_owned()..);
        keys.map(|(key, _)| key.clone())
            .take_while(|key| key.starts_with(prefix))
            .collect()
    }

    pub(crate) fn list(&self, of: PageOf<'_>) -> Page {
        let state = self.state.lock();
        let mut page = Page::default();
        let begin = match of.after {
            Some(after) if after >= of.prefix => Bound::Excluded(after),
            _ => Bound::Included(of.prefix),
        };
        let mut last = None;
        for (key, object) in state.objects.range::<str, _>((begin, Bound::Unbounded)) {
            let Some(rest) = key.strip_prefix(of.prefix) else {
                break;
            };
            let folder = of
                .delimiter
                .and_then(|delimiter| {
                    rest.split_once(delimiter)
                        .map(|(name, _)| (name, delimiter))
                })
                .map(|(name, delimiter)| format!("{}{name}{delimiter}", of.prefix));
            let is_known = folder
                .as_ref()
                .is_some_and(|folder| page.folders.last() == Some(folder));
            if !is_known {
                if page.objects.len() + page.folders.len() >= of.keys_max {
                    page.next = last;
                    return page;
                }
                match folder {
                    Some(folder) => page.folders.push(folder),
                    None => page.objects.push((key.clone(), object.clone())),
                }
            }
            last = Some(key.clone());
        }
        page
    }

    pub(crate) fn begin_upload(&self) -> String {
        let mut state = self.state.lock();
        state.uploads_begun += 1;
        let id = format!("upload-{}", state.uploads_begun);
        state.uploads.insert(id.clone(), BTreeMap::new());
        id
    }

    /// The entity tag, or nothing if there is no such upload.
    pub(crate) fn put_part(&self, upload: &str, number: i32, content: Bytes) -> Option<String> {
        let etag = etag(&content);
        let mut state = self.state.lock();
        state.uploads.get_mut(upload)?.insert(number, content);
        Some(etag)
    }

    /// Makes an object of parts, given by number and entity tag. Nothing if there is no such upload or part.
    pub(crate) fn finish_upload(
        &self,
        key: &str,
        upload: &str,
        parts: &[(i32, String)],
    ) -> Option<String> {
        let mut state = self.state.lock();
        let sent = state.uploads.get(upload)?;
        let mut content = BytesMut::new();
        for (number, tag) in parts {
            let part = sent.get(number).filter(|part| etag(part) == *tag)?;
            content.extend_from_slice(part);
        }
        state.uploads.remove(upload);
        let object = self.object(content.freeze());
        let etag = object.etag.clone();
        state.objects.insert(key.to_owned(), object);
        Some(etag)
    }

    pub(crate) fn abort_upload(&self, upload: &str) -> bool {
        self.state.lock().uploads.remove(upload).is_some()
    }

    pub(crate) fn uploads(&self) -> usize {
        self.state.lock().uploads.len()
    }

    fn object(&self, content: Bytes) -> Object {
        Object {
            etag: etag(&content),
            content,
            modified_ms: self.clock.now_ms(),
        }
    }
}

/// S3 takes MD5 and promises nothing of it.
fn etag(content: &[u8]) -> String {
    Hash::of(content).to_string().chars().take(32).collect()
}
