//! The store against its model, by chance. A case that fails is made smaller, and its seed is kept in
//! `crash/proptest-regressions`.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use strandline_crash::machine::{Call, run, run_with};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "proptest-regressions/machine.txt",
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_store_answers_as_its_model(
        calls in proptest::collection::vec(any::<[u8; 4]>().prop_map(Call), 1..120),
    ) {
        run(calls).map_err(|violation| TestCaseError::fail(violation.message))?;
    }
}

/// What moves records while somebody reads beside it, as often as it stands here.
const BESIDE_A_READER: [&str; 22] = [
    "append",
    "append",
    "append",
    "batch",
    "batch",
    "repeat",
    "sync",
    "checkpoint",
    "open a reader",
    "open a reader",
    "refresh the reader",
    "refresh the reader",
    "refresh the reader",
    "verify",
    "close",
    "drop",
    "kill",
    "failed sync",
    "failed sync",
    "compact",
    "redact",
    "redact",
];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// By chance alone a segment is seldom carried, rewritten and then followed.
    #[test]
    fn a_reader_beside_rewritings_answers_as_its_model(
        calls in proptest::collection::vec(
            // Few entities and short payloads, so that records move by a little.
            (proptest::sample::select(&BESIDE_A_READER[..]), 0..4_u8, 0..60_u8, any::<u8>()),
            1..60,
        ),
    ) {
        let calls = calls.into_iter();
        let calls = calls.map(|(name, who, size, how)| Call::named(name, [who, size, how]).unwrap());
        run(calls).map_err(|violation| TestCaseError::fail(violation.message))?;
    }
}

/// What has to do with merged blocks, as often as it stands here.
const OF_MERGES: [&str; 32] = [
    "append",
    "append",
    "append",
    "append",
    "append",
    "append",
    "batch",
    "batch",
    "batch",
    "submit",
    "repeat",
    "taken id",
    "wrong version",
    "condition",
    "query",
    "query",
    "disk full",
    "damage merged files",
    "keep snapshot",
    "look at snapshots",
    "open a reader",
    "refresh the reader",
    "verify",
    "back up",
    "close",
    "kill",
    "power cut",
    "failed sync",
    "compact",
    "compact",
    "redact",
    "restore",
];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_store_of_merged_segments_answers_as_its_model(
        segment_events in 1..5_u32,
        calls in proptest::collection::vec(
            (proptest::sample::select(&OF_MERGES[..]), any::<u8>(), 0..100_u8, any::<u8>()),
            40..160,
        ),
    ) {
        let calls = calls.into_iter();
        let calls = calls.map(|(name, who, size, how)| Call::named(name, [who, size, how]).unwrap());
        run_with(Some(segment_events), calls)
            .map_err(|violation| TestCaseError::fail(violation.message))?;
    }
}

/// A reader went on after the tail of a segment was carried into the next one and the segment written
/// anew, and took a frame twice that it had read before.
#[test]
fn a_reader_takes_no_carried_frame_twice() {
    let append = [0; 4];
    let (failed_sync, open_a_reader) = ([255, 115, 36, 110], [180, 77, 109, 218]);
    let (redact, rebuild) = ([249, 137, 9, 110], [196, 37, 159, 48]);
    let refresh_the_reader = [185, 229, 35, 195];
    let calls = [
        append,
        append,
        append,
        append,
        [0, 0, 211, 0],
        [0, 0, 2, 226],
        failed_sync,
        [6, 65, 224, 227],
        open_a_reader,
        redact,
        [24, 229, 62, 100],
        rebuild,
        refresh_the_reader,
    ];
    if let Err(violation) = run(calls.map(Call)) {
        panic!("{violation}");
    }
}

/// An event that was compacted away and appended again was looked for in its first place.
#[test]
fn what_came_again_is_found_where_it_came_again() {
    let calls = [
        [0, 6, 0, 0],
        [60, 1, 0, 181],
        [0, 1, 0, 0],
        [239, 79, 0, 0],
        [0, 0, 0, 0],
        [92, 13, 0, 0],
        [0, 0, 0, 28],
        [140, 238, 196, 38],
    ];
    if let Err(violation) = run(calls.map(Call)) {
        panic!("{violation}");
    }
}

/// A reader went on in a file that was rewritten after the segment was carried into it. The last frame that it
/// had read stands there where it stood, and within an earlier one a record does not.
#[test]
fn a_reader_takes_no_rewritten_file_for_a_copy() {
    let append = [0; 4];
    let (open_a_reader, refresh_the_reader) = ([179, 0, 0, 0], [185, 0, 0, 0]);
    let (failed_sync, redact) = ([253, 0, 0, 0], [245, 0, 146, 162]);
    let calls = [
        append,
        append,
        append,
        [60, 0, 34, 28],
        append,
        open_a_reader,
        failed_sync,
        [60, 0, 0, 56],
        redact,
        refresh_the_reader,
    ];
    if let Err(violation) = run(calls.map(Call)) {
        panic!("{violation}");
    }
}

/// A merged file had no removed head, since each stream that ends in one went on in a later segment of it. Such
/// a segment was compacted, and nothing told any more that the others are to be asked for the heads that the
/// file had passed over: the next file of them lacked these.
#[test]
fn a_merged_file_lists_removed_heads_that_one_before_passed_over() {
    let calls = [
        ("append", [0, 0, 0]),
        ("append", [0, 0, 0]),
        ("append", [182, 42, 70]),
        ("submit", [16, 90, 201]),
        ("disk full", [126, 56, 87]),
        ("batch", [39, 32, 82]),
        ("disk full", [197, 74, 245]),
        ("append", [4, 13, 70]),
        ("append", [43, 91, 84]),
        ("batch", [167, 34, 206]),
        ("batch", [72, 4, 78]),
        ("append", [127, 70, 25]),
        ("append", [229, 11, 53]),
        ("append", [241, 41, 12]),
        ("compact", [37, 99, 6]),
        ("redact", [53, 17, 25]),
        ("failed sync", [86, 42, 249]),
        ("batch", [173, 44, 21]),
        ("compact", [236, 57, 84]),
        ("verify", [5, 73, 60]),
    ];
    let calls = calls.map(|(name, rest)| Call::named(name, rest).unwrap());
    if let Err(violation) = run_with(Some(2), calls) {
        panic!("{violation}");
    }
}

/// What was kept of merged files, to be put back, was one with a flipped bit too: verification named it, and is
/// right.
#[test]
fn no_merged_file_is_put_back_that_was_damaged() {
    let append = ("append", [0; 3]);
    let mut calls = vec![append; 5];
    calls.extend([
        ("append", [3, 0, 0]),
        ("submit", [15, 0, 57]),
        ("batch", [19, 0, 3]),
        ("batch", [29, 0, 26]),
        ("compact", [0, 12, 84]),
        ("damage merged files", [0, 49, 77]),
        append,
        append,
        ("damage merged files", [0, 0, 3]),
    ]);
    let calls = calls.into_iter();
    let calls = calls.map(|(name, rest)| Call::named(name, rest).unwrap());
    if let Err(violation) = run_with(Some(1), calls) {
        panic!("{violation}");
    }
}
