//! What `cargo xtask model --mutations` breaks, and which bounds must then fail.
//!
//! Each test of the model is named at least once; each text is in its file exactly once.

use crate::mutate::Mutation;

const CONFIRMED: &str = "crates/replicate/src/protocol/confirmed.rs";
const SURVEY: &str = "crates/replicate/src/protocol/survey.rs";
const BEGINNING: &str = "crates/replicate/src/protocol/beginning.rs";
const SHIPPER: &str = "crates/replicate/src/protocol/shipper.rs";
const FOLLOWER: &str = "crates/replicate/src/protocol/follower.rs";
const SWEEPER: &str = "crates/replicate/src/protocol/sweeper.rs";
const TAIL: &str = "crates/replicate/src/object/tail.rs";

/// Package and test target of the model.
pub(super) const TARGET: &str = "-p strandline-replicate --test model";

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "a check serves what was confirmed after it was begun",
        file: SHIPPER,
        find: "acknowledged.chunks.max(covered.chunks)",
        replace: "acknowledged.chunks.max(self.confirmed.chunks)",
        options: "what_has_a_hole_is_not_acknowledged",
    },
    Mutation {
        name: "a chunk is acknowledged without a check",
        file: SHIPPER,
        find: "        self.acknowledged.chunks
    }",
        replace: "        self.confirmed.chunks
    }",
        options: "what_is_acknowledged_is_taken_along a_copied_machine_is_fenced",
    },
    Mutation {
        name: "a chunk counts though one before it is not there",
        file: SHIPPER,
        find: "        while let Some(chunk) = self.chunks.get(&self.confirmed.chunks)
            && chunk.put.outcome() == Outcome::Ours
        {
            self.chunks.remove(&self.confirmed.chunks);
            self.confirmed.chunks = self.confirmed.chunks.saturating_add(1);
        }",
        replace: "        let is_ours = |chunk: &Asked<C>| chunk.put.outcome() == Outcome::Ours;
        while let Some((number, _)) = self.chunks.iter().find(|(_, chunk)| is_ours(chunk)) {
            let number = *number;
            self.chunks.remove(&number);
            self.confirmed.chunks = self.confirmed.chunks.max(number + 1);
        }",
        options: "what_has_a_hole_is_not_acknowledged",
    },
    Mutation {
        name: "a chunk that is not found has failed, and its number is free",
        file: SHIPPER,
        find: "                if let Some(chunk) = self.chunks.get_mut(&number) {",
        replace: "                if matches!(answer, Answer::Absent) {
                    self.chunks.remove(&number);
                    self.next = number;
                }
                if let Some(chunk) = self.chunks.get_mut(&number) {",
        options: "a_number_is_tried_with_one_content",
    },
    Mutation {
        name: "what exists is not ours",
        file: CONFIRMED,
        find: "            (Stage::Put, _) => Stage::Compare,",
        replace: "            (Stage::Put, Answer::Exists) => Stage::Other(self.content.clone()),
            (Stage::Put, _) => Stage::Compare,",
        options: "what_is_acknowledged_is_taken_along",
    },
    Mutation {
        name: "what exists is ours",
        file: CONFIRMED,
        find: "            (Stage::Put, _) => Stage::Compare,",
        replace: "            (Stage::Put, Answer::Exists) => Stage::Ours,
            (Stage::Put, _) => Stage::Compare,",
        options: "what_is_acknowledged_is_taken_along a_copied_machine_is_fenced",
    },
    Mutation {
        name: "what was put once is there",
        file: CONFIRMED,
        find: "            (Stage::Compare, Answer::Absent) => Stage::Put,",
        replace: "            (Stage::Compare, Answer::Absent) => Stage::Ours,",
        options: "what_is_acknowledged_is_taken_along",
    },
    Mutation {
        name: "a taker looks for the log before its term is there",
        file: BEGINNING,
        find: "        if let Some(request) = self.object.request() {
            return Turn::Object(request);
        }
        if let Some(request) = self.survey.request() {
            return Turn::Survey(request);
        }",
        replace: "        if let Some(request) = self.survey.request() {
            return Turn::Survey(request);
        }
        if let Some(request) = self.object.request() {
            return Turn::Object(request);
        }",
        options: "what_is_acknowledged_is_taken_along",
    },
    Mutation {
        name: "a term begins without a check",
        file: BEGINNING,
        find: "        if !self.is_checked {
            return Turn::Check;
        }",
        replace: "",
        options: "a_state_that_comes_late_misleads_no_replica",
    },
    Mutation {
        name: "a taker passes over a hole",
        file: SURVEY,
        find: "        if number == next {
            next = next.saturating_add(1);
        }",
        replace: "        if number >= next {
            next = number.saturating_add(1);
        }",
        options: "what_has_a_hole_is_not_acknowledged",
    },
    Mutation {
        name: "a taker looks for chunks from the first, not from the state's number",
        file: SURVEY,
        find: "                let below = first_missing(state, numbers);",
        replace: "                let below = first_missing(0, numbers);",
        options: "what_is_needed_is_not_deleted",
    },
    Mutation {
        name: "a term that has not begun is taken for an empty log",
        file: SURVEY,
        find: "                None => Self::new(term.previous()).stage,",
        replace: "                None => Stage::Done(None),",
        options: "what_is_acknowledged_is_taken_along",
    },
    Mutation {
        name: "a reader shows a chunk without a check",
        file: FOLLOWER,
        find: "            (Stage::Chunk, Answer::Found(content)) => (Stage::Check(Some(content)), Told::More),",
        replace: "            (Stage::Chunk, Answer::Found(content)) => {
                self.checked(Some(content), Answer::Absent)
            }",
        options: "a_replica_shows_what_stays",
    },
    Mutation {
        name: "a reader goes to a state without a check",
        file: FOLLOWER,
        find: "                (Stage::Newest(term, state, content), Told::More)",
        replace: "                self.move_to(term, state, content)",
        options: "a_state_that_comes_late_misleads_no_replica",
    },
    Mutation {
        name: "a reader goes on behind the first chunk of the state",
        file: FOLLOWER,
        find: "        self.place = Some((term, number));",
        replace: "        self.place = Some((term, number + 1));",
        options: "a_replica_misses_nothing",
    },
    Mutation {
        name: "a reader stays with a term that is over",
        file: FOLLOWER,
        find: "            (Answer::Found(_), _) => (Stage::Terms(after(term)), Told::More),",
        replace: "            (Answer::Found(_), _) => (Stage::Chunk, Told::Wait(Waiting::Reached(term))),",
        options: "a_replica_shows_what_stays",
    },
    Mutation {
        name: "a term is deleted",
        file: SWEEPER,
        find: "            Key::Term(_) => false,",
        replace: "            Key::Term(_) => is_earlier,",
        options: "what_is_needed_is_not_deleted a_replica_that_was_away_finds_its_way",
    },
    Mutation {
        name: "a state that was not checked has chunks deleted",
        file: SHIPPER,
        find: "        self.acknowledged.state
    }",
        replace: "        self.confirmed.state
    }",
        options: "what_is_needed_is_not_deleted",
    },
    Mutation {
        name: "the chunk that comes after a state is deleted",
        file: SWEEPER,
        find: "                is_earlier || *number < acknowledged",
        replace: "                is_earlier || *number <= acknowledged",
        options: "what_is_needed_is_not_deleted",
    },
    Mutation {
        name: "what a state lists is deleted",
        file: SWEEPER,
        find: "        if self.listed.contains(key) || key.term() > self.term {",
        replace: "        if key.term() > self.term {",
        options: "what_is_needed_is_not_deleted",
    },
    Mutation {
        name: "what no state lists yet is deleted",
        file: SWEEPER,
        find: "            Key::Data { .. } => is_earlier || self.is_retired(key),",
        replace: "            Key::Data { .. } => true,",
        options: "what_is_needed_is_not_deleted a_replica_that_was_away_finds_its_way",
    },
    Mutation {
        name: "a part that has more than what is listed is deleted",
        file: TAIL,
        find: "parts.any(|part| part.has_more_than(self))",
        replace: "parts.any(|part| self.has_more_than(&part))",
        options: "a_part_that_has_more_is_not_deleted",
    },
    Mutation {
        name: "what is of a later term is deleted",
        file: SWEEPER,
        find: "        if self.listed.contains(key) || key.term() > self.term {",
        replace: "        if self.listed.contains(key) {",
        options: "what_is_needed_is_not_deleted",
    },
];
