//! Decisions over several entities, as the DCB specification has them, by several threads at once: courses with
//! capacities, unique names, numbers without gaps.

use crate::{event, fresh, item, none_of, open, query};
use std::sync::Barrier;
use std::thread;
use strandline::fs::MemFs;
use strandline_dcb::DcbStore;
use umadb_dcb::{DcbError, DcbEvent, DcbEventStoreSync, DcbQuery, DcbSequencedEvent};

/// Reads, decides, and appends on condition that nothing came that would have been read; else once more.
fn decide(
    store: &DcbStore,
    about: &DcbQuery,
    decide: impl Fn(&[DcbSequencedEvent]) -> Option<DcbEvent>,
) -> bool {
    loop {
        let read = store.read_with_head(Some(about.clone()), None, false, None);
        let (events, head) = read.unwrap();
        let Some(event) = decide(&events) else {
            return false;
        };
        match store.append(vec![event], none_of(about.clone(), head), None) {
            Ok(_) => return true,
            Err(DcbError::IntegrityError(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// How many of several threads at once say yes.
fn race(threads: usize, work: impl Fn(usize) -> bool + Sync) -> usize {
    let (start, work) = (&Barrier::new(threads), &work);
    thread::scope(|scope| {
        let run = |thread| {
            scope.spawn(move || {
                start.wait();
                work(thread)
            })
        };
        let threads: Vec<_> = (0..threads).map(run).collect();
        let yes = threads.into_iter().map(|thread| thread.join().unwrap());
        yes.filter(|yes| *yes).count()
    })
}

const DEFINED: &str = "CourseDefined";
const CHANGED: &str = "CourseCapacityChanged";
const SUBSCRIBED: &str = "StudentSubscribed";

/// A student has at most this many courses.
const COURSES_MAX: usize = 2;

fn define(store: &DcbStore, course: &str, seats: u8) -> bool {
    decide(store, &query([item(&[DEFINED], &[course])]), |events| {
        let defined = event(DEFINED, &[course]).data(vec![seats]);
        events.is_empty().then_some(defined)
    })
}

fn change(store: &DcbStore, course: &str, seats: u8) -> bool {
    let about = query([item(&[DEFINED, CHANGED], &[course])]);
    decide(store, &about, |events| {
        let now = events.last()?.event.data[0];
        let changed = event(CHANGED, &[course]).data(vec![seats]);
        (now != seats).then_some(changed)
    })
}

fn subscribe(store: &DcbStore, student: &str, course: &str) -> bool {
    let about = query([
        item(&[DEFINED, CHANGED, SUBSCRIBED], &[course]),
        item(&[SUBSCRIBED], &[student]),
    ]);
    decide(store, &about, |events| {
        let (mut seats, mut taken, mut own) = (None, 0, 0);
        for DcbSequencedEvent { event, .. } in events {
            let has = |tag: &str| event.tags.iter().any(|own| own == tag);
            match (&*event.event_type, has(course), has(student)) {
                (SUBSCRIBED, true, true) => return None,
                (SUBSCRIBED, true, _) => taken += 1,
                (SUBSCRIBED, _, _) => own += 1,
                _ => seats = Some(event.data[0]),
            }
        }
        let subscribed = event(SUBSCRIBED, &[course, student]);
        (taken < seats? && own < COURSES_MAX).then_some(subscribed)
    })
}

#[test]
fn a_course_has_no_more_students_than_seats_and_a_student_no_more_courses_than_allowed() {
    let fs = MemFs::new();
    let store = open(&fs);
    assert!(
        !subscribe(&store, "student:1", "course:1"),
        "no such course"
    );
    assert_eq!(race(4, |_| define(&store, "course:1", 10)), 1);
    assert!(!change(&store, "course:1", 10), "it has that");
    assert!(change(&store, "course:1", 3));
    let take = |student| subscribe(&store, &format!("student:{student}"), "course:1");
    assert_eq!(race(8, take), 3, "as many as there are seats");
    drop(store);
    let store = open(&fs);
    assert!(!subscribe(&store, "student:9", "course:1"), "it is full");
    for course in ["course:2", "course:3", "course:4", "course:5"] {
        assert!(define(&store, course, 10));
    }
    let take = |course| subscribe(&store, "student:9", &format!("course:{}", course + 2));
    assert_eq!(race(4, take), COURSES_MAX);
    assert_eq!(race(4, |_| subscribe(&store, "student:10", "course:2")), 1);
}

#[test]
fn a_name_is_one_users() {
    let store = fresh();
    let (registered, released) = ("UserRegistered", "UsernameReleased");
    let claim = |name: &str| {
        let about = query([item(&[registered, released], &[name])]);
        decide(&store, &about, |events| {
            let last = events.last().map(|last| &*last.event.event_type);
            (last != Some(registered)).then(|| event(registered, &[name]))
        })
    };
    assert_eq!(race(8, |_| claim("name:ada")), 1);
    assert!(claim("name:grace"));
    let release = event(released, &["name:ada"]);
    store.append(vec![release], None, None).unwrap();
    assert_eq!(race(4, |_| claim("name:ada")), 1);
    assert!(!claim("name:grace"));
}

#[test]
fn numbers_have_no_gap_and_no_double() {
    let store = fresh();
    let about = query([item(&["InvoiceCreated"], &[])]);
    let issue = |client: usize| {
        // The newest is enough to decide, and with a limit the head is its position.
        loop {
            let newest = store.read_with_head(Some(about.clone()), None, true, Some(1));
            let (events, head) = newest.unwrap();
            let number = |one: &DcbSequencedEvent| one.event.data[0];
            let next = events.first().map_or(1, |newest| number(newest) + 1);
            let created = event("InvoiceCreated", &[&format!("client:{client}")]);
            let condition = none_of(about.clone(), head);
            match store.append(vec![created.data(vec![next])], condition, None) {
                Ok(_) => return true,
                Err(DcbError::IntegrityError(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    assert_eq!(race(4, |client| (0..5).all(|_| issue(client))), 4);
    let numbers: Vec<_> = crate::all(&store)
        .iter()
        .map(|one| one.event.data[0])
        .collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<u8>>());
}

#[test]
fn of_threads_with_the_same_condition_one_alone_appends() {
    let store = fresh();
    for round in 0..20 {
        let head = store.head().unwrap();
        let appended = race(2, |_| {
            let condition = none_of(query([item(&[], &["a"])]), head);
            let result = store.append(vec![event("A", &["a"])], condition, None);
            assert!(result.is_ok() || crate::is_integrity(&result), "{result:?}");
            result.is_ok()
        });
        assert_eq!(appended, 1, "{round}");
    }
    assert_eq!(store.head().unwrap(), Some(20));
}
