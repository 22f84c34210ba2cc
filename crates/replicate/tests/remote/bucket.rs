//! A bucket in memory that counts what it is asked, fails when it is told to, and can be held.

use bytes::Bytes;
use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use strandline_replicate::{ReadObjects, RemoteFile, RemotePart};

#[derive(Debug, Default)]
pub(crate) struct TestBucket {
    state: Mutex<State>,
    let_go: Condvar,
}

#[derive(Debug, Default)]
struct State {
    objects: HashMap<String, Bytes>,
    asked: Vec<(String, Range<u64>)>,
    /// What the next requests come to; all is well after it.
    fails: Vec<Option<io::ErrorKind>>,
    is_held: bool,
    waiting: usize,
    latency: Duration,
    name: Option<String>,
}

impl TestBucket {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        let mut state = self.state.lock().unwrap();
        state.objects.insert(key.to_owned(), bytes.into());
    }

    pub(crate) fn delete(&self, key: &str) {
        self.state.lock().unwrap().objects.remove(key);
    }

    /// A file that is one object.
    pub(crate) fn put_file(&self, key: &str, bytes: &[u8]) -> RemoteFile {
        self.put(key, bytes.to_vec());
        let part = RemotePart {
            from: 0,
            bytes: bytes.len() as u64,
            key: key.into(),
            offset: 0,
        };
        RemoteFile::new(part.bytes, vec![part]).unwrap()
    }

    pub(crate) fn fail_next(&self, fails: Vec<Option<io::ErrorKind>>) {
        self.state.lock().unwrap().fails = fails;
    }

    /// What was asked since this was called last.
    pub(crate) fn asked(&self) -> Vec<(String, Range<u64>)> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        self.state.lock().unwrap().latency = latency;
    }

    pub(crate) fn set_name(&self, name: &str) {
        self.state.lock().unwrap().name = Some(name.to_owned());
    }

    /// Holds every request from now on.
    pub(crate) fn hold(&self) {
        self.state.lock().unwrap().is_held = true;
    }

    pub(crate) fn wait_for_held(&self, requests: usize) {
        let state = self.state.lock().unwrap();
        let few = |state: &mut State| state.waiting < requests;
        drop(self.let_go.wait_while(state, few).unwrap());
    }

    pub(crate) fn let_go(&self) {
        self.state.lock().unwrap().is_held = false;
        self.let_go.notify_all();
    }
}

impl ReadObjects for TestBucket {
    fn read(&self, key: &str, range: Range<u64>) -> io::Result<Bytes> {
        let latency = self.state.lock().unwrap().latency;
        if !latency.is_zero() {
            std::thread::sleep(latency);
        }
        let mut state = self.state.lock().unwrap();
        state.asked.push((key.to_owned(), range.clone()));
        state.waiting += 1;
        self.let_go.notify_all();
        let held = |state: &mut State| state.is_held;
        let mut state = self.let_go.wait_while(state, held).unwrap();
        state.waiting -= 1;
        if let Some(Some(kind)) = state.fails.pop() {
            return Err(kind.into());
        }
        let object = state.objects.get(key).ok_or(io::ErrorKind::NotFound)?;
        let end = object.len().min(range.end as usize);
        let start = end.min(range.start as usize);
        Ok(object.slice(start..end))
    }

    fn name(&self) -> String {
        let named = self.state.lock().unwrap().name.clone();
        named.unwrap_or_else(|| "memory:test".to_owned())
    }
}
