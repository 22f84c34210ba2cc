//! `ui`: the address that it prints answers whoever has its token, and nobody else.

use crate::{LIMIT, lines_of, outcome, program, run, store};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

#[test]
fn the_printed_address_shows_the_store() {
    let (_dir, store) = store();
    let mut ui = program()
        .arg("ui")
        .arg(&store)
        .args(["--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = lines_of(ui.stdout.take().unwrap());
    let address = lines.recv_timeout(LIMIT).unwrap();
    let (origin, token) = address.split_once("/?token=").unwrap();
    let host = origin.strip_prefix("http://").unwrap();
    let answer = |token: &str| {
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let request = format!(
            "GET /api/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let shown = answer(token);
    assert!(shown.starts_with("HTTP/1.1 200"), "{shown}");
    assert!(shown.contains("\"visible\": 10"), "{shown}");
    assert!(answer("0").starts_with("HTTP/1.1 401"));
    ui.kill().unwrap();
    ui.wait().unwrap();
}

#[test]
fn what_is_no_directory_is_refused() {
    let (dir, store) = store();
    let nowhere = dir.path().join("nowhere");
    for path in [nowhere, store.join("MANIFEST")] {
        let (code, out, err) = outcome(&run("ui {} --port 0", &path));
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains("a store is a directory"), "{err}");
    }
}

/// The page of a store with heads that are kept elsewhere, as scripts see it.
#[cfg(feature = "proof")]
#[test]
fn the_log_is_held_against_heads_and_proofs_are_signed() {
    let (dir, store) = store();
    let (key, public) = crate::proof::key(dir.path(), "example.org/orders");
    let heads = dir.path().join("orders.heads").display().to_string();
    let sign = format!("heads sign {{}} --key {} --to {heads}", key.display());
    crate::expect(0, &sign, &store);
    let id = crate::proof::ids(&store)[3];
    let mut ui = program()
        .arg("ui")
        .arg(&store)
        .args(["--port", "0", "--anchors", &heads, "--key", &public])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = lines_of(ui.stdout.take().unwrap());
    let address = lines.recv_timeout(LIMIT).unwrap();
    let integrity = answer(&address, "/api/integrity");
    assert!(integrity.contains("\"anchored\": 10"), "{integrity}");
    let proof = answer(&address, &format!("/api/event/signed-proof?id={id}"));
    let (_, proof) = proof.split_once("\r\n\r\n").unwrap();
    let file = dir.path().join("x.tlog-proof");
    std::fs::write(&file, proof).unwrap();
    let check = format!("check-proof {} --key {public}", file.display());
    assert!(crate::expect(0, &check, &store).contains("which had 10 events"));
    ui.kill().unwrap();
    ui.wait().unwrap();
    // What cannot be read, or is no key, is said at once.
    for wrong in ["--anchors /nowhere --key x+y", "--signing-key /nowhere"] {
        let (code, _, err) = outcome(&run(&format!("ui {{}} --port 0 {wrong}"), &store));
        assert_eq!(code, 2, "{err}");
    }
}

/// What is answered to somebody with the address.
#[cfg(feature = "proof")]
fn answer(address: &str, path: &str) -> String {
    let (origin, token) = address.split_once("/?token=").unwrap();
    let host = origin.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
