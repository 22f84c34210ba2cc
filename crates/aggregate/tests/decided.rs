//! Decisions over several entities.

use crate::bank::{
    AccountEvent, Command, TooLittle, Transfer, accounts, at, decisions, deposited, store,
    withdrawn,
};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::sync::{Arc, Barrier};
use strandline::{
    Coordinate, Error, ErrorKind, Event, EventEnum, EventId, EventPayload, Query, Region, Store,
};
use strandline_aggregate::{
    CommandId, Decided, Decision, Decisions, ExecuteError, ExecuteOptions, Retry, given_for,
};

#[test]
fn a_transfer_is_of_both_or_of_none() {
    let store = store();
    let accounts = accounts(&store);
    accounts.execute("1", &Command::Deposit(100)).unwrap();
    let transfers = decisions(&store);
    let transfer = |cents| Transfer {
        from: "1",
        to: "2",
        cents,
    };
    let done = transfers.execute(&transfer(60)).unwrap();
    assert_eq!(
        done.events,
        [(at("1"), withdrawn(60)), (at("2"), deposited(60))]
    );
    assert_eq!((done.receipts.len(), done.tries), (2, 1));
    let refused = transfers.execute(&transfer(60)).unwrap_err();
    assert_eq!(refused.into_rejection(), Some(TooLittle { cents: 40 }));
    let cents = |id| accounts.load(id).unwrap().state.cents;
    assert_eq!((cents("1"), cents("2")), (40, 60));
    let state = transfers.state_in(&store.snapshot(), &transfer(1)).unwrap();
    assert_eq!(state.cents, 40);

    given_for([(at("1"), deposited(50))])
        .when(&transfer(30))
        .then_expect([(at("1"), withdrawn(30)), (at("2"), deposited(30))]);
}

#[test]
fn a_command_id_is_that_of_one_decision() {
    let store = store();
    let accounts = accounts(&store);
    accounts.execute("1", &Command::Deposit(100)).unwrap();
    let transfers = decisions(&store);
    let mut transfer = Transfer {
        from: "1",
        to: "2",
        cents: 60,
    };
    let options = |transfer: &Transfer| {
        let id = CommandId::new("t1").with_content(transfer).unwrap();
        ExecuteOptions::new().command_id(id)
    };
    let first = transfers
        .execute_with(&transfer, &options(&transfer))
        .unwrap();
    let again = transfers
        .execute_with(&transfer, &options(&transfer))
        .unwrap();
    assert!(again.repeated && again.tries == 0);
    assert_eq!(again.events, first.events);
    let ids = |receipts: &[strandline::Receipt]| -> Vec<_> {
        receipts.iter().map(|receipt| receipt.id).collect()
    };
    assert_eq!(ids(&again.receipts), ids(&first.receipts));
    transfer.cents = 10;
    let error = transfers
        .execute_with(&transfer, &options(&transfer))
        .unwrap_err();
    assert!(
        matches!(error, ExecuteError::CommandIdTaken(_)),
        "{error:?}"
    );
    assert_eq!(store.snapshot().len(), 3);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x2, 0x001), name = "subscribed")]
struct Subscribed {
    student: u32,
    course: u32,
}

#[derive(Debug, Clone, PartialEq, EventEnum)]
enum SchoolEvent {
    Subscribed(Subscribed),
}

/// A course has so many places, a student takes so many courses.
const PLACES: usize = 3;
const COURSES: usize = 2;

/// Subscribes a student to a course; may do something first, the first time it decides.
struct Subscribe<'a> {
    student: u32,
    course: u32,
    first: Cell<Option<&'a dyn Fn()>>,
}

fn subscribe(student: u32, course: u32) -> Subscribe<'static> {
    Subscribe {
        student,
        course,
        first: Cell::new(None),
    }
}

impl Decision for Subscribe<'_> {
    type Event = SchoolEvent;
    /// Students of the course, courses of the student.
    type State = (Vec<u32>, Vec<u32>);
    type Error = &'static str;

    fn query(&self) -> Query {
        Query::any_of([
            Region::all().tag(format!("course:{}", self.course)),
            Region::all().tag(format!("student:{}", self.student)),
        ])
    }

    fn evolve(&self, state: &mut Self::State, _: &Coordinate, event: &SchoolEvent) {
        let SchoolEvent::Subscribed(Subscribed { student, course }) = event;
        if *course == self.course {
            state.0.push(*student);
        }
        if *student == self.student {
            state.1.push(*course);
        }
    }

    fn decide(&self, state: &Self::State) -> Result<Vec<(Coordinate, SchoolEvent)>, &'static str> {
        if let Some(first) = self.first.take() {
            first();
        }
        let (student, course) = (self.student, self.course);
        if state.0.contains(&student) {
            return Ok(vec![]);
        }
        if state.0.len() == PLACES {
            return Err("the course is full");
        }
        if state.1.len() == COURSES {
            return Err("the student has enough");
        }
        let school = Coordinate::new("school", "school").unwrap();
        Ok(vec![(school, Subscribed { student, course }.into())])
    }

    fn to_event(&self, event: &SchoolEvent) -> Result<Event, Error> {
        let SchoolEvent::Subscribed(Subscribed { student, course }) = event;
        let event = event.to_event()?;
        Ok(event
            .tagged(format!("student:{student}"))
            .tagged(format!("course:{course}")))
    }
}

fn school(store: &Arc<Store>) -> Decisions<SchoolEvent> {
    Decisions::new(store).unwrap()
}

#[test]
fn a_decision_rests_on_all_of_its_query_and_on_nothing_else() {
    let store = store();
    let school = school(&store);
    for student in 1..=3 {
        assert_eq!(school.execute(&subscribe(student, 1)).unwrap().tries, 1);
    }
    assert!(school.execute(&subscribe(1, 1)).unwrap().events.is_empty());
    let full = school.execute(&subscribe(4, 1)).unwrap_err();
    assert_eq!(full.into_rejection(), Some("the course is full"));
    school.execute(&subscribe(1, 2)).unwrap();
    let enough = school.execute(&subscribe(1, 3)).unwrap_err();
    assert_eq!(enough.into_rejection(), Some("the student has enough"));

    // What is not of its query is not in its way.
    let others = || {
        school.execute(&subscribe(9, 9)).unwrap();
    };
    let held = Subscribe {
        first: Cell::new(Some(&others)),
        ..subscribe(5, 5)
    };
    assert_eq!(school.execute(&held).unwrap().tries, 1);
    // What is of it is.
    let others = || {
        school.execute(&subscribe(7, 5)).unwrap();
    };
    let held = Subscribe {
        first: Cell::new(Some(&others)),
        ..subscribe(6, 5)
    };
    assert_eq!(school.execute(&held).unwrap().tries, 2);
    let others = || {
        school.execute(&subscribe(7, 6)).unwrap();
    };
    let held = Subscribe {
        first: Cell::new(Some(&others)),
        ..subscribe(8, 6)
    };
    let never = ExecuteOptions::new().retry(Retry::never());
    match school.execute_with(&held, &never).unwrap_err() {
        ExecuteError::Conflict { tries: 1, source } => {
            assert_eq!(source.kind(), ErrorKind::ConditionFailed);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_id_of_a_command_is_not_that_of_one_with_other_events() {
    let store = store();
    let options = ExecuteOptions::new().command_id(CommandId::new("c1"));
    school(&store)
        .execute_with(&subscribe(1, 1), &options)
        .unwrap();
    let transfer = Transfer {
        from: "1",
        to: "2",
        cents: 0,
    };
    let error = decisions(&store)
        .execute_with(&transfer, &options)
        .unwrap_err();
    assert!(
        matches!(error, ExecuteError::CommandIdTaken(_)),
        "{error:?}"
    );
}

#[test]
fn the_last_place_is_given_once() {
    const THREADS: u32 = 4;
    let store = store();
    let school = school(&store);
    let retry = Retry {
        tries_max: u32::MAX,
        ..Retry::default()
    };
    let options = ExecuteOptions::new().retry(retry);
    let start = Barrier::new(THREADS as usize);
    let (school, start, options) = (&school, &start, &options);
    let given: usize = std::thread::scope(|scope| {
        let student = |student| {
            scope.spawn(move || {
                start.wait();
                let course = |course: &u32| {
                    let done = school.execute_with(&subscribe(student, *course), options);
                    match done {
                        Ok(_) => true,
                        Err(ExecuteError::Rejected(_)) => false,
                        Err(error) => panic!("{error:?}"),
                    }
                };
                (0..8).filter(course).count()
            })
        };
        let students: Vec<_> = (0..THREADS).map(student).collect();
        students
            .into_iter()
            .map(|student| student.join().unwrap())
            .sum()
    });
    let now = store.snapshot();
    assert_eq!(now.len(), given as u64);
    for student in 0..THREADS {
        let courses = now
            .query(Region::all().tag(format!("student:{student}")))
            .count();
        assert_eq!(courses, COURSES, "each has as many as there may be");
    }
    for course in 0..8 {
        assert!(
            now.query(Region::all().tag(format!("course:{course}")))
                .count()
                <= PLACES
        );
    }
}

/// Says once that something was paid, under an id of its own.
struct Pays(u64);

impl Decision for Pays {
    type Event = AccountEvent;
    type State = u64;
    type Error = std::convert::Infallible;

    fn query(&self) -> Query {
        Region::all().entity(at("1").entity()).into()
    }

    fn evolve(&self, events: &mut u64, _: &Coordinate, _: &AccountEvent) {
        *events += 1;
    }

    fn decide(&self, events: &u64) -> Result<Vec<(Coordinate, AccountEvent)>, Self::Error> {
        PAID.set(PAID.get() + 1);
        assert!(PAID.get() < 9, "it is decided again and again");
        // The second time there is more to say.
        let more = (*events == 1).then(|| (at("1"), deposited(99)));
        let first = (at("1"), deposited(self.0));
        Ok(std::iter::once(first).chain(more).collect())
    }

    fn to_event(&self, event: &AccountEvent) -> Result<Event, Error> {
        let AccountEvent::Deposited(deposited) = event else {
            panic!("it decides on deposits");
        };
        let id = EventId::from_u128(deposited.cents.into());
        Ok(event.to_event()?.with_id(id))
    }
}

thread_local! {
    /// How often was decided to pay.
    static PAID: Cell<u32> = const { Cell::new(0) };
}

#[test]
fn a_decision_whose_events_have_ids_of_their_own_ends() {
    let store = store();
    let transfers = decisions(&store);
    let pay = || transfers.execute(&Pays(7)).unwrap();
    let [first, second, third] = [pay(), pay(), pay()];
    assert_eq!(
        [first.repeated, second.repeated, third.repeated],
        [false, false, true]
    );
    let sequences = |decided: &Decided<AccountEvent>| {
        let receipts = decided.receipts.iter();
        receipts
            .map(|receipt| receipt.sequence.get())
            .collect::<Vec<_>>()
    };
    assert_eq!(sequences(&first), [0]);
    assert_eq!(sequences(&second), [0, 1]);
    assert_eq!(sequences(&third), [0]);
}
