//! The socket as a file: its mode, its name, what is in its place, and who may replace it.

use crate::{client, store};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::{Existing, restore, salvage, unwatched};
use strandline::{ErrorKind, Store, StoreOptions};
use strandline_control::{CONTROL_FILE, Client, Control};

fn names(path: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("control")).collect()
}

#[test]
fn the_socket_is_its_owners_alone_and_goes_with_the_control() {
    let (_dir, path, store) = store(1);
    assert!(Client::connect(&path).unwrap().is_none());
    let control = Control::open(&store).unwrap();
    let found = std::fs::symlink_metadata(control.path()).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    assert_eq!(names(&path), [CONTROL_FILE]);
    control.close();
    assert!(names(&path).is_empty());
    assert!(Client::connect(&path).unwrap().is_none());
}

#[test]
fn a_store_has_one_socket() {
    let (_dir, path, store) = store(1);
    let control = Control::open(&store).unwrap();
    let second = Control::open(&store).unwrap_err();
    assert_eq!(second.kind(), ErrorKind::Busy);
    assert!(
        second.to_string().contains("close that `Control` first"),
        "{second}"
    );
    assert_eq!(client(&path).status().unwrap().store.events, 1);
    drop(control);
    let _control = Control::open(&store).unwrap();
    assert_eq!(client(&path).status().unwrap().store.events, 1);
}

#[test]
fn who_only_reads_has_no_socket() {
    let (_dir, path, store) = store(1);
    let reader = Arc::new(StoreOptions::new().read_only().open(&path).unwrap());
    assert_eq!(
        Control::open(&reader).unwrap_err().kind(),
        ErrorKind::ReadOnly
    );
    drop(store);
    assert!(names(&path).is_empty());
}

#[test]
fn what_a_killed_process_left_is_replaced() {
    let (_dir, path, store) = store(1);
    for name in [CONTROL_FILE, "control.sock.tmp"] {
        drop(UnixListener::bind(path.join(name)).unwrap());
    }
    assert!(Client::connect(&path).unwrap().is_none(), "nobody listens");
    let _control = Control::open(&store).unwrap();
    assert_eq!(names(&path), [CONTROL_FILE]);
    assert_eq!(client(&path).status().unwrap().store.events, 1);
}

#[test]
fn what_is_no_socket_is_left_alone_and_no_link_is_followed() {
    let (dir, path, store) = store(1);
    let elsewhere = dir.path().join("elsewhere");
    let listener = UnixListener::bind(&elsewhere).unwrap();
    listener.set_nonblocking(true).unwrap();
    for name in [CONTROL_FILE, "control.sock.tmp"] {
        let taken = path.join(name);
        let check = |what: &str| {
            let refused = Control::open(&store).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{what}: {refused}");
            assert!(
                refused
                    .to_string()
                    .contains("is no socket, and is left alone"),
                "{refused}"
            );
            if name == CONTROL_FILE {
                let refused = Client::connect(&path).unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{what}: {refused}");
            }
        };
        std::fs::write(&taken, b"mine").unwrap();
        check("a file");
        assert_eq!(std::fs::read(&taken).unwrap(), b"mine");
        std::fs::remove_file(&taken).unwrap();
        symlink(&elsewhere, &taken).unwrap();
        check("a link");
        assert_eq!(std::fs::read_link(&taken).unwrap(), elsewhere);
        std::fs::remove_file(&taken).unwrap();
        std::fs::create_dir(&taken).unwrap();
        check("a folder");
        std::fs::remove_dir(&taken).unwrap();
    }
    assert!(listener.accept().is_err(), "nobody was led there");
    let _control = Control::open(&store).unwrap();
}

/// An address has room for 107 bytes.
#[test]
fn a_long_path_has_a_socket_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x".repeat(200)).join("y".repeat(200));
    let store = Arc::new(Store::open(&path).unwrap());
    let control = Control::open(&store).unwrap();
    assert_eq!(client(&path).checkpoint().unwrap().get(), 0);
    drop(control);
    assert!(names(&path).is_empty());
}

#[test]
fn another_ones_socket_is_not_removed() {
    let (_dir, path, store) = store(1);
    let control = Control::open(&store).unwrap();
    std::fs::remove_file(control.path()).unwrap();
    let other = UnixListener::bind(control.path()).unwrap();
    let inode = std::fs::symlink_metadata(control.path()).unwrap().ino();
    drop(control);
    let there = std::fs::symlink_metadata(path.join(CONTROL_FILE)).unwrap();
    assert_eq!(there.ino(), inode);
    drop(other);
}

/// Whoever lost the directory must not put a socket into what is there now.
#[test]
fn who_has_lost_the_lock_opens_none() {
    let (dir, path, store) = store(1);
    std::fs::rename(&path, dir.path().join("moved")).unwrap();
    let there = Arc::new(Store::open(&path).unwrap());
    let _control = Control::open(&there).unwrap();
    assert_eq!(
        Control::open(&store).unwrap_err().kind(),
        ErrorKind::LockLost
    );
    assert_eq!(client(&path).status().unwrap().store.events, 0);
}

#[test]
fn a_directory_that_takes_no_files_is_told() {
    if rustix::process::geteuid().is_root() {
        // The superuser may write there all the same.
        return;
    }
    let (_dir, path, store) = store(1);
    let mode =
        |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o500);
    let refused = Control::open(&store).unwrap_err();
    mode(0o700);
    assert_eq!(refused.kind(), ErrorKind::Io);
    assert_eq!(
        refused.io_kind(),
        Some(std::io::ErrorKind::PermissionDenied)
    );
}

/// Copies, openings and checks pass over it, wherever the store is.
#[test]
fn the_socket_is_no_part_of_the_store() {
    let (dir, path, store) = store(3);
    let _control = Control::open(&store).unwrap();
    let reader = StoreOptions::new().read_only().open(&path).unwrap();
    assert!(
        reader.open_report().is_clean(),
        "{:?}",
        reader.open_report().notices
    );
    assert!(reader.verify().unwrap().is_intact());
    let (backup, restored) = (dir.path().join("backup"), dir.path().join("restored"));
    store.backup_to(&backup).unwrap();
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    restore(&fs, &backup, &restored, Existing::Refuse, &mut unwatched).unwrap();
    let saved = dir.path().join("saved");
    let into = Store::open(&saved).unwrap();
    salvage(&OsFs, &path, &into, &mut unwatched).unwrap();
    for copy in [backup, restored, saved] {
        assert!(names(&copy).is_empty(), "{}", copy.display());
    }
    // What a killed writer has left of it disturbs no opening.
    let left = UnixListener::bind(path.join("control.sock.tmp")).unwrap();
    drop(left);
    assert!(
        StoreOptions::new()
            .read_only()
            .open(&path)
            .unwrap()
            .open_report()
            .is_clean()
    );
}
