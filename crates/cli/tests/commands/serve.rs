//! `serve`: begins and ends as services do, and refuses what would be open to all. What it answers, `crates/serve` and
//! clients of others try.

use crate::{expect, lines_of, outcome, program, store};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn it_says_where_it_listens_and_ends_when_it_is_asked_to() {
    let (_dir, path) = store();
    let mut served = program()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .arg(&path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = lines_of(served.stdout.take().unwrap());
    let address = lines.recv_timeout(crate::LIMIT).unwrap();
    let address = address.strip_prefix("http://").unwrap();
    TcpStream::connect(address).unwrap();
    // Another one that writes is refused, and those that read are not.
    expect(1, "serve {} --listen 127.0.0.1:0", &path);
    expect(0, "stats {}", &path);
    // Its address is taken.
    let other = path.with_extension("other");
    let (_, _, err) = outcome(&crate::run(
        &format!("serve {{}} --listen {address}"),
        &other,
    ));
    assert!(err.contains("cannot be listened at"), "{err}");
    let id = served.id().to_string();
    let asked = Command::new("kill").args(["-TERM", &id]).status();
    assert!(asked.unwrap().success());
    assert_eq!(served.wait().unwrap().code(), Some(0));
    expect(0, "verify {}", &path);
}

#[test]
fn what_others_reach_or_read_is_refused() {
    let (dir, path) = store();
    let refused = |arguments: &[&str]| {
        let ran = program().arg("serve").arg(&path).args(arguments).output();
        let (code, _, err) = outcome(&ran.unwrap());
        assert_eq!(code, 2, "{arguments:?}: {err}");
        err
    };
    assert!(refused(&["--listen", "0.0.0.0:0"]).contains("--safe-network"));
    let tokens = dir.path().join("tokens");
    let named = tokens.to_str().unwrap();
    let write = |text: &str, mode| {
        std::fs::write(&tokens, text).unwrap();
        std::fs::set_permissions(Path::new(named), PermissionsExt::from_mode(mode)).unwrap();
    };
    let line = "append orders klmnopqrstuvwxyz0123\n";
    for mode in [0o644, 0o604, 0o660] {
        write(line, mode);
        assert!(refused(&["--tokens", named]).contains("chmod 600"));
    }
    write(line, 0o640);
    assert!(refused(&["--tokens", named, "--listen", "0.0.0.0:0"]).contains("no TLS"));
    write("admin orders klmnopqrstuvwxyz0123\n", 0o600);
    assert!(refused(&["--tokens", named]).contains("line 1"));
    assert!(refused(&["--tls-cert", named]).contains("--tls-key"));
    write(line, 0o600);
    let both = ["--tls-cert", named, "--tls-key", named];
    assert!(refused(&both).contains("no certificate"));
}
