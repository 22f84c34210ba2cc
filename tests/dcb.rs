//! The worked examples of the specification of dynamic consistency boundaries (<https://dcb.events/examples/>),
//! in which the types of events are texts. Each step finds the store that the one before left, closed or as
//! after a kill: what was decided by a name is decided by it after an opening too. The event-sourced aggregate
//! is in `aggregate`.

use crate::compact::{assert_intact, copy};
use crate::condition::append_if;
use crate::harness::{at, dir, options, written};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::{
    AppendCondition, Coordinate, ErrorKind, Event, EventKind, EventPayload, Query, Region, Store,
    StoreOptions, StoredEvent,
};

/// A step of an example.
type Step<'a> = &'a dyn Fn(&Store);

/// Runs the steps of an example, in stores of both sorts and with each way of ending between them.
fn example(steps: &[Step<'_>]) {
    for options in [options, written] {
        for is_killed in [false, true] {
            run(options, is_killed, steps);
        }
    }
}

fn run(options: fn(&MemFs) -> StoreOptions, is_killed: bool, steps: &[Step<'_>]) {
    let mut fs = MemFs::new();
    for step in steps {
        let store = options(&fs).open(dir()).unwrap();
        step(&store);
        if is_killed {
            let image = copy(&fs);
            drop(store);
            fs = image;
        } else {
            store.close().unwrap();
        }
    }
    let store = options(&fs).read_only().open(dir()).unwrap();
    // Whoever reads has a name for each of them.
    let kinds = store.snapshot().kinds();
    assert!(!kinds.is_empty() && kinds.iter().all(|one| one.name.is_some()));
    assert_intact(&store);
}

/// Reads, decides and appends on condition that nothing of what was read has changed.
fn decide(
    store: &Store,
    query: impl Into<Query>,
    decide: impl Fn(&[StoredEvent]) -> Option<(Coordinate, Event)>,
) -> bool {
    let query = query.into();
    loop {
        let now = store.snapshot();
        let read: Result<Vec<_>, _> = now.query(&query).collect();
        let condition = AppendCondition::since(now.visible()).none_in(&query);
        let Some((coordinate, event)) = decide(&read.unwrap()) else {
            return false;
        };
        match append_if(store, &coordinate, event, &condition) {
            Ok(_) => return true,
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConditionFailed),
        }
    }
}

/// Runs the same work on several threads at once, and gives how many said yes.
fn race(threads: usize, work: impl Fn(usize) -> bool + Sync) -> usize {
    let start = std::sync::Barrier::new(threads);
    let (work, start) = (&work, &start);
    std::thread::scope(|scope| {
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

/// An event of a type that the store may not have had an event of.
fn of_type(store: &Store, name: &str, payload: &impl Serialize) -> Event {
    Event::json(store.kind(name).unwrap(), payload).unwrap()
}

/// What an event's type is called.
fn type_of(store: &Store, event: &StoredEvent) -> Arc<str> {
    store.kind_name(event.kind).unwrap()
}

const COURSE_DEFINED: &str = "CourseDefined";
const CAPACITY_CHANGED: &str = "CourseCapacityChanged";
const SUBSCRIBED: &str = "StudentSubscribedToCourse";

/// A student has at most this many courses.
const COURSES_MAX: usize = 2;

fn of_course(store: &Store, course: &str, name: &str, number: u64) -> (Coordinate, Event) {
    let event = of_type(store, name, &number);
    (at("school", "courses"), event.tagged(course))
}

fn define(store: &Store, course: &str, capacity: u64) -> bool {
    let region = Region::all().tag(course).kind_named(COURSE_DEFINED);
    decide(store, region, |defined| {
        defined
            .is_empty()
            .then(|| of_course(store, course, COURSE_DEFINED, capacity))
    })
}

fn change_capacity(store: &Store, course: &str, capacity: u64) -> bool {
    let region = Region::all().tag(course);
    let region = region.kinds_named([COURSE_DEFINED, CAPACITY_CHANGED]);
    decide(store, region, |events| {
        let now: u64 = events.last()?.payload_json().unwrap();
        (now != capacity).then(|| of_course(store, course, CAPACITY_CHANGED, capacity))
    })
}

fn subscribe(store: &Store, student: &str, course: &str) -> bool {
    let about = Query::any_of([
        Region::all().tag(course),
        Region::all().tag(student).kind_named(SUBSCRIBED),
    ]);
    decide(store, about, |events| {
        let mut capacity = None;
        let (mut taken, mut own) = (0, 0);
        for event in events {
            let has = |wanted| event.tags().any(|tag| tag == wanted);
            match (&*type_of(store, event), has(course), has(student)) {
                (SUBSCRIBED, true, true) => return None,
                (SUBSCRIBED, true, _) => taken += 1,
                (SUBSCRIBED, _, _) => own += 1,
                _ => capacity = Some(event.payload_json::<usize>().unwrap()),
            }
        }
        let (school, event) = of_course(store, course, SUBSCRIBED, 0);
        (taken < capacity? && own < COURSES_MAX).then(|| (school, event.tagged(student)))
    })
}

#[test]
fn course_subscriptions() {
    example(&[
        &|store| {
            assert!(!subscribe(store, "student:1", "course:1"), "no such course");
            assert_eq!(race(4, |_| define(store, "course:1", 10)), 1);
        },
        &|store| {
            assert!(!define(store, "course:1", 10), "there is one");
            assert!(!change_capacity(store, "course:1", 10), "it has that");
            assert!(change_capacity(store, "course:1", 3));
        },
        &|store| {
            assert!(!change_capacity(store, "course:1", 3), "it has that");
            let took = race(8, |student| {
                subscribe(store, &format!("student:{student}"), "course:1")
            });
            assert_eq!(took, 3, "as many as there are seats");
        },
        &|store| {
            assert!(!subscribe(store, "student:9", "course:1"), "it is full");
            for course in 2..6 {
                assert!(define(store, &format!("course:{course}"), 10));
            }
            let took = race(4, |course| {
                subscribe(store, "student:9", &format!("course:{}", course + 2))
            });
            assert_eq!(took, COURSES_MAX, "as many as a student may have");
        },
        &|store| {
            let more = race(4, |course| {
                subscribe(store, "student:9", &format!("course:{}", course + 2))
            });
            assert_eq!(more, 0, "as many as a student may have");
            let once = race(4, |_| subscribe(store, "student:10", "course:2"));
            assert_eq!(once, 1, "once each");
        },
    ]);
}

const CLAIMED: EventKind = EventKind::new(0x4, 0x001);

/// A type of the program's, whose name the store learns from it.
#[derive(Debug, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind = CLAIMED, name = "AccountRegistered")]
struct Registered {
    name: String,
}

/// And one that is named with each event of it.
const RELEASED: EventKind = EventKind::new(0x4, 0x002);
const RELEASED_NAME: &str = "UsernameReleased";

fn claim(store: &Store, user: &str, name: &str) -> bool {
    let about = Region::all().tag(name);
    let about = about.kinds_named([Registered::NAME, RELEASED_NAME]);
    decide(store, about, |events| {
        let last = events.last().map(|event| type_of(store, event));
        let is_taken = last.as_deref() == Some(Registered::NAME);
        let registered = Registered {
            name: name.to_owned(),
        };
        let event = Event::typed(&registered).unwrap().tagged(name);
        (!is_taken).then(|| (at(user, "users"), event))
    })
}

#[test]
fn unique_username() {
    example(&[
        &|store| {
            let took = race(8, |user| claim(store, &format!("user:{user}"), "ada"));
            assert_eq!(took, 1);
            assert!(claim(store, "user:9", "grace"));
        },
        &|store| {
            assert!(!claim(store, "user:10", "grace"));
            let taken = Region::all().tag("ada").kind_named(Registered::NAME);
            let holder = store.snapshot().query(taken).next().unwrap().unwrap();
            assert_eq!(holder.payload_json::<Registered>().unwrap().name, "ada");
            let released = Event::json(RELEASED, &()).unwrap().tagged("ada");
            let released = released.with_kind_name(RELEASED_NAME);
            store.append(&holder.coordinate, released).unwrap();
        },
        &|store| {
            let took = race(4, |user| claim(store, &format!("other:{user}"), "ada"));
            assert_eq!(took, 1);
            assert_eq!(store.kind(Registered::NAME).unwrap(), CLAIMED);
            // Another type that says it is called so is refused, whatever the condition.
            let other = Event::json(RELEASED, &()).unwrap();
            let refused = store.append(&at("x", "users"), other.with_kind_name(Registered::NAME));
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::KindConflict);
        },
    ]);
}

const INVOICE: &str = "InvoiceCreated";

fn issue(store: &Store, client: usize) -> bool {
    decide(store, Region::all().kind_named(INVOICE), |issued| {
        let newest = issued.last();
        let newest = newest.map_or(0, |event| event.payload_json().unwrap());
        let event = of_type(store, INVOICE, &(newest + 1_u32));
        Some((at(&format!("client:{client}"), "invoices"), event))
    })
}

#[test]
fn invoice_numbers_have_no_gap_and_no_double() {
    let issue_some: Step<'_> =
        &|store| assert_eq!(race(4, |client| (0..5).all(|_| issue(store, client))), 4);
    let check: Step<'_> = &|store| {
        let now = store.snapshot();
        let invoices = now.query(Region::all().kind_named(INVOICE));
        let numbers = invoices.map(|event| event.unwrap().payload_json().unwrap());
        assert_eq!(
            numbers.collect::<Vec<u32>>(),
            (1..=40).collect::<Vec<_>>(),
            "of both"
        );
    };
    example(&[issue_some, issue_some, check]);
}

const SIGN_UP_BEGUN: &str = "SignUpInitiated";
const SIGN_UP_CONFIRMED: &str = "SignUpConfirmed";

/// Whether the token is there, was not used, and is not older than an hour.
fn confirm(store: &Store, token: &str, now_ms: u64) -> bool {
    let about = Region::all().scope(token);
    let about = about.kinds_named([SIGN_UP_BEGUN, SIGN_UP_CONFIRMED]);
    decide(store, about, |events| match events {
        [begun] if begun.hlc.wall_ms() + 3_600_000 >= now_ms => {
            let event = of_type(store, SIGN_UP_CONFIRMED, &());
            Some((begun.coordinate.clone(), event.caused_by(begun.id)))
        }
        _ => None,
    })
}

#[test]
fn opt_in_token() {
    let now_ms = |store: &Store| {
        let begun = store
            .snapshot()
            .query(Region::all().kind_named(SIGN_UP_BEGUN))
            .next();
        begun.unwrap().unwrap().hlc.wall_ms()
    };
    example(&[
        &|store| {
            for token in ["token:1", "token:2"] {
                let begun = of_type(store, SIGN_UP_BEGUN, &"ada@example.org");
                store.append(&at("user:1", token), begun).unwrap();
            }
        },
        &|store| {
            let now_ms = now_ms(store);
            assert!(!confirm(store, "token:0", now_ms), "no such token");
            assert!(!confirm(store, "token:2", now_ms + 3_700_000), "too late");
            assert_eq!(race(4, |_| confirm(store, "token:1", now_ms)), 1);
        },
        &|store| assert!(!confirm(store, "token:1", now_ms(store)), "used"),
    ]);
}

const PRICED: &str = "ProductPriceChanged";
const ORDERED: &str = "ProductsOrdered";
const PRODUCTS: [&str; 2] = ["product:1", "product:2"];

fn set_price(store: &Store, product: &str, cents: u64) {
    let priced = of_type(store, PRICED, &cents).tagged(product);
    store.append(&at(product, "shop"), priced).unwrap();
}

/// Prices as a shopping cart shows them: their sum, and what an order at these prices depends on.
fn shown(store: &Store) -> (u64, AppendCondition) {
    let now = store.snapshot();
    let prices = Region::all().any_tag(PRODUCTS).kind_named(PRICED);
    let newest = PRODUCTS.map(|product| {
        let own = prices.clone().any_tag([product]);
        let newest = now.query(own).next_back().unwrap();
        newest.unwrap().payload_json::<u64>().unwrap()
    });
    let condition = AppendCondition::since(now.visible()).none_in(prices);
    (newest.iter().sum(), condition)
}

fn order(store: &Store, entity: &str, (total, condition): &(u64, AppendCondition)) -> bool {
    let order = of_type(store, ORDERED, total);
    let order = PRODUCTS.into_iter().fold(order, Event::tagged);
    match append_if(store, &at(entity, "shop"), order, condition) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ConditionFailed);
            false
        }
    }
}

#[test]
fn dynamic_product_price() {
    // Conditions are of values, and so outlive the store that they were made with.
    for is_killed in [false, true] {
        let cart = std::cell::RefCell::new(None);
        let steps: [Step<'_>; 3] = [
            &|store| {
                PRODUCTS
                    .iter()
                    .for_each(|product| set_price(store, product, 100));
                cart.replace(Some(shown(store)));
            },
            &|store| {
                let cart = cart.borrow();
                let cart = cart.as_ref().unwrap();
                assert_eq!(cart.0, 200);
                assert!(order(store, "order:1", cart));
                set_price(store, "product:3", 1);
                assert!(order(store, "order:2", cart), "another's price");
                set_price(store, "product:2", 120);
                assert!(!order(store, "order:3", cart));
            },
            &|store| {
                assert!(!order(store, "order:3", cart.borrow().as_ref().unwrap()));
                let now = shown(store);
                assert_eq!(now.0, 220);
                assert!(order(store, "order:3", &now));
                let of_both = Region::all().tag("product:1").tag("product:2");
                let of_both = of_both.kind_named(ORDERED);
                assert_eq!(store.snapshot().query(&of_both).count(), 3);
            },
        ];
        run(written, is_killed, &steps);
    }
}

#[test]
fn prevention_of_record_duplication() {
    let submit = |store: &Store, token: &str| {
        let used = Region::all().scope(token).kind_named("OrderPlaced");
        decide(store, used, |events| {
            let order = of_type(store, "OrderPlaced", &token);
            events.is_empty().then(|| (at("order:1", token), order))
        })
    };
    example(&[
        &|store| assert_eq!(race(4, |_| submit(store, "form:1")), 1),
        &|store| {
            assert!(!submit(store, "form:1"));
            assert!(submit(store, "form:2"));
        },
    ]);
}
