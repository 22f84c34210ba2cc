//! Courses, their seats and their students: a decision over several entities, through the trait alone.
//!
//! `cargo run -p strandline-dcb --example dcb_courses`

use strandline::{PayloadEncoding, Region, Store};
use strandline_dcb::DcbStore;
use umadb_dcb::{
    DcbAppendCondition, DcbError, DcbEvent, DcbEventStoreSync, DcbQuery, DcbQueryItem, DcbResult,
};

const DEFINED: &str = "CourseDefined";
const SUBSCRIBED: &str = "StudentSubscribed";
const COURSES_MAX: usize = 2;

/// What comes of a wish.
#[derive(Debug, PartialEq)]
enum Outcome {
    Subscribed { position: u64 },
    NoSuchCourse,
    CourseFull,
    TooManyCourses,
}

/// Subscribes a student to a course, whatever store is behind the trait.
fn subscribe(store: &impl DcbEventStoreSync, student: &str, course: &str) -> DcbResult<Outcome> {
    // All that decides, and no more: what others do elsewhere is in nobody's way.
    let about = DcbQuery::with_items([
        DcbQueryItem::new()
            .types([DEFINED, SUBSCRIBED])
            .tags([course]),
        DcbQueryItem::new().types([SUBSCRIBED]).tags([student]),
    ]);
    loop {
        let (events, head) = store.read_with_head(Some(about.clone()), None, false, None)?;
        let (mut seats, mut taken, mut own) = (None, 0, 0);
        for event in events.iter().map(|event| &event.event) {
            let has = |tag: &str| event.tags.iter().any(|own| own == tag);
            match &*event.event_type {
                DEFINED => seats = String::from_utf8_lossy(&event.data).parse().ok(),
                _ => {
                    taken += usize::from(has(course));
                    own += usize::from(has(student));
                }
            }
        }
        match seats {
            None => return Ok(Outcome::NoSuchCourse),
            Some(seats) if taken >= seats => return Ok(Outcome::CourseFull),
            Some(_) if own >= COURSES_MAX => return Ok(Outcome::TooManyCourses),
            Some(_) => {}
        }
        let event = DcbEvent::default()
            .event_type(SUBSCRIBED)
            .tags([course, student]);
        let condition = DcbAppendCondition::new(about.clone()).after(head);
        match store.append(vec![event], Some(condition), None) {
            Ok(position) => return Ok(Outcome::Subscribed { position }),
            // Somebody was faster: look again.
            Err(DcbError::IntegrityError(_)) => {}
            Err(error) => return Err(error),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path().join("school.strand"))?;
    let store = DcbStore::new(store).encoding(PayloadEncoding::JSON);
    for (course, seats) in [("course:1", 2), ("course:2", 9), ("course:3", 9)] {
        let defined = DcbEvent::default().event_type(DEFINED).tags([course]);
        let defined = defined.data(seats.to_string());
        store.append(vec![defined], None, None)?;
    }

    // Five at once want two seats.
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let wishes: Vec<_> = (1..=5)
            .map(|student| {
                let store = store.clone();
                scope.spawn(move || subscribe(&store, &format!("student:{student}"), "course:1"))
            })
            .collect();
        let outcomes = wishes.into_iter().map(|wish| wish.join());
        outcomes.collect()
    });
    let mut subscribed = 0;
    for outcome in outcomes {
        let outcome = outcome.map_err(|_| "a thread panicked")??;
        println!("course:1: {outcome:?}");
        subscribed += usize::from(matches!(outcome, Outcome::Subscribed { .. }));
    }
    assert_eq!(subscribed, 2);

    for course in ["course:2", "course:3", "course:1", "course:9"] {
        let outcome = subscribe(&store, "student:9", course)?;
        println!("student:9, {course}: {outcome:?}");
    }
    let last = subscribe(&store, "student:9", "course:2")?;
    assert_eq!(last, Outcome::TooManyCourses);

    // The events are those of any store.
    let now = store.store().snapshot();
    for event in now.query(Region::all().tag("student:9")) {
        let event = event?;
        let kind = now.kind_name(event.kind);
        let tags: Vec<_> = event.tags().collect();
        println!(
            "{} {} {tags:?}",
            event.sequence,
            kind.as_deref().unwrap_or("?")
        );
    }
    Ok(())
}
