//! What `cargo xtask loom --mutations` breaks of pushing to subscribers.

use crate::mutate::Mutation;

const ROOM: &str = "crates/store/src/engine/push/room.rs";
const HUB: &str = "crates/store/src/engine/push/hub.rs";
const MEMBER: &str = "crates/store/src/engine/push/member.rs";
const ROUNDS: &str = "crates/store/src/engine/push/rounds.rs";

pub(super) const PUSHING: &[Mutation] = &[
    Mutation {
        name: "who finds no room does not ask to be told",
        file: ROOM,
        find: "Some(changed.unwrap_or(state | WANTED))",
        replace: "Some(changed.unwrap_or(state))",
        options: "engine::push::model::who_catches_up_goes_on_once_there_is_room \
                  engine::push::model::who_lags_is_told_once_there_is_room",
    },
    Mutation {
        name: "who leaves a place rings for nobody",
        file: ROOM,
        find: "            self.bell.ring();",
        replace: "",
        options: "engine::push::model::who_catches_up_goes_on_once_there_is_room \
                  engine::push::model::who_lags_is_told_once_there_is_room",
    },
    Mutation {
        name: "the hub does not wait for news",
        file: "crates/store/src/engine/news/watermarks.rs",
        find: "                Waiter::Own(parker) => parker.unpark(),",
        replace: "                Waiter::Own(parker) => drop(parker),",
        options: "engine::push::model::what_comes_is_pushed",
    },
    Mutation {
        name: "who leaves tells nobody",
        file: MEMBER,
        find: "        self.bell.ring();",
        replace: "",
        options: "engine::push::model::who_leaves_is_forgotten",
    },
    Mutation {
        name: "who comes after the close is taken",
        file: HUB,
        find: "        if let Some(over) = asked.over.clone() {
            drop(asked);",
        replace: "        if let Some(over) = None::<Over> {
            drop(asked);",
        options: "engine::push::model::who_subscribes_while_the_store_closes_is_told",
    },
    Mutation {
        name: "who is ended is not told why",
        file: MEMBER,
        find: "        let _ = self.seat.over.set(over.clone());",
        replace: "        let _ = over;",
        options: "engine::push::model::who_subscribes_while_the_store_closes_is_told",
    },
    Mutation {
        name: "what is there at the close is not read",
        file: ROUNDS,
        find: "        self.round_to(ends);
        for feed",
        replace: "        for feed",
        options: "engine::push::model::what_is_there_when_the_store_closes_is_pushed",
    },
];
