//! Messages that are sent exactly when what they tell of was stored:
//! `cargo run -p strandline-examples --example outbox`.
//!
//! The message is appended in one batch with its cause. A relay sends what it finds, in order, and
//! notes how far it came. If it is killed between the two, it sends a message again: with the same
//! id, by which the receiver knows it.
//!
//! How far it came is in the store itself, so a restore puts that back with the events. Who notes it
//! elsewhere notes `Store::epoch` with it, and begins anew where that is another one.

use serde::{Deserialize, Serialize};
use strandline::{Batch, Coordinate, Event, EventId, EventPayload, Region, Sequence, Store};

#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "order-placed")]
struct OrderPlaced {
    total: u64,
}

#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x2, 0x001), name = "mail-queued")]
struct MailQueued {
    to: String,
    text: String,
}

/// How far the relay came: everything before was sent.
#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x2, 0x002), name = "mail-sent")]
struct MailSent {
    next: Sequence,
}

type Failure = Box<dyn std::error::Error>;

fn place(store: &Store, number: u32) -> Result<(), Failure> {
    let order = Coordinate::new(format!("order:{number}"), "shop")?;
    let outbox = Coordinate::new(format!("mail:{number}"), "outbox")?;
    let placed = OrderPlaced { total: 4200 };
    let mail = MailQueued {
        to: format!("customer-{number}@example.org"),
        text: "Thank you for your order".to_owned(),
    };
    store.append_batch(
        Batch::new()
            .push(&order, Event::typed(&placed)?)
            .push(&outbox, Event::typed(&mail)?.caused_by_member(0)),
    )?;
    Ok(())
}

/// Sends what has not been sent; `most` says when the process is killed.
fn relay(store: &Store, sent: &mut Vec<EventId>, most: usize) -> Result<(), Failure> {
    let progress = Coordinate::new("mail-relay", "outbox")?;
    let now = store.snapshot();
    let next = match now.latest(progress.entity())? {
        Some(event) => event.decode::<MailSent>()?.next,
        None => Sequence::ZERO,
    };
    let queued = Region::all().scope("outbox").kind(MailQueued::KIND);
    for event in now.query(queued.sequence(next.get()..)).take(most) {
        let event = event?;
        let mail = event.decode::<MailQueued>()?;
        println!("to {}: {} [{}]", mail.to, mail.text, event.id);
        sent.push(event.id);
        if sent.len() == most {
            return Ok(()); // Killed, after it sent and before it noted so.
        }
        let next = event.sequence.checked_add(1).ok_or("no more sequences")?;
        store.append(&progress, Event::typed(&MailSent { next })?)?;
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path().join("shop.strand"))?;
    for number in 1..=4 {
        place(&store, number)?;
    }
    let mut sent = Vec::new();
    relay(&store, &mut sent, 2)?;
    relay(&store, &mut sent, usize::MAX)?;
    relay(&store, &mut sent, usize::MAX)?;
    assert_eq!(sent.len(), 5, "one was sent twice");
    sent.dedup();
    assert_eq!(sent.len(), 4, "and the receiver knows it by its id");
    store.close()?;
    Ok(())
}
