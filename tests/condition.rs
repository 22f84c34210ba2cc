//! Append conditions: what they exclude, and the worked examples of the specification of dynamic
//! consistency boundaries (<https://dcb.events/examples/>).

use crate::harness::{CHANGED, CREATED, HeldFs, at, event, open, options, texts, written};
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::{
    AppendCondition, AppendOptions, Batch, Coordinate, ErrorClass, ErrorKind, Event, EventId,
    EventKind, ExpectedVersion, Receipt, Region, Sequence, Store, StoreOptions,
};

pub(crate) fn append_if(
    store: &Store,
    coordinate: &Coordinate,
    event: Event,
    condition: &AppendCondition,
) -> Result<Receipt, strandline::Error> {
    let options = AppendOptions::new().condition(condition);
    store.append_with(coordinate, event, options)
}

/// Checks on which events a condition since sequence 2 fails: the place of the region, and the
/// sequence of the event.
fn check(regions: &[Region], expected: Option<(usize, u64)>) {
    let store = open(&MemFs::new());
    for (entity, scope, kind) in [
        ("a", "s", CREATED),
        ("b", "s", CREATED),
        ("a", "t", CHANGED),
        ("b", "t", CHANGED),
    ] {
        let event = Event::bytes(kind, *b"x");
        store.append(&at(entity, scope), event).unwrap();
    }
    let condition = AppendCondition::since(Sequence::new(2));
    let condition = regions.iter().fold(condition, |condition, region| {
        condition.none_in(region.clone())
    });
    let appended = append_if(&store, &at("c", "u"), event("y"), &condition);
    let Some((region, sequence)) = expected else {
        appended.unwrap();
        return;
    };
    let error = appended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConditionFailed);
    assert_eq!(error.class(), ErrorClass::NotWritten);
    let conflict = error.condition_conflict().unwrap();
    assert_eq!(
        (conflict.region, conflict.sequence.get()),
        (region, sequence)
    );
    let stored = store.snapshot().get(conflict.id).unwrap().unwrap();
    assert_eq!(stored.sequence, conflict.sequence);
    assert_eq!(store.snapshot().len(), 4);
}

#[test]
fn a_condition_excludes_what_its_regions_take_since() {
    let all = Region::all;
    check(&[], None);
    check(&[all()], Some((0, 2)));
    check(&[all().scope("s")], None);
    check(&[all().scope("t")], Some((0, 2)));
    check(&[all().entity("b")], Some((0, 3)));
    check(&[all().entity_prefix("b")], Some((0, 3)));
    check(&[all().kind(CREATED)], None);
    check(&[all().kind(CHANGED).entity("b")], Some((0, 3)));
    check(&[all().tag("nothing has it")], None);
    check(&[all().entity("nobody")], None);
    check(&[all().sequence(..2)], None);
    check(&[all().sequence(3..)], Some((0, 3)));
    check(&[all().scope("s"), all().entity("b"), all()], Some((1, 3)));
}

#[test]
fn a_condition_holds_until_something_is_appended_and_since_0_is_for_ever() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let none_ever = AppendCondition::since(Sequence::ZERO).none_in(Region::all().entity("a"));
    append_if(&store, &a, event("1"), &none_ever).unwrap();
    let since = AppendCondition::since(store.snapshot().visible());
    let since = since.none_in(Region::all().entity("a"));
    append_if(&store, &at("b", "s"), event("2"), &since).unwrap();
    append_if(&store, &a, event("3"), &since).unwrap();
    let error = append_if(&store, &a, event("4"), &since).unwrap_err();
    assert_eq!(
        error.to_string(),
        "event 2 is in region 0 of the condition, which allows none from sequence 1 on; \
         nothing was written"
    );
    assert!(append_if(&store, &a, event("5"), &none_ever).is_err());
    assert_eq!(texts(&store), ["1", "2", "3"]);
}

#[test]
fn a_batch_has_one_condition_against_which_its_members_do_not_count() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let condition = AppendCondition::since(Sequence::ZERO).none_in(Region::all());
    let batch = || Batch::new().push(&a, event("1")).push(&a, event("2"));
    let options = AppendOptions::new().condition(&condition);
    store.append_batch_with(batch(), options).unwrap();
    let error = store.append_batch_with(batch(), options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConditionFailed);
    assert_eq!(store.snapshot().len(), 2);
}

#[test]
fn ids_are_looked_at_before_a_condition_and_versions_beside_it() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let condition = AppendCondition::since(Sequence::ZERO).none_in(Region::all());
    let first = || event("1").with_id(EventId::from_u128(1));
    let receipt = append_if(&store, &a, first(), &condition).unwrap();
    let again = append_if(&store, &a, first(), &condition).unwrap();
    assert!(again.repeated && again.sequence == receipt.sequence);
    let none = AppendCondition::since(Sequence::ZERO);
    let versioned = event("2").expecting(ExpectedVersion::NoStream);
    let error = append_if(&store, &a, versioned, &none).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongExpectedVersion);
}

#[test]
fn a_condition_sees_what_is_written_and_not_visible() {
    let fs = HeldFs::default();
    let options = StoreOptions::new().fs(Arc::new(fs.clone()));
    let store = options.open("/store").unwrap();
    let a = at("a", "s");
    fs.hold();
    let first = store.submit(&a, event("1")).unwrap();
    assert!(store.snapshot().is_empty());
    let condition = AppendCondition::since(Sequence::ZERO).none_in(Region::all().entity("a"));
    let options = AppendOptions::new().condition(&condition);
    let second = store.submit_with(&a, event("2"), options).unwrap();
    fs.release();
    let error = second.wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConditionFailed);
    assert_eq!(texts(&store), ["1"], "who reads again sees why");
    first.wait().unwrap();
}

#[test]
fn a_condition_reaches_back_across_a_reopen_and_rotations() {
    let fs = MemFs::new();
    let open = || {
        let small = options(&fs).segment_bytes_max(64 << 10);
        small.open("/store").unwrap()
    };
    let store = open();
    for number in 0..12 {
        let coordinate = at(&format!("entity:{number}"), "s");
        let large = Event::bytes(CREATED, vec![0; 20 << 10]);
        store.append(&coordinate, large).unwrap();
    }
    let check = |store: &Store| {
        for number in 0..12_u64 {
            let region = Region::all().entity(format!("entity:{number}"));
            let here = AppendCondition::since(Sequence::new(number)).none_in(region.clone());
            let error = append_if(store, &at("x", "s"), event("x"), &here).unwrap_err();
            let conflict = error.condition_conflict().unwrap();
            assert_eq!(conflict.sequence, Sequence::new(number));
            let after = AppendCondition::since(Sequence::new(number + 1)).none_in(region);
            append_if(store, &at("x", "s"), event("x"), &after).unwrap();
        }
    };
    check(&store);
    drop(store);
    let store = open();
    check(&store);
    store.close().unwrap();
    check(&open());
}

/// Reads, decides and appends on condition that nothing of what was read has changed.
fn decide(
    store: &Store,
    regions: &[Region],
    decide: impl Fn(&[strandline::StoredEvent]) -> Option<(Coordinate, Event)>,
) -> bool {
    loop {
        let now = store.snapshot();
        let mut read = Vec::new();
        let mut condition = AppendCondition::since(now.visible());
        for region in regions {
            read.extend(now.query(region).map(Result::unwrap));
            condition = condition.none_in(region.clone());
        }
        let Some((coordinate, event)) = decide(&read) else {
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

fn stores() -> [Store; 2] {
    [options, written].map(|options| options(&MemFs::new()).open("/store").unwrap())
}

const COURSE_DEFINED: EventKind = EventKind::new(0x3, 0x001);
const CAPACITY_CHANGED: EventKind = EventKind::new(0x3, 0x002);
const SUBSCRIBED: EventKind = EventKind::new(0x3, 0x003);

/// A student has at most this many courses.
const COURSES_MAX: usize = 2;

fn of(course: &str, kind: EventKind, number: u64) -> (Coordinate, Event) {
    let event = Event::json(kind, &number).unwrap();
    (at("school", "courses"), event.tagged(course))
}

fn define(store: &Store, course: &str, capacity: u64) -> bool {
    let region = Region::all().tag(course).kind(COURSE_DEFINED);
    decide(store, &[region], |defined| {
        defined
            .is_empty()
            .then(|| of(course, COURSE_DEFINED, capacity))
    })
}

fn change_capacity(store: &Store, course: &str, capacity: u64) -> bool {
    let [defined, changed] =
        [COURSE_DEFINED, CAPACITY_CHANGED].map(|kind| Region::all().tag(course).kind(kind));
    decide(store, &[defined, changed], |events| {
        let now: u64 = events.last()?.payload_json().unwrap();
        (now != capacity).then(|| of(course, CAPACITY_CHANGED, capacity))
    })
}

fn subscribe(store: &Store, student: &str, course: &str) -> bool {
    let of_course = Region::all().tag(course);
    let of_student = Region::all().tag(student).kind(SUBSCRIBED);
    decide(store, &[of_course, of_student], |events| {
        let mut capacity = None;
        let (mut taken, mut own) = (0, 0);
        for event in events {
            let has = |wanted| event.tags().any(|tag| tag == wanted);
            match (event.kind, has(course), has(student)) {
                (SUBSCRIBED, true, true) => return None,
                (SUBSCRIBED, true, _) => taken += 1,
                (SUBSCRIBED, _, _) => own += 1,
                _ => capacity = Some(event.payload_json::<usize>().unwrap()),
            }
        }
        let (school, event) = of(course, SUBSCRIBED, 0);
        (taken < capacity? && own < COURSES_MAX).then(|| (school, event.tagged(student)))
    })
}

#[test]
fn course_subscriptions() {
    for store in stores() {
        assert!(
            !subscribe(&store, "student:1", "course:1"),
            "no such course"
        );
        assert_eq!(race(4, |_| define(&store, "course:1", 10)), 1);
        assert!(!change_capacity(&store, "course:1", 10), "it has that");
        assert!(change_capacity(&store, "course:1", 3));
        let took = race(8, |student| {
            subscribe(&store, &format!("student:{student}"), "course:1")
        });
        assert_eq!(took, 3, "as many as there are seats");
        for course in 2..6 {
            assert!(define(&store, &format!("course:{course}"), 10));
        }
        let took = race(4, |course| {
            subscribe(&store, "student:9", &format!("course:{}", course + 2))
        });
        assert_eq!(took, COURSES_MAX, "as many as a student may have");
        assert_eq!(
            race(4, |_| subscribe(&store, "student:10", "course:2")),
            1,
            "once each"
        );
    }
}

const CLAIMED: EventKind = EventKind::new(0x4, 0x001);
const RELEASED: EventKind = EventKind::new(0x4, 0x002);

fn claim(store: &Store, user: &str, name: &str) -> bool {
    decide(store, &[Region::all().tag(name)], |events| {
        let is_taken = events.last().is_some_and(|event| event.kind == CLAIMED);
        let claimed = Event::json(CLAIMED, &()).unwrap().tagged(name);
        (!is_taken).then(|| (at(user, "users"), claimed))
    })
}

#[test]
fn unique_username() {
    for store in stores() {
        assert_eq!(
            race(8, |user| claim(&store, &format!("user:{user}"), "ada")),
            1
        );
        assert!(claim(&store, "user:9", "grace"));
        let holder = store.snapshot().query(Region::all().tag("ada")).next();
        let holder = holder.unwrap().unwrap().coordinate.clone();
        store
            .append(&holder, Event::json(RELEASED, &()).unwrap().tagged("ada"))
            .unwrap();
        assert_eq!(
            race(4, |user| claim(&store, &format!("other:{user}"), "ada")),
            1
        );
    }
}

const INVOICE: EventKind = EventKind::new(0x5, 0x001);

#[test]
fn invoice_numbers_have_no_gap_and_no_double() {
    for store in stores() {
        let invoices = Region::all().kind(INVOICE);
        let issue = |client: usize| {
            (0..10).all(|_| {
                decide(&store, std::slice::from_ref(&invoices), |issued| {
                    let newest = issued
                        .last()
                        .map_or(0, |event| event.payload_json().unwrap());
                    let event = Event::json(INVOICE, &(newest + 1_u32)).unwrap();
                    Some((at(&format!("client:{client}"), "invoices"), event))
                })
            })
        };
        assert_eq!(race(4, issue), 4);
        let now = store.snapshot();
        let numbers: Vec<u32> = now
            .query(&invoices)
            .map(|event| event.unwrap().payload_json().unwrap())
            .collect();
        assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    }
}

const SIGN_UP_BEGUN: EventKind = EventKind::new(0x6, 0x001);
const SIGN_UP_CONFIRMED: EventKind = EventKind::new(0x6, 0x002);

/// Whether the token is there, was not used, and is not older than an hour.
fn confirm(store: &Store, token: &str, now_ms: u64) -> bool {
    let about = Region::all().scope(token).category(0x6);
    decide(store, &[about], |events| match events {
        [begun] if begun.hlc.wall_ms() + 3_600_000 >= now_ms => {
            let event = Event::json(SIGN_UP_CONFIRMED, &()).unwrap();
            Some((begun.coordinate.clone(), event.caused_by(begun.id)))
        }
        _ => None,
    })
}

#[test]
fn opt_in_token() {
    for store in stores() {
        for token in ["token:1", "token:2"] {
            let begun = Event::json(SIGN_UP_BEGUN, &"ada@example.org").unwrap();
            store.append(&at("user:1", token), begun).unwrap();
        }
        let begun = store
            .snapshot()
            .query(Region::all())
            .next()
            .unwrap()
            .unwrap();
        let now_ms = begun.hlc.wall_ms();
        assert!(!confirm(&store, "token:0", now_ms), "no such token");
        assert!(!confirm(&store, "token:2", now_ms + 3_700_000), "too late");
        assert_eq!(race(4, |_| confirm(&store, "token:1", now_ms)), 1);
        assert!(!confirm(&store, "token:1", now_ms), "used");
    }
}

const PRICED: EventKind = EventKind::new(0x7, 0x001);
const ORDERED: EventKind = EventKind::new(0x7, 0x002);

#[test]
fn dynamic_product_price() {
    let products = ["product:1", "product:2"];
    for store in stores() {
        let set = |product: &str, cents: u64| {
            let priced = Event::json(PRICED, &cents).unwrap().tagged(product);
            store.append(&at(product, "shop"), priced).unwrap();
        };
        products.iter().for_each(|product| set(product, 100));
        // A shopping cart shows prices, and the order holds at those prices or not at all.
        let shown = store.snapshot();
        let prices = Region::all().any_tag(products).kind(PRICED);
        let total: u64 = shown
            .query(&prices)
            .map(|event| event.unwrap().payload_json::<u64>().unwrap())
            .sum();
        let condition = AppendCondition::since(shown.visible()).none_in(prices);
        let order = || {
            let order = Event::json(ORDERED, &total).unwrap();
            products.into_iter().fold(order, Event::tagged)
        };
        let append = |entity| append_if(&store, &at(entity, "shop"), order(), &condition);
        append("order:1").unwrap();
        set("product:3", 1);
        append("order:2").unwrap();
        set("product:2", 120);
        let error = append("order:3").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConditionFailed);
        let of_both = Region::all().tag("product:1").tag("product:2");
        assert_eq!(store.snapshot().query(&of_both).count(), 2);
    }
}

#[test]
fn prevention_of_record_duplication() {
    for store in stores() {
        let submit = |token: &str| {
            let used = Region::all().scope(token).kind(ORDERED);
            decide(&store, &[used], |events| {
                let order = Event::json(ORDERED, &token).unwrap();
                events.is_empty().then(|| (at("order:1", token), order))
            })
        };
        assert_eq!(race(4, |_| submit("form:1")), 1);
        assert!(submit("form:2"));
    }
}
