//! A user name that only one user has, whoever asks for it at the same time:
//! `cargo run -p strandline-examples --example unique_name`.
//!
//! No entity owns the rule: what decides is every event that claims or gives up the name. So the
//! append is made on condition that no such event has come since the caller looked.
//!
//! A name stays taken however old the event is that took it: a retention keeps what it needs of the events
//! that decide, and no more. Tags stay for ever then, and are neither encrypted nor redacted: the name is in none. What
//! is in a tag is a hash of it with a secret, so whoever has the log does not find the name by trying names.

use std::ops::ControlFlow;
use strandline::maintenance::{Retention, compact};
use strandline::{
    AppendCondition, AppendOptions, Coordinate, ErrorKind, Event, EventKind, Hash, Region, Store,
};

const CLAIMED: EventKind = EventKind::new(0x1, 0x001);
const GIVEN_UP: EventKind = EventKind::new(0x1, 0x002);
const SEEN: EventKind = EventKind::new(0x1, 0x003);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The tag of a name. The secret is kept where the application has its keys, and never in the store; a hash without one
/// would be found by whoever hashes all names.
fn name_tag(secret: &[u8; 32], name: &str) -> String {
    let hash = Hash::of(&[secret.as_slice(), name.as_bytes()].concat()).to_string();
    format!("name:{}", hash.get(..32).unwrap_or_default())
}

/// Claims the name of `tag` for `user`, if nobody has it. Users own the streams.
fn claim(store: &Store, user: &str, tag: &str) -> Result<bool, Failure> {
    let coordinate = Coordinate::new(user, "users")?;
    loop {
        let now = store.snapshot();
        let about = Region::all().tag(tag);
        let newest = now.query(&about).next_back().transpose()?;
        if newest.is_some_and(|event| event.kind == CLAIMED) {
            return Ok(false);
        }
        let condition = AppendCondition::since(now.visible()).none_in(about);
        let options = AppendOptions::new().condition(&condition);
        match store.append_with(&coordinate, Event::json(CLAIMED, &())?.tagged(tag), options) {
            Ok(_) => return Ok(true),
            Err(error) if error.kind() == ErrorKind::ConditionFailed => {} // look again
            Err(error) => return Err(error.into()),
        }
    }
}

fn give_up(store: &Store, user: &str, tag: &str) -> Result<(), Failure> {
    let given_up = Event::json(GIVEN_UP, &())?.tagged(tag);
    store.append(&Coordinate::new(user, "users")?, given_up)?;
    Ok(())
}

fn main() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path().join("users.strand"))?;
    // Of an application: read from where its keys are.
    let ada = name_tag(&[7; 32], "ada");
    let claims: Vec<bool> = std::thread::scope(|scope| {
        let (store, ada) = (&store, &ada);
        let users: Vec<_> = (0..8)
            .map(|user| scope.spawn(move || claim(store, &format!("user:{user}"), ada)))
            .collect();
        users
            .into_iter()
            .map(|user| {
                user.join()
                    .unwrap_or_else(|_| Err("a thread panicked".into()))
            })
            .collect::<Result<_, _>>()
    })?;
    let winner = claims.iter().position(|claimed| *claimed);
    let winner = winner.ok_or("nobody got the name")?;
    println!("of {} users, user:{winner} has the name", claims.len());
    assert_eq!(claims.iter().filter(|claimed| **claimed).count(), 1);

    assert!(!claim(&store, "user:9", &ada)?);
    give_up(&store, &format!("user:{winner}"), &ada)?;
    assert!(claim(&store, "user:9", &ada)?, "given up, it is free");

    // What is older than the newest event of each user goes: with `keep_since`, what is older than 30 days.
    let user = Coordinate::new("user:9", "users")?;
    store.append(&user, Event::json(SEEN, &"on the front page")?)?;
    let rules = Retention::new()
        .keep_newest(1)
        .keep_headers_of(CLAIMED)
        .keep_headers_of(GIVEN_UP);
    let done = compact(&store, &rules, &mut |_| ControlFlow::Continue(()))?;
    println!("{} events lost their payload, not their tag", done.headers);
    assert!(!claim(&store, "user:10", &ada)?, "user:9 has it still");
    store.close()?;
    Ok(())
}
