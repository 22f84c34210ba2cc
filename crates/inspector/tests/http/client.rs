//! A server beside a store, and requests to it, with the headers that a test wants.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;
use strandline_inspector::Inspector;

/// A server on a thread of its own, until it is dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) token: String,
    stop: Option<futures::channel::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Server {
    pub(crate) fn of(dir: &Path) -> Self {
        Self::with(dir, |inspector| inspector)
    }

    /// The same with more asked of the inspector.
    pub(crate) fn with(dir: &Path, with: impl FnOnce(Inspector) -> Inspector) -> Self {
        let inspector = with(Inspector::bind(dir, Some(0)).unwrap());
        // What is compared is not to depend on how busy the machine is.
        let inspector = inspector.without_time_limit();
        let port = inspector.port();
        let address = inspector.address();
        let (_, token) = address.split_once("token=").unwrap();
        let token = token.to_owned();
        let (stop, stopped) = futures::channel::oneshot::channel();
        let (ready, is_ready) = channel();
        let thread = std::thread::spawn(move || {
            ready.send(()).unwrap();
            let until = async {
                let _ = stopped.await;
            };
            inspector.run_until(until).unwrap();
        });
        is_ready.recv().unwrap();
        Self {
            port,
            token,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// A request with these lines after its first, and no others.
    pub(crate) fn raw(&self, method: &str, path: &str, lines: &[String]) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for line in lines {
            request += &format!("{line}\r\n");
        }
        stream
            .write_all(format!("{request}\r\n").as_bytes())
            .unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        Answer::parse(&all)
    }

    pub(crate) fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}", self.port)
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }

    /// A request as of a script that has the token.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.raw("GET", path, &[self.host(), self.bearer()])
    }

    /// What a view has, as JSON.
    pub(crate) fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// A page.
    pub(crate) fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert!(answer.headers.contains("text/html"), "{path}");
        answer.text()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
    }
}

impl Answer {
    fn parse(all: &[u8]) -> Self {
        let end = all
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n")
            .expect("an answer has headers");
        let headers = String::from_utf8_lossy(&all[..end]).to_lowercase();
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        let mut body = all[end + 4..].to_vec();
        if headers.contains("transfer-encoding: chunked") {
            body = unchunked(&body);
        }
        Self {
            status,
            headers,
            body,
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|bytes| bytes == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            break;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + length]);
        body = &body[end + 4 + length..];
    }
    whole
}

/// Events that a server pushes.
pub(crate) struct Pushed(std::io::BufReader<TcpStream>);

impl Server {
    /// Begins to listen to what is pushed.
    pub(crate) fn stream(&self, path: &str) -> Pushed {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let (host, bearer) = (self.host(), self.bearer());
        write!(stream, "GET {path} HTTP/1.1\r\n{host}\r\n{bearer}\r\n\r\n").unwrap();
        Pushed(std::io::BufReader::new(stream))
    }
}

impl Pushed {
    /// What the next event says.
    pub(crate) fn next_event(&mut self) -> Value {
        use std::io::BufRead;
        let mut line = String::new();
        loop {
            line.clear();
            assert!(
                self.0.read_line(&mut line).unwrap() > 0,
                "the stream has ended"
            );
            if let Some(data) = line.strip_prefix("data: ") {
                return serde_json::from_str(data).unwrap();
            }
        }
    }
}
