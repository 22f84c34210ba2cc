//! What `cargo xtask loom --mutations` breaks of the waits for a watermark.

use crate::mutate::Mutation;

const WAITERS: &str = "crates/store/src/engine/news/waiters.rs";
const WATERMARKS: &str = "crates/store/src/engine/news/watermarks.rs";
const SLEEPER: &str = "crates/store/src/engine/news/sleeper.rs";

pub(super) const WAITING: &[Mutation] = &[
    Mutation {
        name: "who waits looks at the watermark without a fence",
        file: WAITERS,
        find: "        fence(Ordering::SeqCst);",
        replace: "        fence(Ordering::AcqRel);",
        options: "engine::news::model::a_thread_that_waits_is_woken_by_whoever_publishes \
                  engine::news::model::whoever_publishes_wakes_a_thread_that_waits",
    },
    Mutation {
        name: "who publishes looks for those who wait without a fence",
        file: WATERMARKS,
        find: "        fence(Ordering::SeqCst);",
        replace: "        fence(Ordering::AcqRel);",
        options: "engine::news::model::a_thread_that_waits_is_woken_by_whoever_publishes \
                  engine::news::model::whoever_publishes_wakes_a_thread_that_waits",
    },
    Mutation {
        name: "who waits does not look at the watermark again",
        file: WAITERS,
        find: "        let now = watermark();",
        replace: "        let now = Sequence::ZERO.min(watermark());",
        options: "engine::news::model::a_thread_that_waits_is_woken_by_whoever_publishes \
                  engine::news::model::a_task_that_waits_is_woken_by_whoever_publishes",
    },
    Mutation {
        name: "the highest sequence that is awaited is taken for the lowest",
        file: WAITERS,
        find: "        let first = state.waiting.first_key_value();",
        replace: "        let first = state.waiting.last_key_value();",
        options: "engine::news::model::two_that_wait_for_different_sequences_are_each_woken",
    },
    Mutation {
        name: "a wait that is dropped hides the others",
        file: WAITERS,
        find: "        let waiter = state.waiting.remove(&key);
        self.note_lowest(&state);",
        replace: "        let waiter = state.waiting.remove(&key);
        self.lowest.store(NOBODY, Ordering::Relaxed);",
        options: "engine::news::model::a_wait_that_is_dropped_hides_no_other",
    },
    Mutation {
        name: "the end is not noted for those who come",
        file: WAITERS,
        find: "            state.over = Some(over.clone());",
        replace: "",
        options: "engine::news::model::who_begins_to_wait_while_the_store_closes_is_told \
                  engine::news::model::who_begins_to_wait_while_writing_stops_is_told",
    },
    Mutation {
        name: "who looks is told of the end before what came before it",
        file: WATERMARKS,
        find: "            let now = self.watermark(mark);
            return match",
        replace: "            return match",
        options: "engine::news::model::who_looks_while_the_store_ends_is_given_what_came_before",
    },
    Mutation {
        name: "who stops writing does not tell those who wait for events",
        file: "crates/store/src/engine/group_sync/sync.rs",
        find: "            self.news.end(&Over::from(&Error::from(poison)));",
        replace: "            drop(poison);",
        options: "engine::news::model::who_begins_to_wait_while_writing_stops_is_told",
    },
    Mutation {
        name: "a sync tells nobody who waits for events",
        file: "crates/store/src/engine/group_sync/sync.rs",
        find: "        self.news.moved();",
        replace: "",
        options: "engine::news::model::what_is_waited_for_to_be_durable_is_synced_and_visible",
    },
    Mutation {
        name: "who is woken wakes nobody",
        file: SLEEPER,
        find: "        if is_woken {
            self.wake_others();
        }",
        replace: "",
        options: "engine::news::model::of_two_that_wait_for_one_event_each_is_woken",
    },
    Mutation {
        name: "whose time is over wakes nobody",
        file: SLEEPER,
        find: "        self.parker.park();
        self.wake_others();",
        replace: "        self.parker.park();",
        options: "engine::news::model::whose_time_is_over_wakes_those_whom_it_was_told_to_wake",
    },
    Mutation {
        name: "tasks that wait for a watermark are not woken",
        file: WATERMARKS,
        find: "        self.calls.wake(tasks);",
        replace: "        drop(tasks);",
        options: "engine::news::model::a_task_that_waits_is_woken_by_whoever_publishes",
    },
    Mutation {
        name: "who begins to wait does not ask for a look",
        file: WATERMARKS,
        find: "            self.ask_lookout();
            let left",
        replace: "            let left",
        options: "engine::news::model::who_begins_to_wait_has_the_lookout_look",
    },
];
