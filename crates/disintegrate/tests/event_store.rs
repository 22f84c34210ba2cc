//! Queries and appends of disintegrate on a store.

use crate::school::domain::{CourseEvent, Enrol, EnrolmentEvent, OpenCourse, Refused, SchoolEvent};
use crate::school::{course, decides, enrolled, on, open, put, read};
use disintegrate::{
    DecisionError, EventStore, StreamQuery, TestHarness, event_types, query, union,
};
use futures::executor::block_on;
use std::ops::ControlFlow;
use std::sync::{Arc, Barrier};
use strandline::maintenance::{Redaction, redact};
use strandline::{Coordinate, Event, Store};
use strandline_disintegrate::{Error, Position};

type All = StreamQuery<Position, SchoolEvent>;

#[test]
fn a_query_finds_events_by_type_identifier_origin_and_exclusion() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    let first = put(
        &events,
        vec![course("a", 2), course("b", 1), enrolled("a", 7)],
    );
    assert_eq!(first, [1, 2, 3]);
    assert_eq!(
        put(&events, vec![enrolled("b", 7), enrolled("b", 8)]),
        [4, 5]
    );

    let positions = |query: &All| {
        let (found, end) = read(&events, query).unwrap();
        assert_eq!(end, 5);
        found
            .iter()
            .map(|(position, _)| *position)
            .collect::<Vec<_>>()
    };
    assert_eq!(positions(&query!(SchoolEvent)), [1, 2, 3, 4, 5]);
    assert_eq!(positions(&query!(SchoolEvent; course_id == "a")), [1, 3]);
    assert_eq!(positions(&query!(SchoolEvent; student_id == 7)), [3, 4]);
    assert_eq!(
        positions(&query!(SchoolEvent; course_id == "b", student_id == 7)),
        [4]
    );
    let from = query!(SchoolEvent; course_id == "b").change_origin(Position::new(3));
    assert_eq!(positions(&from), [4, 5], "without the origin");
    let excluded = query!(SchoolEvent; course_id == "b");
    let excluded = excluded.exclude_events(event_types!(SchoolEvent, [StudentEnrolled]));
    assert_eq!(positions(&excluded), [2]);
    let none: All = query!(EnrolmentEvent; course_id == "b").cast();
    let none = none.exclude_events(event_types!(SchoolEvent, [StudentEnrolled]));
    assert_eq!(positions(&none), [0; 0], "nothing is left to find");
    let either: All = union!(
        query!(CourseEvent; course_id == "a"),
        query!(EnrolmentEvent; student_id == 8)
    );
    assert_eq!(positions(&either), [1, 3, 5], "each once, in order");

    let (found, _) = read(&events, &query!(EnrolmentEvent; student_id == 8)).unwrap();
    let EnrolmentEvent::StudentEnrolled { course_id, .. } = &found[0].1;
    assert_eq!(course_id, "b");
}

#[test]
fn an_identifier_is_found_by_its_whole_value() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    put(
        &events,
        vec![
            course("a", 1),
            course("aa", 1),
            course("a:a", 1),
            course("", 1),
        ],
    );
    for (name, at) in [("a", 1), ("aa", 2), ("a:a", 3), ("", 4)] {
        let (found, _) = read(&events, &query!(SchoolEvent; course_id == name)).unwrap();
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].0, at);
    }
}

#[test]
fn a_long_stream_is_read_to_the_end_of_its_moment() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    for chunk in 0..3 {
        let seats = (0..256).map(|at| course("a", chunk * 256 + at));
        put(&events, seats.collect());
    }
    let (found, end) = read(&events, &query!(SchoolEvent; course_id == "a")).unwrap();
    assert_eq!((found.len(), end), (768, 768));
    assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[test]
fn an_append_is_refused_if_one_event_of_its_query_came_since() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    put(&events, vec![course("a", 2), course("b", 1)]);
    let query: All = query!(SchoolEvent; course_id == "a");
    let append = |new, version| {
        let appended = events.append(new, query.clone(), Position::new(version));
        block_on(appended).map(|new| new.iter().map(|event| event.id().get()).collect::<Vec<_>>())
    };
    assert!(matches!(
        append(vec![enrolled("a", 1)], 0),
        Err(Error::Concurrency)
    ));
    assert!(matches!(append(Vec::new(), 0), Err(Error::Concurrency)));
    assert_eq!(append(Vec::new(), 1).unwrap(), [0; 0]);
    assert_eq!(
        append(vec![enrolled("a", 1), enrolled("a", 2)], 1).unwrap(),
        [3, 4]
    );
    assert!(matches!(
        append(vec![enrolled("a", 3)], 2),
        Err(Error::Concurrency)
    ));
    assert!(matches!(
        append(vec![enrolled("a", 3)], 3),
        Err(Error::Concurrency)
    ));
    put(&events, vec![enrolled("b", 3)]);
    assert_eq!(
        append(vec![enrolled("a", 3)], 4).unwrap(),
        [6],
        "b is no concern of it"
    );
    let ahead = append(vec![enrolled("a", 4)], 7);
    assert!(
        matches!(ahead, Err(Error::AheadOfStore { .. })),
        "{ahead:?}"
    );
    assert_eq!(
        read(&events, &query!(SchoolEvent)).unwrap().1,
        6,
        "nothing was written"
    );
}

#[test]
fn what_the_store_does_not_take_is_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    for id in ["x".repeat(200), "a\nb".to_owned()] {
        let new = vec![course("a", 1), course(&id, 1)];
        assert!(
            block_on(events.append_without_validation(new)).is_err(),
            "{id:?}"
        );
    }
    assert_eq!(
        read(&events, &query!(SchoolEvent)).unwrap(),
        (Vec::new(), 0)
    );
}

#[test]
fn events_of_others_in_the_store_are_not_seen() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    let store = events.store();
    let kind = store.kind("CourseOpened").unwrap();
    let other = Event::bytes(kind, *b"not json").tagged("course_id:a");
    store
        .append(&Coordinate::new("course_id:a", "elsewhere").unwrap(), other)
        .unwrap();
    assert_eq!(put(&events, vec![course("a", 1)]), [2]);
    let (found, end) = read(&events, &query!(SchoolEvent; course_id == "a")).unwrap();
    assert_eq!((found.len(), found[0].0, end), (1, 2, 2));
}

#[test]
fn a_redacted_event_is_told_or_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    put(
        &events,
        vec![course("a", 1), enrolled("a", 1), course("b", 1)],
    );
    let redaction = Redaction::new().entity("course_id:b");
    redact(events.store(), &redaction, &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    let error = read(&events, &query!(SchoolEvent)).unwrap_err();
    assert!(
        matches!(error, Error::Redacted { position } if position.get() == 3),
        "{error}"
    );
    let (found, end) = read(&events.skip_redacted(), &query!(SchoolEvent)).unwrap();
    assert_eq!((found.len(), end), (2, 3));
}

#[test]
fn what_is_not_an_event_of_the_type_is_told_with_its_position() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    put(&events, vec![course("a", 1)]);
    let kind = events.store().kind("CourseOpened").unwrap();
    let at = Coordinate::new("course_id:b", "school").unwrap();
    events
        .store()
        .append(&at, Event::bytes(kind, *b"{"))
        .unwrap();
    let error = read(&events, &query!(SchoolEvent)).unwrap_err();
    let is_second = matches!(error, Error::Deserialization { position, .. } if position.get() == 2);
    assert!(is_second, "{error}");
}

#[test]
fn decisions_hold_through_an_opening() {
    let dir = tempfile::tempdir().unwrap();
    let open_course = |seats| OpenCourse {
        course_id: "a".to_owned(),
        seats,
    };
    let enrol = |course_id: &str, student_id| Enrol {
        course_id: course_id.to_owned(),
        student_id,
    };
    {
        let decide = decides(&open(dir.path()));
        let refused = block_on(decide.make(enrol("a", 1))).unwrap_err();
        assert!(
            matches!(refused, DecisionError::Domain(Refused::NoSuchCourse)),
            "{refused}"
        );
        block_on(decide.make(open_course(2))).unwrap();
        block_on(decide.make(enrol("a", 1))).unwrap();
    }
    let store = Arc::new(Store::open(dir.path().join("school.strand")).unwrap());
    let decide = decides(&on(&store));
    let domain = |decision| match block_on(decide.make(decision)) {
        Ok(_) => None,
        Err(DecisionError::Domain(refused)) => Some(refused),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(domain(enrol("a", 1)), Some(Refused::IsEnrolled));
    assert_eq!(domain(enrol("a", 2)), None);
    assert_eq!(domain(enrol("a", 3)), Some(Refused::IsFull));
    for other in ["b", "c"] {
        put(&on(&store), vec![course(other, 5)]);
    }
    assert_eq!(domain(enrol("b", 1)), None);
    assert_eq!(domain(enrol("c", 1)), Some(Refused::TooManyCourses));
}

/// Whoever decides at the same time about the last seats: no more are taken than there are.
#[test]
fn threads_that_decide_at_once_take_no_seat_twice() {
    const SEATS: u32 = 5;
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    put(&events, vec![course("a", SEATS)]);
    let barrier = Barrier::new(8);
    let taken: usize = std::thread::scope(|scope| {
        let (events, barrier) = (&events, &barrier);
        let students: Vec<_> = (0..8)
            .map(|student_id| {
                scope.spawn(move || {
                    let decide = decides(events);
                    barrier.wait();
                    loop {
                        let enrol = Enrol {
                            course_id: "a".to_owned(),
                            student_id,
                        };
                        match block_on(decide.make(enrol)) {
                            Ok(_) => return true,
                            Err(DecisionError::Domain(Refused::IsFull)) => return false,
                            // Somebody was faster.
                            Err(DecisionError::StateStore(error)) => {
                                let error = error.downcast_ref::<Error>();
                                assert!(matches!(error, Some(Error::Concurrency)), "{error:?}");
                            }
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        students
            .into_iter()
            .filter_map(|student| student.join().unwrap().then_some(()))
            .count()
    });
    assert_eq!(taken, SEATS as usize);
    let (found, _) = read(&events, &query!(EnrolmentEvent; course_id == "a")).unwrap();
    assert_eq!(found.len(), SEATS as usize);
}

#[test]
fn the_harness_of_disintegrate_says_the_same() {
    let enrol = Enrol {
        course_id: "a".to_owned(),
        student_id: 2,
    };
    TestHarness::given([course("a", 2), enrolled("a", 1)])
        .when(enrol.clone())
        .then([enrolled("a", 2)]);
    TestHarness::given([course("a", 1), enrolled("a", 1)])
        .when(enrol)
        .then_err(Refused::IsFull);
}
