//! A witness of C2SP over HTTP, on the loopback interface: it signs what has only grown. For the tests of the command line
//! too.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use strandline_anchor::proof::{
    ConsistencyProof, Hash, LogPolicy, SignedCheckpoint, SignerKey, TreeHead,
};

/// The key by which it signs.
pub(crate) fn witness_key() -> SignerKey {
    SignerKey::witness_from_seed("witness.example".parse().unwrap(), [3; 32])
}

/// What a witness knows of logs, and what it was asked.
pub(crate) struct Witness {
    /// The log of which it signs heads.
    log: LogPolicy,
    heads: HashMap<String, TreeHead>,
    /// Every head that it has signed, as a text.
    signed: String,
    pub(crate) asked: Vec<u64>,
    /// What it answers to everything, if it is out of order.
    pub(crate) broken: Option<(u16, String)>,
}

impl Witness {
    /// The answer to a request to sign a head.
    fn signs(&mut self, body: &str) -> (u16, String) {
        if let Some(broken) = &self.broken {
            return broken.clone();
        }
        let (front, note) = body.split_once("\n\n").unwrap();
        let mut lines = front.lines();
        let old: u64 = lines
            .next()
            .unwrap()
            .strip_prefix("old ")
            .unwrap()
            .parse()
            .unwrap();
        self.asked.push(old);
        let hashes = lines.map(|line| Hash::from_base64(line).unwrap()).collect();
        let proof = ConsistencyProof::new(hashes).unwrap();
        let mut head = SignedCheckpoint::parse(note.as_bytes()).unwrap();
        let Ok(verified) = head.verify(&self.log) else {
            return (403, String::new());
        };
        let (origin, new) = (verified.checkpoint().origin().to_owned(), *verified.head());
        let kept = self.heads.get(&origin).copied().unwrap_or_default();
        if kept.size != old || (new.size == old && new.root != kept.root) {
            return (409, format!("{}\n", kept.size));
        }
        if proof.verify(&kept, &new).is_err() {
            return (422, String::new());
        }
        self.heads.insert(origin, new);
        head.add_signature_of(&witness_key(), 1_700_000_000)
            .unwrap();
        self.signed += &format!("{head}\n");
        (
            200,
            format!("{}\n", head.note().signatures().last().unwrap()),
        )
    }
}

fn answer(stream: TcpStream, witness: &Mutex<Witness>) {
    let mut reader = BufReader::new(&stream);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(count) = line.to_lowercase().strip_prefix("content-length:") {
                length = count.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let mut witness = witness.lock().unwrap();
        let (status, text) = match first.split(' ').nth(1).unwrap() {
            "/log/add-checkpoint" => witness.signs(std::str::from_utf8(&body).unwrap()),
            "/log/heads" => (200, witness.signed.clone()),
            "/nonsense" => (200, "nonsense".to_owned()),
            _ => (404, String::new()),
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        );
        (&stream).write_all(head.as_bytes()).unwrap();
    }
}

/// Starts a witness of a log, which lives as long as the tests do.
pub(crate) fn start_for(log: LogPolicy) -> (String, Arc<Mutex<Witness>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/log/", listener.local_addr().unwrap());
    let witness = Arc::new(Mutex::new(Witness {
        log,
        heads: HashMap::new(),
        signed: String::new(),
        asked: Vec::new(),
        broken: None,
    }));
    let shared = witness.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let shared = shared.clone();
            std::thread::spawn(move || answer(stream.unwrap(), &shared));
        }
    });
    (url, witness)
}
