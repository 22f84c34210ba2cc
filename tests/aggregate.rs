//! The event-sourced aggregate, a worked example of the specification of dynamic consistency
//! boundaries (<https://dcb.events/examples/event-sourced-aggregate/>): a repository that loads an
//! aggregate by its tag, and saves it on condition that nobody else has. The other examples are in
//! `dcb`.

use crate::harness::{at, options, written};
use strandline::fs::MemFs;
use strandline::{
    AppendCondition, AppendOptions, Batch, Error, ErrorKind, Event, Region, Sequence, Store,
    StoredEvent,
};

const COURSE_DEFINED: &str = "CourseDefined";
const CAPACITY_CHANGED: &str = "CourseCapacityChanged";
const SUBSCRIBED: &str = "StudentSubscribedToCourse";

/// Knows nothing of the store: it is made of events and records new ones.
#[derive(Debug, Default, Clone, PartialEq)]
struct Course {
    id: String,
    capacity: usize,
    subscribed: Vec<String>,
    recorded: Vec<(&'static str, String)>,
    /// Where the events that it was made of end.
    version: Sequence,
}

impl Course {
    fn define(id: &str, capacity: usize) -> Self {
        let mut course = Self {
            id: id.to_owned(),
            ..Self::default()
        };
        course.record(COURSE_DEFINED, capacity.to_string());
        course
    }

    fn change_capacity(&mut self, capacity: usize) -> Result<(), String> {
        if capacity == self.capacity {
            return Err(format!("{} has a capacity of {capacity} already", self.id));
        }
        if capacity < self.subscribed.len() {
            return Err(format!("{} has more students than {capacity}", self.id));
        }
        self.record(CAPACITY_CHANGED, capacity.to_string());
        Ok(())
    }

    fn subscribe(&mut self, student: &str) -> Result<(), String> {
        if self.subscribed.len() == self.capacity {
            return Err(format!("{} is fully booked", self.id));
        }
        if self.subscribed.iter().any(|taken| taken == student) {
            return Err(format!("{student} is subscribed to {} already", self.id));
        }
        self.record(SUBSCRIBED, student.to_owned());
        Ok(())
    }

    fn record(&mut self, name: &'static str, what: String) {
        self.apply(name, &what);
        self.recorded.push((name, what));
    }

    fn apply(&mut self, name: &str, what: &str) {
        match name {
            SUBSCRIBED => self.subscribed.push(what.to_owned()),
            _ => self.capacity = what.parse().unwrap(),
        }
    }
}

struct Courses<'a>(&'a Store);

impl Courses<'_> {
    fn region(id: &str) -> Region {
        Region::all().tag(format!("course:{id}"))
    }

    fn load(&self, id: &str) -> Option<Course> {
        let now = self.0.snapshot();
        let mut course = Course {
            id: id.to_owned(),
            version: now.visible(),
            ..Course::default()
        };
        let events: Vec<StoredEvent> = now.query(Self::region(id)).map(Result::unwrap).collect();
        for event in &events {
            let name = now.kind_name(event.kind).unwrap();
            course.apply(&name, event.payload_json().unwrap());
        }
        (!events.is_empty()).then_some(course)
    }

    fn save(&self, course: &mut Course) -> Result<(), Error> {
        let condition = AppendCondition::since(course.version).none_in(Self::region(&course.id));
        let coordinate = at(&course.id, "courses");
        let mut batch = Batch::new();
        for (name, what) in &course.recorded {
            let event = Event::json(self.0.kind(name)?, what)?;
            batch.add(&coordinate, event.tagged(format!("course:{}", course.id)));
        }
        let options = AppendOptions::new().condition(&condition);
        let receipts = self.0.append_batch_with(batch, options)?;
        if let Some(last) = receipts.last() {
            course.version = Sequence::new(last.sequence.get() + 1);
        }
        course.recorded.clear();
        Ok(())
    }
}

#[test]
fn event_sourced_aggregate() {
    for options in [options, written] {
        let fs = MemFs::new();
        let store = options(&fs).open("/store").unwrap();
        let courses = Courses(&store);
        assert!(courses.load("c1").is_none());
        let mut course = Course::define("c1", 3);
        courses.save(&mut course).unwrap();
        courses.save(&mut Course::define("c2", 5)).unwrap();
        let error = courses.save(&mut Course::define("c1", 9)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConditionFailed, "there is one");

        let mut one = courses.load("c1").unwrap();
        let mut two = one.clone();
        assert!(one.change_capacity(3).is_err());
        one.subscribe("s1").unwrap();
        assert!(one.subscribe("s1").is_err());
        one.subscribe("s2").unwrap();
        assert!(one.change_capacity(1).is_err());
        courses.save(&mut one).unwrap();
        two.change_capacity(1).unwrap();
        let error = courses.save(&mut two).unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::ConditionFailed,
            "it was loaded before"
        );
        // What was loaded before an opening is saved after it.
        store.close().unwrap();
        let store = options(&fs).open("/store").unwrap();
        let courses = Courses(&store);
        assert!(courses.save(&mut two.clone()).is_err(), "nor then");
        // Saved again without another load: its version went on.
        one.change_capacity(2).unwrap();
        courses.save(&mut one).unwrap();
        assert!(one.subscribe("s3").is_err());
        let loaded = courses.load("c1").unwrap();
        assert_eq!((loaded.capacity, &loaded.subscribed), (2, &one.subscribed));
        assert_eq!(
            courses.load("c2").unwrap().capacity,
            5,
            "another's events are not its own"
        );
    }
}
