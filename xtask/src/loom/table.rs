//! What `cargo xtask loom --mutations` breaks, and which models must then fail.
//!
//! Each model is named at least once; each text is in its file exactly once.

use crate::mutate::Mutation;

const GATE: &str = "crates/index/src/gate.rs";
const LIVE: &str = "crates/index/src/live/mod.rs";
const SNAPSHOT: &str = "crates/index/src/reader/snapshot.rs";
const HEADS: &str = "crates/index/src/part/heads.rs";
const INSERT: &str = "crates/index/src/writer/insert.rs";
const SYNC: &str = "crates/store/src/engine/group_sync/sync.rs";
const SLEEPERS: &str = "crates/store/src/engine/group_sync/sleepers.rs";
const PLACES: &str = "crates/store/src/engine/group_sync/places.rs";

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "`publish` is relaxed",
        file: GATE,
        find: "            // Release: partner of the acquire in `visible`.
            let swapped = self.visible.compare_exchange(
                current,
                up_to.get(),
                Ordering::Release,",
        replace: "            let swapped = self.visible.compare_exchange(
                current,
                up_to.get(),
                Ordering::Relaxed,",
        options: "rows::a_reader_finds_every_row_below_the_watermark \
                  parts::rows_go_on_after_a_seal_beside_a_reader",
    },
    Mutation {
        name: "`visible` is relaxed",
        file: GATE,
        find: "self.visible.load(Ordering::Acquire) & !FROZEN)",
        replace: "self.visible.load(Ordering::Relaxed) & !FROZEN)",
        options: "rows::columns_are_ordered_by_the_gate_across_chunk_growth \
                  rows::an_id_is_found_once_its_event_is_visible",
    },
    Mutation {
        name: "`advance_to` is relaxed",
        file: GATE,
        find: "continues the release sequences of the advances before it.
            let swapped = self.visible.compare_exchange(
                current,
                up_to.get(),
                Ordering::Release,",
        replace: "does not.
            let swapped = self.visible.compare_exchange(
                current,
                up_to.get(),
                Ordering::Relaxed,",
        options: "gate::advances_by_maximum_carry_what_was_filled",
    },
    Mutation {
        name: "`freeze` is a load and a store",
        file: GATE,
        find: "self.visible.fetch_or(FROZEN, Ordering::Release);",
        replace: "let seen = self.visible.load(Ordering::Acquire);
        self.visible.store(seen | FROZEN, Ordering::Release);",
        options: "gate::a_frozen_gate_never_moves_though_an_advance_races",
    },
    Mutation {
        name: "`advance_to` is a store",
        file: GATE,
        find: "continues the release sequences of the advances before it.
            let swapped = self.visible.compare_exchange(
                current,
                up_to.get(),
                Ordering::Release,
                Ordering::Relaxed,
            );",
        replace: "does not.
            self.visible.store(up_to.get(), Ordering::Release);
            let swapped: Result<u64, u64> = Ok(current);",
        options: "gate::a_frozen_gate_never_moves_though_an_advance_races",
    },
    Mutation {
        name: "a snapshot loads the watermark after its parts",
        file: SNAPSHOT,
        find: "        let live = Part::Live(parts.live_rows());",
        replace: "        let live = Part::Live(parts.live_rows());
        let visible = shared.gate.visible();",
        options: "rows::a_batch_of_two_is_never_seen_half \
                  parts::rows_go_on_after_a_seal_beside_a_reader",
    },
    Mutation {
        name: "a snapshot looks at the parts twice",
        file: SNAPSHOT,
        find: "        let live = Part::Live(parts.live_rows());",
        replace: "        let live = Part::Live(shared.parts().live_rows());",
        options: "parts::rows_go_on_after_a_seal_beside_a_reader",
    },
    Mutation {
        name: "a snapshot counts every inserted row",
        file: SNAPSHOT,
        find: "let bound = partial.first_row_from(visible.get(), partial.rows());",
        replace: "let bound = partial.rows();",
        options: "rows::snapshots_never_go_back_in_any_thread \
                  rows::a_batch_of_two_is_never_seen_half",
    },
    Mutation {
        name: "`latest` looks at the newest inserted row alone",
        file: HEADS,
        find: "rows.last_below(bound)",
        replace: "rows.last_below(u32::MAX).filter(|row| *row < bound)",
        options: "rows::latest_is_never_none_once_there_is_one",
    },
    Mutation {
        name: "rows are counted once the lock of their runs is let go",
        file: LIVE,
        find: "        let (growth, rows) = {
            let growth = live.growth.read();
            // Relaxed: see `Live::rows`.
            (growth.clone(), live.rows.0.load(Ordering::Relaxed))
        };",
        replace: "        let growth = live.growth.read().clone();
        let rows = live.rows.0.load(Ordering::Relaxed);",
        options: "rows::a_gap_is_never_counted_into_the_run_before_it \
                  rows::an_aborted_replay_is_never_seen",
    },
    Mutation {
        name: "rows are counted before the lock of their runs is taken",
        file: LIVE,
        find: "        let (growth, rows) = {
            let growth = live.growth.read();
            // Relaxed: see `Live::rows`.
            (growth.clone(), live.rows.0.load(Ordering::Relaxed))
        };",
        replace: "        let rows = live.rows.0.load(Ordering::Relaxed);
        let growth = live.growth.read().clone();",
        options: "rows::an_aborted_replay_is_never_seen",
    },
    Mutation {
        name: "a rollback counts rows once the lock of their runs is let go",
        file: "crates/index/src/writer/rollback.rs",
        find: "        self.live.rows.0.store(kept, Ordering::Relaxed);",
        replace: "        drop(growth);
        self.live.rows.0.store(kept, Ordering::Relaxed);",
        options: "rows::an_aborted_replay_is_never_seen",
    },
    Mutation {
        name: "a table of ids is shown before it is filled",
        file: INSERT,
        find: "                self.ids = Arc::new(ids);",
        replace: "                self.live.growth.write().ids = Arc::new(IdTable::new());
                self.ids = Arc::new(ids);",
        options: "rows::an_id_that_does_not_ascend_is_found_once_its_event_is_visible",
    },
    Mutation {
        name: "names that come while others are put in order are left out",
        file: "crates/index/src/live/dictionary.rs",
        find: "        let runs = self
            .order
            .runs(self.names.len(), |number| self.name(number));",
        replace:
            "        let names: Vec<_> = (0..self.names.len()).map(|n| self.name(n)).collect();
        let name = |number: u32| names.get(number as usize).copied().unwrap_or_default();
        let runs = self.order.runs(self.names.len(), name);",
        options: "rows::a_name_is_listed_and_found_once_its_event_is_visible_whoever_asked_before",
    },
    Mutation {
        name: "ids of all inserted rows are found",
        file: LIVE,
        find: "find(chunks, ids, &self.live.hasher, bound, id)",
        replace: "find(chunks, ids, &self.live.hasher, self.rows, id)",
        options: "rows::an_id_is_found_once_its_event_is_visible",
    },
    Mutation {
        name: "the rows of a batch are published one by one",
        file: "crates/index/tests/loom/main.rs",
        find: "        writer.insert(&row(coordinate, number)).unwrap();",
        replace: "        writer.insert(&row(coordinate, number)).unwrap();
        writer.publish(Sequence::new(number + 1));",
        options: "rows::a_batch_of_two_is_never_seen_half",
    },
    Mutation {
        name: "a block takes the place of rows in two stores",
        file: "crates/index/src/shared.rs",
        find: "        next.sealed.splice(range, [sealed]);",
        replace: "        let mut gap = next.clone();
        gap.sealed.drain(range.clone());
        store(parts, gap);
        let parts = self.parts.write();
        next.sealed.splice(range, [sealed]);",
        options: "parts::a_block_takes_the_place_of_rows_under_a_reader \
                  parts::rows_are_sealed_exported_and_replaced_under_a_reader \
                  parts::latest_is_never_none_while_a_block_takes_the_place_of_rows \
                  parts::each_row_is_seen_once_while_a_merged_block_takes_the_place_of_parts",
    },
    Mutation {
        name: "a rewriting splits a block in a store of its own, and drops what it splits",
        file: "crates/index/src/shared.rs",
        find: "        let parts = self.parts.write();
        let mut next = Parts::clone(&parts);
        for (sequences, block) in blocks {",
        replace: "        let parts = self.parts.write();
        let mut next = Parts::clone(&parts);
        let mut gap = next.clone();
        for (sequences, _) in &blocks {
            gap.split(sequences.start);
            gap.sealed.retain(|sealed| sealed.end <= sequences.start);
        }
        store(parts, gap);
        let parts = self.parts.write();
        for (sequences, block) in blocks {",
        options: "parts::each_row_is_seen_once_while_a_rewriting_splits_a_merged_block",
    },
    Mutation {
        name: "a seal is two stores",
        file: "crates/index/src/writer/seal.rs",
        find: "        self.shared.change_parts(|parts| {
            parts.push(part);
            parts.live = next;
        });",
        replace: "        self.shared.change_parts(|parts| parts.live = next);
        self.shared.change_parts(|parts| parts.push(part));",
        options: "parts::rows_go_on_after_a_seal_beside_a_reader \
                  parts::a_snapshot_handed_on_across_a_seal_stays_as_it_is \
                  parts::rows_are_sealed_exported_and_replaced_under_a_reader",
    },
    Mutation {
        name: "a leader wakes nobody",
        file: SYNC,
        find: "            sleeper.parker.unpark();",
        replace: "            drop(sleeper);",
        options: "engine::group_sync::model::a_returned_append_is_durable_and_visible_and_nobody_is_left_waiting",
    },
    Mutation {
        name: "a leader does not wake the next",
        file: SYNC,
        find: "        woken.extend(next);",
        replace: "        drop(next);",
        options: "engine::group_sync::model::a_returned_append_is_durable_and_visible_and_nobody_is_left_waiting",
    },
    Mutation {
        name: "who is just covered is not woken",
        file: SLEEPERS,
        find: "sleeper.end <= levels.settled(sleeper.reach)",
        replace: "sleeper.end < levels.settled(sleeper.reach)",
        options: "engine::group_sync::model::one_sync_serves_everyone_it_covers",
    },
    Mutation {
        name: "what is written is stored relaxed",
        file: SYNC,
        find: "        self.wished.store(end.get(), Ordering::Release);
        self.written.store(end.get(), Ordering::Release);",
        replace: "        self.wished.store(end.get(), Ordering::Release);
        self.written.store(end.get(), Ordering::Relaxed);",
        options: "engine::group_sync::model::a_returned_append_is_durable_and_visible_and_nobody_is_left_waiting",
    },
    Mutation {
        name: "durable is told before it is visible",
        file: SYNC,
        find: "            self.gate.advance_to(end);
            self.news.set_durable(end);",
        replace: "            self.news.set_durable(end);
            self.gate.advance_to(end);",
        options: "engine::group_sync::model::a_returned_append_is_durable_and_visible_and_nobody_is_left_waiting",
    },
    Mutation {
        name: "what is written is visible before it is synced",
        file: SYNC,
        find: "        let (target, written) = self.gather(expected, yields);",
        replace: "        let (target, written) = self.gather(expected, yields);
        self.gate.advance_to(written);",
        options: "engine::group_sync::model::what_is_visible_is_durable",
    },
    Mutation {
        name: "a failed sync is forgotten",
        file: SYNC,
        find: "            state.poison = Some(poison);",
        replace: "            let _ = poison;",
        options: "engine::group_sync::model::a_failed_sync_wakes_everyone_and_shows_nothing",
    },
    Mutation {
        name: "a flush syncs beside another sync",
        file: SYNC,
        find: "            if !state.syncing {
                return self.lead(state, GATHER_YIELDS);",
        replace: "            if state.poison.is_none() {
                return self.lead(state, GATHER_YIELDS);",
        options: "engine::group_sync::model::a_failure_that_is_told_once_is_not_hidden_by_another_sync",
    },
    Mutation {
        name: "a leader wakes no task",
        file: SYNC,
        find: "        self.calls.wake(tasks);",
        replace: "        drop(tasks);",
        options: "engine::group_sync::ticket_model::an_awaited_ticket_is_woken_when_its_event_is_durable \
                  engine::group_sync::ticket_model::a_ticket_is_woken_by_a_thread_that_syncs_for_itself",
    },
    Mutation {
        name: "a failed sync wakes no task",
        file: SYNC,
        find: ".take(levels.settled(Reach::Published), is_poisoned)",
        replace: ".take(levels.settled(Reach::Published), false)",
        options: "engine::group_sync::ticket_model::a_failed_sync_wakes_every_ticket",
    },
    Mutation {
        name: "a dropped ticket leaves its waker",
        file: "crates/store/src/engine/group_sync/tasks.rs",
        find: "let waker = self.state.lock().wakers_of(reach).remove(key);",
        replace: "let _ = (reach, key);
        let waker = None;",
        options: "engine::group_sync::ticket_model::a_dropped_ticket_leaves_no_waker_and_its_event_becomes_durable",
    },
    Mutation {
        name: "a close leaves unsynced what nobody asked for",
        file: "crates/store/src/engine/group_sync/close.rs",
        find: "group.wait_for(Reach::Synced, group.written())",
        replace: "group.wait_for(Reach::Synced, group.durable())",
        options: "engine::group_sync::close_model::a_close_answers_a_task_in_flight_and_loses_nothing \
                  engine::group_sync::close_model::a_close_answers_a_thread_in_flight_and_loses_nothing \
                  engine::group_sync::close_model::a_close_that_fails_tells_every_ticket",
    },
    Mutation {
        name: "a driver looks whether to stop after it looked for asks",
        file: "crates/store/src/engine/group_sync/driver.rs",
        find: "        let stop = asks.stop.load(Ordering::Acquire);
        if asks.sync.swap(false, Ordering::AcqRel) {",
        replace: "        let asked = asks.sync.swap(false, Ordering::AcqRel);
        let stop = asks.stop.load(Ordering::Acquire);
        if asked {",
        options: "engine::group_sync::close_model::a_store_that_is_dropped_leaves_no_ticket_waiting",
    },
    Mutation {
        name: "a condition looks at what is visible alone",
        file: "crates/store/src/engine/writer/condition.rs",
        find: "ahead.check_rows(&index.inserted())",
        replace: "ahead.check_rows(&index.reader().snapshot())",
        options: "engine::writer::condition_model::of_two_appends_that_exclude_each_other_one_wins",
    },
    Mutation {
        name: "what was written before a look ahead counts as looked at",
        file: "crates/store/src/engine/writer/condition.rs",
        find: "ahead.through = snapshot.visible();",
        replace: "ahead.through = index.gate().allocated();",
        options: "engine::writer::condition_model::of_two_appends_that_exclude_each_other_one_wins",
    },
    Mutation {
        name: "who waits for room waits for more than the oldest",
        file: "crates/store/src/engine/group_sync/in_flight.rs",
        find: "|end| *end <= done",
        replace: "|end| *end < done",
        options: "engine::group_sync::ticket_model::a_task_that_finds_no_room_is_woken_when_there_is",
    },
    Mutation {
        name: "who finds no room is not woken",
        file: PLACES,
        find: "Waiting::Entered(state.waiting.insert(own, waker))",
        replace: "let _ = own;
        Waiting::Entered(Some(waker))",
        options: "engine::group_sync::ticket_model::a_task_that_finds_no_room_is_woken_when_there_is",
    },
    Mutation {
        name: "a failed sync is not told to who waits for room",
        file: "crates/store/src/engine/group_sync/room.rs",
        find: "            if let Some(poison) = self.group.poison() {
                self.leave();
                return Poll::Ready(Err(poison));
            }",
        replace: "",
        options: "engine::group_sync::ticket_model::a_failed_sync_is_told_to_a_task_that_waits_for_room",
    },
    Mutation {
        name: "a reader passes over what came while it read",
        file: "crates/store/src/follow/pull.rs",
        find: "pulled.read(self.next..end)?.unwrap_or(end);",
        replace: "pulled.read(self.next..end)?.unwrap_or_else(|| pulled.watermark());",
        options: "follow::model::every_event_is_read_once_whether_it_was_there_or_came",
    },
    Mutation {
        name: "`durable` of the news is relaxed",
        file: "crates/store/src/engine/news/watermarks.rs",
        find: "Sequence::new(self.durable.load(Ordering::Acquire))",
        replace: "Sequence::new(self.durable.load(Ordering::Relaxed))",
        options: "follow::model::what_is_durable_is_read_once_and_as_it_was_written",
    },
    Mutation {
        name: "a job of the background that was taken counts as done",
        file: "crates/store/src/upkeep/jobs.rs",
        find: "if state.unfinished.first().is_none_or(|first| *first >= end) {",
        replace: "if state.waiting.iter().all(|(number, _)| *number >= end) {",
        options: "upkeep::jobs_model::what_was_asked_for_is_done_once_when_the_wait_for_it_is_over",
    },
    Mutation {
        name: "who waits for a job of the background is not told that it is done",
        file: "crates/store/src/upkeep/jobs.rs",
        find: "unfinished.remove(&number);
            self.jobs.changed.notify_all();",
        replace: "unfinished.remove(&number);",
        options: "upkeep::jobs_model::what_was_asked_for_is_done_once_when_the_wait_for_it_is_over",
    },
    Mutation {
        name: "who finds no room looks whether writing has stopped before the lock",
        file: PLACES,
        find: "        let mut state = self.0.lock();
        let (levels, is_stopped) = now();",
        replace: "        let (levels, is_stopped) = now();
        let mut state = self.0.lock();",
        options: "engine::group_sync::ticket_model::a_failed_sync_is_told_to_a_task_that_waits_for_room",
    },
    Mutation {
        name: "who was woken for a place and is gone keeps it",
        file: PLACES,
        find: "        let next = if state.len() < most {",
        replace: "        let next = if state.len() > most {",
        options: "engine::group_sync::calls_model::who_is_dropped_passes_its_place_on",
    },
    Mutation {
        name: "an unpark before the park is forgotten",
        file: "crates/store/src/engine/parker.rs",
        find: "        *self.token.lock() = true;",
        replace: "        drop(self.token.lock());",
        options: "engine::group_sync::calls_model::a_thread_that_parks_is_woken_whenever_it_is_unparked",
    },
    Mutation {
        name: "a thread for callers' code that is closed leaves what it was given",
        file: "crates/store/src/trace/calls.rs",
        find: "            while queue.calls.is_empty() {",
        replace: "            while queue.calls.is_empty() || queue.is_closed {",
        options: "engine::group_sync::calls_model::who_is_to_be_woken_while_the_store_closes_is_woken",
    },
];
