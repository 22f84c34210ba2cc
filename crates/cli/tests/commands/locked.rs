//! Who has a store open is told whoever is refused.

use crate::{fill, outcome, run, store};
use strandline::{Event, Store, StoreOptions};

/// That somebody had it was told, and not who.
#[test]
fn who_has_a_store_open_is_told() {
    let (_dir, path) = store();
    let lock = path.join("LOCK");
    assert_eq!(std::fs::read(&lock).unwrap(), b"", "nobody has it");
    let held = Store::open(&path).unwrap();
    let own = std::process::id();
    for command in ["checkpoint {}", "compact {} --keep-newest 1", "import {} -"] {
        let (code, _, err) = outcome(&run(command, &path));
        assert_eq!(code, 1, "{command}: {err}");
        let said = format!("is open for writing elsewhere, by process {own}, since 20");
        assert!(err.contains(&said), "{command}: {err}");
        assert!(
            err.contains("next: close the program that writes it"),
            "{err}"
        );
    }
    let refused = StoreOptions::new().open(&path).unwrap_err();
    assert_eq!(
        refused.lock_holder().map(|holder| holder.process),
        Some(own)
    );
    held.close().unwrap();
    assert_eq!(std::fs::read(&lock).unwrap(), b"");
}

/// What a killed process left, and what anybody else wrote into LOCK, keeps nobody out and misleads nobody.
#[test]
fn what_is_in_the_lock_decides_nothing() {
    let (_dir, path) = store();
    let lock = path.join("LOCK");
    let stale = "strandline lock 1\nprocess 1\nsince 2\n";
    std::fs::write(&lock, stale).unwrap();
    let held = Store::open(&path).unwrap();
    fill(&held, 10..11);
    let (_, _, err) = outcome(&run("checkpoint {}", &path));
    assert!(
        err.contains(&format!("by process {}, since", std::process::id())),
        "{err}"
    );
    for hostile in [
        vec![0xff; 64],
        b"\x1b[2Jprocess 1\n".to_vec(),
        vec![b'x'; 1 << 20],
    ] {
        std::fs::write(&lock, &hostile).unwrap();
        let (code, _, err) = outcome(&run("checkpoint {}", &path));
        assert_eq!(code, 1);
        assert!(
            err.contains("is open for writing elsewhere; open it"),
            "{err:?}"
        );
        assert!(!err.contains('\u{1b}'), "{err:?}");
    }
    drop(held);
    // What is not ours is left alone.
    let others = "somebody's own";
    std::fs::write(&lock, others).unwrap();
    let held = Store::open(&path).unwrap();
    let coordinate = crate::at("order:9", "eu");
    held.append(&coordinate, Event::bytes(crate::PLACED, *b"x"))
        .unwrap();
    held.close().unwrap();
    assert_eq!(std::fs::read_to_string(&lock).unwrap(), others);
}
