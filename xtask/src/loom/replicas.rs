//! What `cargo xtask loom --mutations` breaks of a store whose events wait to be replicated.

use crate::mutate::Mutation;

const SYNC: &str = "crates/store/src/engine/group_sync/sync.rs";
const REPLICAS: &str = "crates/store/src/engine/group_sync/replicas.rs";
const SLEEPERS: &str = "crates/store/src/engine/group_sync/sleepers.rs";

pub(super) const REPLICATING: &[Mutation] = &[
    Mutation {
        name: "what is to be replicated is shown once it is synced",
        file: SYNC,
        find: "state.levels.publish(self.wished())",
        replace: "state.levels.publish(self.written())",
        options: "engine::group_sync::replica_model::what_is_to_be_replicated_is_seen_once_it_is_and_not_before \
                  engine::group_sync::replica_model::whoever_appends_is_told_by_a_thread_that_acknowledges",
    },
    Mutation {
        name: "a commit counts as written before it is wished for",
        file: SYNC,
        find: "        self.wished.store(end.get(), Ordering::Release);
        self.written.store(end.get(), Ordering::Release);",
        replace: "        self.written.store(end.get(), Ordering::Release);
        self.wished.store(end.get(), Ordering::Release);",
        options: "engine::group_sync::replica_model::a_synced_append_waits_for_no_replication_whatever_waits_for_one",
    },
    Mutation {
        name: "a sync tells nobody who copies",
        file: SYNC,
        find: "            self.news.sync_moved();",
        replace: "",
        options: "engine::group_sync::replica_model::what_is_to_be_replicated_is_seen_once_it_is_and_not_before \
                  engine::group_sync::replica_model::whoever_appends_is_told_by_a_thread_that_acknowledges",
    },
    Mutation {
        name: "what is replicated is told before it is seen",
        file: REPLICAS,
        find: "        self.publish(&mut state);
        self.news.set_replicated(state.levels.of(Reach::Replicated));",
        replace: "        self.news.set_replicated(state.levels.of(Reach::Replicated));
        self.publish(&mut state);",
        options: "engine::group_sync::replica_model::who_waits_for_more_to_be_replicated_is_woken",
    },
    Mutation {
        name: "an acknowledgement wakes nobody who appends",
        file: REPLICAS,
        find: "        self.wake_settled(state);
        self.news.replication_moved();",
        replace: "        drop(state);
        self.news.replication_moved();",
        options: "engine::group_sync::replica_model::what_is_to_be_replicated_is_seen_once_it_is_and_not_before \
                  engine::group_sync::replica_model::a_task_is_woken_once_its_event_is_replicated",
    },
    Mutation {
        name: "an acknowledgement wakes nobody who waits for news",
        file: REPLICAS,
        find: "        self.news.replication_moved();",
        replace: "",
        options: "engine::group_sync::replica_model::who_waits_for_more_to_be_replicated_is_woken",
    },
    Mutation {
        name: "whom a sync has covered is forgotten though it waits for more",
        file: SLEEPERS,
        find: "                false => self.for_replication.push(sleeper),",
        replace: "                false => drop(sleeper),",
        options: "engine::group_sync::replica_model::a_synced_append_waits_for_no_replication_whatever_waits_for_one",
    },
    Mutation {
        name: "who stops writing forgets those who wait for a replication",
        file: SLEEPERS,
        find: "        taken.append(&mut self.for_replication);",
        replace: "",
        options: "engine::group_sync::replica_model::who_waits_is_told_that_another_has_taken_over",
    },
    Mutation {
        name: "a weaker append wakes nobody who waits for what it shows",
        file: SLEEPERS,
        find: "        taken.extend(
            self.for_replication
                .extract_if(.., |sleeper| is_over(sleeper)),
        );",
        replace: "",
        options: "engine::group_sync::replica_model::who_waits_for_what_is_to_be_replicated_sees_it_once_a_weaker_append_shows_it",
    },
    Mutation {
        name: "the end of a replication wakes nobody",
        file: REPLICAS,
        find: "        self.wake_settled(state);
        self.news.wake_told(told);",
        replace: "        drop(state);
        self.news.wake_told(told);",
        options: "engine::group_sync::replica_model::who_waits_is_told_that_the_replication_has_ended \
                  engine::group_sync::replica_model::a_task_that_waits_is_told_that_the_replication_has_ended",
    },
    Mutation {
        name: "the end of a replication is told to nobody who waits for news",
        file: REPLICAS,
        find: "        self.news.wake_told(told);",
        replace: "        let _ = told;",
        options: "engine::group_sync::replica_model::who_begins_to_wait_while_the_replication_ends_is_told",
    },
];
