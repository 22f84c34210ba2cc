//! A rule over courses and students, decided by disintegrate on a store of Strandline; and a listener that counts.
//!
//! `cargo run -p strandline-disintegrate --example disintegrate_courses`

#![allow(missing_docs, reason = "it is read from the top")]

mod domain;

use async_trait::async_trait;
use disintegrate::serde::json::Json;
use disintegrate::{
    DecisionError, DecisionMaker, EventListener, EventSourcedStateStore, PersistedEvent,
    StreamQuery, WithSnapshot, query,
};
use domain::{Enrol, EnrolmentEvent, OpenCourse, Refused, SchoolEvent};
use futures::channel::oneshot;
use futures::executor::block_on;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use strandline::{PayloadEncoding, Region, Store};
use strandline_disintegrate::{
    FileSnapshotter, ListenerConfig, Listeners, Position, StrandlineEventStore,
};

type AnyError = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), AnyError> {
    let dir = tempfile::tempdir()?;
    let store = Arc::new(Store::open(dir.path().join("school.strand"))?);
    let events = StrandlineEventStore::new(&store, Json::<SchoolEvent>::default())
        .scope("school")
        .encoding(PayloadEncoding::JSON);
    let snapshots = WithSnapshot::new(FileSnapshotter::new(&events, 100));
    let decide = DecisionMaker::new(EventSourcedStateStore::new(events.clone(), snapshots));
    block_on(async {
        let history = OpenCourse {
            course_id: "history".to_owned(),
            seats: 2,
        };
        decide.make(history).await?;
        for student_id in 1..=3 {
            let enrol = Enrol {
                course_id: "history".to_owned(),
                student_id,
            };
            match decide.make(enrol).await {
                Ok(_) => println!("student {student_id} has a seat"),
                Err(DecisionError::Domain(refused @ Refused::IsFull)) => {
                    println!("student {student_id} has none: {refused}");
                }
                Err(error) => return Err(error.into()),
            }
        }
        let (told, enough) = oneshot::channel();
        let counts = Counts::new(2, told);
        let seats = Arc::clone(&counts.seats);
        let stop = async move {
            let _ = enough.await;
        };
        let listeners = Listeners::new(&events)?.register(counts, ListenerConfig::new());
        listeners.run_until(stop).await?;
        println!("seats taken: {:?}", lock(&seats));
        Ok::<(), AnyError>(())
    })?;

    // The same events, as whoever has no disintegrate sees them.
    for event in store.snapshot().query(Region::all().tag("student_id:1")) {
        let event = event?;
        let name = store.kind_name(event.kind).unwrap_or_default();
        let payload = String::from_utf8_lossy(event.payload()?);
        println!("{} {} {name} {payload}", event.sequence, event.coordinate);
    }
    Ok(())
}

/// How many seats of each course are taken.
struct Counts {
    query: StreamQuery<Position, EnrolmentEvent>,
    seats: Arc<Mutex<BTreeMap<String, u32>>>,
    /// How many enrolments are waited for, and who waits.
    waits: Mutex<(u32, Option<oneshot::Sender<()>>)>,
}

impl Counts {
    fn new(enough: u32, told: oneshot::Sender<()>) -> Self {
        Self {
            query: query!(EnrolmentEvent),
            seats: Arc::default(),
            waits: Mutex::new((enough, Some(told))),
        }
    }
}

#[async_trait]
impl EventListener<Position, EnrolmentEvent> for Counts {
    type Error = std::convert::Infallible;

    fn id(&self) -> &'static str {
        "seats"
    }

    fn query(&self) -> &StreamQuery<Position, EnrolmentEvent> {
        &self.query
    }

    async fn handle(
        &self,
        event: PersistedEvent<Position, EnrolmentEvent>,
    ) -> Result<(), Self::Error> {
        let EnrolmentEvent::StudentEnrolled { course_id, .. } = event.into_inner();
        *lock(&self.seats).entry(course_id).or_default() += 1;
        let mut waits = lock(&self.waits);
        waits.0 = waits.0.saturating_sub(1);
        if waits.0 == 0 {
            waits.1.take().map(|told| told.send(()));
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
