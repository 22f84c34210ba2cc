//! What each machine does by itself; what they do together is in `tests/model`.

use super::{
    Answer, Ask, Confirmed, Follower, Listing, Outcome, Request, Shipper, Survey, Sweeper, Taken,
    Told, Waiting, Window, after,
};
use crate::object::{Key, Term};

fn term(number: u64) -> Term {
    Term::new(number).unwrap()
}

fn chunk(of: u64, number: u64) -> Key {
    let term = term(of);
    Key::Chunk { term, number }
}

fn data(of: u64, content: u64) -> Key {
    Key::Data {
        term: term(of),
        name: "tail".parse().unwrap(),
        content,
    }
}

const WINDOW: Window = Window {
    chunks: 2,
    checks: 2,
};

#[test]
fn an_unclear_put_is_compared_and_made_again_with_the_same_bytes() {
    for unclear in [Answer::Unclear, Answer::Exists, Answer::Listed(vec![])] {
        let key = chunk(1, 0);
        let mut put = Confirmed::new(key.clone(), 7);
        let first = put.request();
        put.answer(unclear);
        assert_eq!(put.request(), Some(Request::Get { key }));
        put.answer(Answer::Unclear);
        put.answer(Answer::Absent);
        assert_eq!(put.request(), first);
        put.answer(Answer::Unclear);
        put.answer(Answer::Found(7));
        assert_eq!((put.outcome(), put.request()), (Outcome::Ours, None));
    }
}

#[test]
fn other_bytes_under_a_key_are_told() {
    let mut put = Confirmed::new(chunk(1, 0), 7);
    put.answer(Answer::Exists);
    put.answer(Answer::Found(8));
    assert_eq!((put.outcome(), put.request()), (Outcome::Other(&8), None));
}

#[test]
fn a_survey_passes_over_terms_that_have_not_begun() {
    let mut survey = Survey::new(Some(term(3)));
    let states = |number| {
        let term = term(number);
        Some(Request::<u8>::List(Listing::States { term }))
    };
    assert_eq!(survey.request(), states(3));
    survey.answer(Answer::<u8>::Unclear);
    survey.answer(Answer::<u8>::Listed(vec![]));
    assert_eq!(survey.request(), states(2));
    survey.answer(Answer::<u8>::Listed(vec![4, 0]));
    survey.answer(Answer::<u8>::Listed(vec![7, 5, 4]));
    let taken = Taken {
        term: term(2),
        state: 4,
        below: 6,
    };
    assert_eq!(survey.taken(), Some(Some(taken)));
    assert_eq!(Survey::new(None).taken(), Some(None));
}

fn put_all(shipper: &mut Shipper<u8>) -> Vec<Ask> {
    let mut checks = Vec::new();
    for (ask, _) in shipper.requests() {
        match ask {
            Ask::Check { .. } => checks.push(ask),
            Ask::Chunk(_) | Ask::State(_) => shipper.answer(ask, Answer::Created),
        }
    }
    checks
}

#[test]
fn one_check_serves_all_that_was_confirmed_before_it() {
    let mut shipper = Shipper::new(term(1), WINDOW);
    assert_eq!((shipper.offer(1), shipper.offer(2)), (Some(0), Some(1)));
    assert_eq!(shipper.offer(3), None);
    assert!(put_all(&mut shipper).is_empty());
    assert_eq!((shipper.confirmed(), shipper.acknowledged()), (2, 0));
    let first = put_all(&mut shipper);
    assert_eq!(first.len(), 1);
    shipper.offer(3);
    assert!(put_all(&mut shipper).is_empty());
    let second = put_all(&mut shipper);
    // The later one is answered first, and the earlier one has nothing to add.
    shipper.answer(second[0], Answer::Absent);
    assert_eq!(shipper.acknowledged(), 3);
    shipper.answer(first[0], Answer::Absent);
    assert_eq!(shipper.acknowledged(), 3);
    assert!(shipper.requests().is_empty());
}

#[test]
fn a_check_without_an_answer_is_made_again() {
    let mut shipper = Shipper::new(term(1), WINDOW);
    shipper.offer(1);
    put_all(&mut shipper);
    let check = put_all(&mut shipper);
    shipper.answer(check[0], Answer::Unclear);
    assert_eq!((shipper.acknowledged(), put_all(&mut shipper)), (0, check));
}

#[test]
fn a_later_term_ends_a_shipper() {
    let mut shipper = Shipper::new(term(1), WINDOW);
    shipper.offer(1);
    put_all(&mut shipper);
    let check = put_all(&mut shipper);
    shipper.answer(check[0], Answer::Found(9));
    let fenced = shipper.fenced().unwrap();
    assert_eq!((&fenced.key, fenced.content), (&Key::Term(term(2)), 9));
    assert_eq!((shipper.offer(2), shipper.acknowledged()), (None, 0));
    assert!(!shipper.offer_state(1, 3) && shipper.requests().is_empty());
}

#[test]
fn a_state_waits_for_its_chunks_and_for_the_state_before_it() {
    let mut shipper = Shipper::new(term(1), WINDOW);
    shipper.offer(1);
    assert!(!shipper.offer_state(0, 5) && !shipper.offer_state(1, 5));
    put_all(&mut shipper);
    assert!(shipper.offer_state(1, 5) && !shipper.offer_state(1, 6));
    put_all(&mut shipper);
    assert_eq!(shipper.acknowledged_state(), 0);
    for check in put_all(&mut shipper) {
        shipper.answer(check, Answer::Absent);
    }
    assert_eq!(shipper.acknowledged_state(), 1);
}

#[test]
fn a_reader_whose_next_chunk_was_deleted_goes_to_the_state_beyond() {
    let mut follower = Follower::<u8>::at(term(1), 3);
    let wait = Told::Wait(Waiting::Reached(term(1)));
    assert_eq!(follower.answer(Answer::Absent), Told::More);
    assert_eq!(follower.answer(Answer::Absent), wait);
    follower.doubt();
    assert_eq!(follower.answer(Answer::Absent), Told::More);
    assert_eq!(follower.answer(Answer::Absent), Told::More);
    let states = Listing::States { term: term(1) };
    assert_eq!(follower.request(), Request::List(states));
    assert_eq!(follower.answer(Answer::Listed(vec![2, 9])), Told::More);
    assert_eq!(follower.answer(Answer::Found(7)), Told::More);
    let moved = Told::Moved {
        term: term(1),
        number: 9,
        content: 7,
    };
    assert_eq!(follower.answer(Answer::Absent), moved);
    assert_eq!(follower.place(), Some((term(1), 9)));
}

#[test]
fn a_state_beyond_that_is_not_there_leaves_a_reader_where_it_is() {
    let mut follower = Follower::<u8>::at(term(1), 3);
    follower.doubt();
    follower.answer(Answer::Absent);
    follower.answer(Answer::Absent);
    let wait = Told::Wait(Waiting::Reached(term(1)));
    assert_eq!(follower.answer(Answer::Listed(vec![0, 3])), wait);
    assert_eq!(follower.place(), Some((term(1), 3)));
}

#[test]
fn a_reader_waits_for_the_newest_term_to_begin() {
    let mut follower = Follower::<u8>::new();
    let empty = Told::Wait(Waiting::Empty);
    assert_eq!(follower.answer(Answer::Listed(vec![])), empty);
    follower.answer(Answer::Listed(vec![1, 2]));
    let begin = Told::Wait(Waiting::Begin(term(2)));
    assert_eq!(follower.answer(Answer::Listed(vec![])), begin);
    let from = term(2);
    assert_eq!(follower.request(), Request::List(Listing::Terms { from }));
}

#[test]
fn what_may_be_deleted_is_listed_by_no_later_state() {
    let mut sweeper = Sweeper::new(term(2));
    let (old, new) = (data(2, 1), data(2, 2));
    assert!(!sweeper.may_delete(&chunk(1, 0)));
    sweeper.acknowledged(0, [chunk(1, 5)]);
    assert!(sweeper.may_delete(&chunk(1, 0)) && !sweeper.may_delete(&chunk(1, 5)));
    assert!(!sweeper.may_delete(&old) && sweeper.check([&old]).is_ok());
    sweeper.acknowledged(3, [old.clone()]);
    sweeper.acknowledged(6, [new.clone()]);
    assert!(sweeper.may_delete(&old) && sweeper.check([&new, &old]).is_err());
    sweeper.acknowledged(3, [old.clone()]);
    assert!(sweeper.may_delete(&old), "an older state changes nothing");
    assert!(sweeper.may_delete(&chunk(2, 5)) && !sweeper.may_delete(&chunk(2, 6)));
    assert!(!sweeper.may_delete(&Key::Term(term(1))) && !sweeper.may_delete(&data(3, 1)));
}

#[test]
fn a_sweeper_remembers_what_is_listed_and_no_part_that_was_joined() {
    let part = |from: u64, to: u64| Key::Data {
        term: term(2),
        name: format!("tail-0000000001-0000000000-{from:010}-{to:010}")
            .parse()
            .unwrap(),
        content: from ^ to,
    };
    let mut sweeper = Sweeper::new(term(2));
    let mut parts: Vec<(u64, u64)> = Vec::new();
    let (mut joined, mut most) = (Vec::new(), 0);
    for number in 0..4096 {
        parts.push((number, number + 1));
        let mut size = 1;
        while (number + 1) % (size * 16) == 0 {
            let first = parts.len() - 16;
            let all: Vec<_> = parts.drain(first..).collect();
            parts.push((all[0].0, all[15].1));
            joined.extend(all);
            size *= 16;
        }
        let listed: Vec<Key> = parts.iter().map(|(from, to)| part(*from, *to)).collect();
        assert_eq!(sweeper.check(&listed), Ok(()));
        assert!(
            !sweeper.may_delete(&part(number, number + 2)),
            "it is not listed yet"
        );
        sweeper.acknowledged(number, listed.clone());
        assert!(!listed.iter().any(|key| sweeper.may_delete(key)));
        most = most.max(sweeper.remembered());
    }
    assert!(
        joined
            .iter()
            .all(|(from, to)| sweeper.may_delete(&part(*from, *to)))
    );
    assert!(
        joined.len() > 4096 && most <= 64,
        "{most} of {}",
        joined.len()
    );
    // A file that is listed no more, as it was rewritten, stands for its parts for ever.
    sweeper.acknowledged(5000, [data(2, 1)]);
    sweeper.acknowledged(5001, [data(2, 1)]);
    assert!(
        joined
            .iter()
            .all(|(from, to)| sweeper.may_delete(&part(*from, *to)))
    );
    assert!(sweeper.remembered() <= 64);
}

#[test]
fn the_last_term_has_no_successor() {
    assert_eq!(after(term(u64::MAX)), term(u64::MAX));
}
