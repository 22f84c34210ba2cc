//! Listeners, and what is kept of how far they are.

use crate::school::domain::EnrolmentEvent;
use crate::school::{Events, course, enrolled, open, put};
use async_trait::async_trait;
use disintegrate::{EventListener, EventStore, PersistedEvent, StreamQuery, query};
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::executor::block_on;
use futures::future::{Either, FutureExt, abortable, join, pending, select};
use futures::stream::StreamExt;
use futures_timer::Delay;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use strandline_disintegrate::{
    ListenerConfig, ListenerError, ListenerErrorKind, Listeners, Position, Retry, RetryAction,
};
use strandline_live::Live;

/// Tells which students it is called for.
struct Tells {
    query: StreamQuery<Position, EnrolmentEvent>,
    told: UnboundedSender<i64>,
    /// How often the handler fails for a student.
    fails: Arc<Mutex<BTreeMap<i64, u32>>>,
}

#[async_trait]
impl EventListener<Position, EnrolmentEvent> for Tells {
    type Error = String;

    fn id(&self) -> &'static str {
        "tells"
    }

    fn query(&self) -> &StreamQuery<Position, EnrolmentEvent> {
        &self.query
    }

    async fn handle(&self, event: PersistedEvent<Position, EnrolmentEvent>) -> Result<(), String> {
        let EnrolmentEvent::StudentEnrolled { student_id, .. } = event.into_inner();
        let fails = self
            .fails
            .lock()
            .unwrap()
            .get_mut(&student_id)
            .is_some_and(|left| {
                let fails = *left > 0;
                *left = left.saturating_sub(1);
                fails
            });
        if fails {
            return Err(format!("student {student_id} is not known"));
        }
        self.told
            .unbounded_send(student_id)
            .map_err(|error| error.to_string())
    }
}

fn tells(fails: &[(i64, u32)]) -> (Tells, UnboundedReceiver<i64>) {
    let (told, heard) = unbounded();
    let fails = Arc::new(Mutex::new(fails.iter().copied().collect()));
    let query = query!(EnrolmentEvent);
    (Tells { query, told, fails }, heard)
}

fn students(ids: impl IntoIterator<Item = i64>) -> Vec<crate::school::domain::SchoolEvent> {
    ids.into_iter().map(|id| enrolled("a", id)).collect()
}

async fn append(events: &Events, student: i64) {
    let appended = events.append_without_validation(students([student])).await;
    appended.unwrap();
    events.store().sync().unwrap();
}

/// Runs a listener until it was called so often.
fn run_for<R: Retry<String> + Send + Sync + 'static>(
    events: &Events,
    fails: &[(i64, u32)],
    config: ListenerConfig<R>,
    calls: usize,
) -> (Result<(), ListenerError>, Vec<i64>) {
    let (listener, heard) = tells(fails);
    let (done, all) = futures::channel::oneshot::channel();
    let heard = async move {
        let heard = heard.take(calls).collect::<Vec<_>>().await;
        let _ = done.send(());
        heard
    };
    let stop = all.map(|_| ());
    let listeners = Listeners::new(events).unwrap().register(listener, config);
    block_on(join(listeners.run_until(stop), heard))
}

const A_MOMENT: Duration = Duration::from_millis(1);

fn again(_: &String, _: usize) -> RetryAction {
    RetryAction::Wait { duration: A_MOMENT }
}

#[test]
fn it_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    put(&events, vec![course("a", 100)]);
    put(&events, students(1..=3));
    events.store().sync().unwrap();
    let (ended, heard) = run_for(&events, &[], ListenerConfig::new(), 3);
    ended.unwrap();
    assert_eq!(heard, [1, 2, 3]);
    put(&events, students(4..=5));
    events.store().sync().unwrap();
    let (ended, heard) = run_for(&events, &[], ListenerConfig::new(), 2);
    ended.unwrap();
    assert_eq!(heard, [4, 5], "nothing again, and nothing left out");
}

#[test]
fn it_hears_what_comes_while_it_waits() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    let (listener, mut heard) = tells(&[]);
    let (done, all) = futures::channel::oneshot::channel();
    let listeners = Listeners::new(&events)
        .unwrap()
        .register(listener, ListenerConfig::new());
    let appends = async {
        for student in 1..=20 {
            append(&events, student).await;
            assert_eq!(heard.next().await, Some(student));
        }
        done.send(()).unwrap();
    };
    let (ended, ()) = block_on(join(listeners.run_until(all.map(|_| ())), appends));
    ended.unwrap();
}

#[test]
fn an_event_that_fails_is_tried_again_before_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    put(&events, students(1..=4));
    events.store().sync().unwrap();
    let config = ListenerConfig::new().with_retry(again);
    let (ended, heard) = run_for(&events, &[(2, 3)], config, 4);
    ended.unwrap();
    assert_eq!(heard, [1, 2, 3, 4]);
}

#[test]
fn whoever_gives_up_goes_on_at_the_event_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    put(&events, students(1..=4));
    events.store().sync().unwrap();
    let twice = |_: &String, attempts: usize| match attempts {
        1 => RetryAction::Wait { duration: A_MOMENT },
        _ => RetryAction::Abort,
    };
    let (listener, heard) = tells(&[(3, u32::MAX)]);
    let config = ListenerConfig::new().with_retry(twice);
    let listeners = Listeners::new(&events).unwrap().register(listener, config);
    let error = block_on(listeners.run()).unwrap_err();
    assert_eq!(
        (error.listener_id, error.last_processed.get()),
        ("tells", 2)
    );
    let ListenerErrorKind::Handler {
        position,
        attempts,
        message,
    } = &error.kind
    else {
        panic!("{error}");
    };
    assert_eq!((position.get(), *attempts), (3, 2));
    assert_eq!(message, "student 3 is not known");
    assert_eq!(block_on(heard.collect::<Vec<_>>()), [1, 2]);

    let (ended, heard) = run_for(&events, &[], ListenerConfig::new(), 2);
    ended.unwrap();
    assert_eq!(
        heard,
        [3, 4],
        "what was handled before the failure is not handled again"
    );
}

#[test]
fn one_of_two_is_called_and_the_other_goes_on_when_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    put(&events, students([1]));
    events.store().sync().unwrap();
    let (first, mut heard_first) = tells(&[]);
    let (second, mut heard_second) = tells(&[]);
    let (done, all) = futures::channel::oneshot::channel::<()>();
    let start = |listener| {
        let listeners = Listeners::new(&events).unwrap();
        listeners.register(listener, ListenerConfig::new())
    };
    let (first, ends) = abortable(start(first).run_until(pending()));
    let second = start(second).run_until(all.map(|_| ()));
    let events = &events;
    let story = async move {
        assert_eq!(heard_first.next().await, Some(1));
        append(events, 2).await;
        assert_eq!(heard_first.next().await, Some(2));
        assert!(heard_second.try_recv().is_err(), "it is held");
        ends.abort();
        append(events, 3).await;
        // What was not saved may be heard again.
        while heard_second.next().await != Some(3) {}
        done.send(()).unwrap();
    };
    let (_, second) = block_on(join(first, join(second, story)));
    second.0.unwrap();
}

/// Nobody who waits for an event waits because the listener has nothing to do with it.
#[test]
fn its_position_goes_on_past_events_that_are_not_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let events = open(dir.path());
    put(&events, students([1]));
    put(&events, vec![course("a", 100); 3]);
    events.store().sync().unwrap();
    let live = Live::open(events.store()).unwrap();
    let position = || live.status("tells").unwrap().sequence.get();
    let (ended, _) = run_for(&events, &[], ListenerConfig::new(), 1);
    ended.unwrap();
    assert_eq!(position(), 4, "when it ends");

    let (listener, _heard) = tells(&[]);
    let listeners = Listeners::new(&events).unwrap();
    let running = listeners.register(listener, ListenerConfig::new()).run();
    let others = async {
        let new = vec![course("b", 100)];
        events.append_without_validation(new).await.unwrap();
        events.store().sync().unwrap();
        while position() < 5 {
            Delay::new(A_MOMENT).await;
        }
    };
    let (running, others) = (pin!(running), pin!(others));
    match block_on(select(running, others)) {
        Either::Left((ended, _)) => panic!("{ended:?}"),
        Either::Right(_) => {}
    }
}
