//! `heads sign` and `verify --anchors` at places of others: a witness over HTTP, buckets.

use crate::heads::{forge, grow};
use crate::proof::key;
use crate::witness_server::{start_for, witness_key};
use crate::{LIMIT, fill, json, lines_of, outcome, program, run, store};
use std::process::Stdio;
use strandline_anchor::proof::LogPolicy;

#[test]
fn a_witness_signs_what_has_only_grown_and_no_other_history() {
    let (dir, path) = store();
    let (key, public) = key(dir.path(), "example.org/orders");
    let (url, witness) = start_for(LogPolicy::new(public.parse().unwrap()));
    let heads = dir.path().join("heads").display().to_string();
    let key = key.display();
    // What the witness signs is in the file, whichever was named first.
    let sign = format!("heads sign {{}} --key {key} --to {heads} --to {url} --json");
    for (end, size) in [(10, 10), (14, 14)] {
        grow(&path, 10..end);
        let signed = json(0, &sign, &path);
        assert_eq!(
            (&signed["size"], signed["kept"].as_array().unwrap().len()),
            (&size.into(), 2)
        );
        let text = signed["checkpoint"].as_str().unwrap();
        assert!(text.contains("— witness.example "), "{text}");
    }
    // Each run is told by the witness how far it was.
    assert_eq!(witness.lock().unwrap().asked, [0, 0, 10]);
    let witnessed = witness_key().verifier().to_string();
    for from in [heads.clone(), format!("{url}heads")] {
        let verify =
            format!("verify {{}} --anchors {from} --key {public} --witness {witnessed} --json");
        let report = json(0, &verify, &path);
        assert_eq!(
            (&report["heads"]["counted"], &report["heads"]["anchored"]),
            (&2.into(), &14.into()),
            "{report}"
        );
    }

    // One that is out of order keeps the file from nothing, and is told.
    witness.lock().unwrap().broken = Some((500, "out of order".to_owned()));
    grow(&path, 14..15);
    let signed = json(1, &sign, &path);
    assert_eq!(signed["kept"], serde_json::json!([heads]));
    let reason = signed["failed"][0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("500") && reason.contains("out of order"),
        "{reason}"
    );
    witness.lock().unwrap().broken = None;

    forge(&path);
    let (code, out, err) = outcome(&run(
        &format!("heads sign {{}} --key {key} --to {url}"),
        &path,
    ));
    assert_eq!((code, &*out), (1, ""), "{err}");
    assert!(
        err.contains("nothing was signed: the witness http://"),
        "{err}"
    );
    let verify = format!("verify {{}} --anchors {url}heads --key {public} --json");
    let report = json(1, &verify, &path);
    assert_eq!(report["heads"]["findings"][0]["kind"], "manipulation");
}

#[cfg(feature = "replicate")]
#[test]
fn a_bucket_keeps_heads_and_is_asked_for_them() {
    let (dir, path) = store();
    let server = strandline_test_s3::TestS3::start().unwrap();
    let (key, public) = key(dir.path(), "example.org/orders");
    let folder = dir.path().join("bucket");
    let of_folder = format!("file://{}", folder.display());
    let of_server = format!("{}/heads/orders", server.url());
    let key = key.display().to_string();
    let asked = |arguments: &[&str]| {
        let mut command = program();
        for (name, value) in server.settings() {
            command.env(name.to_ascii_uppercase(), value);
        }
        outcome(&command.args(arguments).output().unwrap())
    };
    let dir = path.to_str().unwrap();
    let sign = [
        "heads", "sign", dir, "--key", &key, "--to", &of_folder, "--to", &of_server,
    ];
    let absent = ["verify", dir, "--anchors", &of_folder, "--key", &public];
    let (code, _, err) = asked(&absent);
    assert_eq!(code, 2, "{err}");
    assert!(!folder.exists(), "what is only read is not made");
    for end in [10, 14] {
        grow(&path, 10..end);
        let (code, out, err) = asked(&sign);
        assert_eq!(code, 0, "{out}{err}");
        assert!(
            out.contains(&format!("kept in {of_folder}\nkept in {of_server}")),
            "{out}"
        );
    }
    assert!(
        asked(&sign)
            .1
            .contains(&format!("{of_server} has it already"))
    );
    assert!(folder.join(format!("{:020}.checkpoint", 14)).exists());
    let verify = |from: &str| asked(&["verify", dir, "--anchors", from, "--key", &public]);
    for from in [&of_folder, &of_server] {
        let (code, out, err) = verify(from);
        assert_eq!(code, 0, "{out}{err}");
        assert!(
            out.contains("2 of 2 heads count; of 14 events those before sequence 14"),
            "{out}"
        );
    }
    forge(&path);
    for from in [&of_folder, &of_server] {
        let (code, out, _) = verify(from);
        assert_eq!(code, 1);
        assert!(out.contains("!! manipulation"), "{out}");
        let (code, _, err) = asked(&["heads", "sign", dir, "--key", &key, "--to", from]);
        assert_eq!(code, 1);
        assert!(err.contains("nothing was signed"), "{err}");
    }
    // What is no bucket is told before anything is signed.
    for (to, said) in [("s3://", "not SCHEME"), ("file:orders", "a bucket is")] {
        let (code, _, err) = asked(&["heads", "sign", dir, "--key", &key, "--to", to]);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(said), "{err}");
    }
}

/// Beside a writer, until it is ended: what is appended meanwhile is signed too.
#[test]
fn heads_are_signed_every_so_often_while_another_process_writes() {
    let (dir, path) = store();
    let (key, public) = key(dir.path(), "example.org/orders");
    let heads = dir.path().join("heads").display().to_string();
    let mut signer = program();
    signer.args([
        "heads",
        "sign",
        path.to_str().unwrap(),
        "--json",
        "--every",
        "1s",
    ]);
    signer.arg("--key").arg(key).args(["--to", &heads]);
    let mut signer = signer.stdout(Stdio::piped()).spawn().unwrap();
    let lines = lines_of(signer.stdout.take().unwrap());
    let size = || {
        let line = lines.recv_timeout(LIMIT).unwrap();
        let signed: serde_json::Value = serde_json::from_str(&line).unwrap();
        signed["size"].as_u64().unwrap()
    };
    assert_eq!(size(), 10);
    let store = strandline::Store::open(&path).unwrap();
    fill(&store, 10..15);
    // The last one is proven durable by what comes after it.
    assert!(size() >= 14);
    signer.kill().unwrap();
    signer.wait().unwrap();
    store.close().unwrap();
    let verify = format!("verify {{}} --anchors {heads} --key {public} --json");
    assert_eq!(json(0, &verify, &path)["heads"]["counted"], 2);
    for wrong in ["0s", "5", "-5s", "5s ago", "often"] {
        let sign = format!(
            "heads sign {{}} --key x --to y --every={}",
            wrong.replace(' ', "_")
        );
        assert_eq!(outcome(&run(&sign, &path)).0, 2, "{wrong}");
    }
}
