//! Code that breaks a rule of keys, signatures, and heads that are kept, and the test that must fail then. Runs none.

use crate::mutate::Mutation;

/// One rule each; the options are a target of cargo's and, after ` -- `, a test of it.
pub(super) const KEYS: &[Mutation] = &[
    Mutation {
        name: "a key under which anything is signed is taken",
        file: "crates/proof/src/note/key.rs",
        find: "if key.is_weak() {",
        replace: "if key.is_weak() && name.as_str().is_empty() {",
        options: "-p strandline-proof --lib -- note::tests::a_key_that_signs_anything_is_refused",
    },
    Mutation {
        name: "a signature is of every key with its id",
        file: "crates/proof/src/note/key.rs",
        find: "self.id == signature.id() && self.name == *signature.name()",
        replace: "self.id == signature.id()",
        options: "-p strandline-proof --lib -- note::tests::a_signature_of_a_known_key_has_to_be_right_and_others_are_passed_over",
    },
    Mutation {
        name: "a signature is of every key with its name",
        file: "crates/proof/src/note/key.rs",
        find: "self.id == signature.id() && self.name == *signature.name()",
        replace: "self.name == *signature.name()",
        options: "-p strandline-proof --lib -- note::tests::a_signature_of_a_known_key_has_to_be_right_and_others_are_passed_over",
    },
    Mutation {
        name: "a witness signs no time",
        file: "crates/proof/src/note/key.rs",
        find: r#"format!("cosignature/v1\ntime {time}\n{text}")"#,
        replace: r#"format!("cosignature/v1\ntime {}\n{text}", time.min(0))"#,
        options: "-p strandline-proof --lib -- note::tests::a_cosignature_has_a_time_and_is_no_signature_of_the_text",
    },
    Mutation {
        name: "a key with the id of another is taken",
        file: "crates/proof/src/note/key.rs",
        find: "match expected == got {",
        replace: "match expected == got || expected.get() > 0 {",
        options: "-p strandline-proof --lib -- note::tests::a_key_that_was_changed_or_is_another_is_refused",
    },
    Mutation {
        name: "of two keys of one name the first counts",
        file: "crates/proof/src/note/signed.rs",
        find: "if own.any(|other| other != key) {",
        replace: "if own.any(|other| other != key && other.id() != id) {",
        options: "-p strandline-proof --lib -- note::tests::two_keys_of_one_name_and_id_are_ambiguous",
    },
    Mutation {
        name: "a wrong signature by a known key is passed over",
        file: "crates/proof/src/note/signed.rs",
        find: "return Err(NoteError::WrongSignature { name, id });",
        replace: "continue;",
        options: "-p strandline-proof --lib -- note::tests::a_signature_of_a_known_key_has_to_be_right_and_others_are_passed_over",
    },
    Mutation {
        name: "the text of a note ends at its first empty line",
        file: "crates/proof/src/note/signed.rs",
        find: r#"note.rsplit_once("\n\n")"#,
        replace: r#"note.split_once("\n\n")"#,
        options: "-p strandline-proof --lib -- note::tests::the_text_ends_at_the_last_empty_line",
    },
    Mutation {
        name: "a note has control characters",
        file: "crates/proof/src/note/signed.rs",
        find: r#"*byte < b' ' && *byte != b'\n'"#,
        replace: r#"*byte < b' ' && *byte != b'\n' && *byte == 0"#,
        options: "-p strandline-proof --lib -- note::tests::what_is_no_note_is_refused",
    },
    Mutation {
        name: "a checkpoint is of any log",
        file: "crates/proof/src/checkpoint/signed.rs",
        find: "if expected != got {",
        replace: "if expected != got && got.is_empty() {",
        options: "-p strandline-proof --lib -- checkpoint::tests::a_checkpoint_counts_if_its_log_has_signed_it",
    },
    Mutation {
        name: "a witness signs as the log",
        file: "crates/proof/src/checkpoint/signed.rs",
        find: "is_of_log && signature.key.kind() == SignatureKind::Ed25519",
        replace: "is_of_log",
        options: "-p strandline-proof --lib -- checkpoint::tests::a_witness_is_not_the_log",
    },
    Mutation {
        name: "a witness counts by each of its names",
        file: "crates/proof/src/checkpoint/signed.rs",
        find: "policy.witnesses().contains(signature.key) && !counted.contains(&bytes)",
        replace: "policy.witnesses().contains(signature.key)",
        options: "-p strandline-proof --lib -- checkpoint::tests::a_witness_counts_once",
    },
    Mutation {
        name: "fewer witnesses will do",
        file: "crates/proof/src/checkpoint/signed.rs",
        find: "if got < required {",
        replace: "if got + 1 < required {",
        options: "-p strandline-proof --lib -- checkpoint::tests::as_many_witnesses_as_are_asked_for_have_signed",
    },
    Mutation {
        name: "a log with another root is sound",
        file: "crates/anchor/src/check.rs",
        find: "if own.root == head.root {",
        replace: "if own.root == head.root || size > 0 {",
        options: "-p strandline-anchor --test anchors -- heads::a_forged_history_is_a_manipulation",
    },
    Mutation {
        name: "a log that lost events is sound",
        file: "crates/anchor/src/check.rs",
        find: "report.find(FindingKind::Gap, size, message);",
        replace: "report.find(FindingKind::Notice, size, message);",
        options: "-p strandline-anchor --test anchors -- heads::an_older_store_in_the_place_of_the_newer_is_a_gap",
    },
    Mutation {
        name: "two logs of a size are one",
        file: "crates/anchor/src/check.rs",
        find: "if let [_, _, ..] = heads.as_slice() {",
        replace: "if let [_, _, _, ..] = heads.as_slice() {",
        options: "-p strandline-anchor --test anchors -- heads::two_logs_of_a_size_are_a_manipulation",
    },
    Mutation {
        name: "no head says that all is well",
        file: "crates/anchor/src/check.rs",
        find: "self.counted > 0 && ",
        replace: "",
        options: "-p strandline-anchor --test anchors -- heads::heads_of_others_count_for_nothing_and_changed_ones_against",
    },
    Mutation {
        name: "a head that was changed counts for nothing",
        file: "crates/anchor/src/check.rs",
        find: "report.find(FindingKind::Manipulation, size, message);
            }
            Err(error) => {",
        replace: "report.find(FindingKind::Notice, size, message);
            }
            Err(error) => {",
        options: "-p strandline-anchor --test anchors -- heads::heads_of_others_count_for_nothing_and_changed_ones_against",
    },
    Mutation {
        name: "a log that lost events is signed",
        file: "crates/anchor/src/anchors.rs",
        find: "return Ok(Going::Against(SinkError::Ahead { kept, size }));",
        replace: "return Ok(Going::On);",
        options: "-p strandline-anchor --test anchors -- heads::an_older_store_in_the_place_of_the_newer_is_a_gap",
    },
    Mutation {
        name: "another log is signed",
        file: "crates/anchor/src/anchors.rs",
        find: "Ok(Going::Against(SinkError::Contradicted { kept }))",
        replace: "Ok(Going::On)",
        options: "-p strandline-anchor --test anchors -- heads::a_forged_history_is_a_manipulation",
    },
    Mutation {
        name: "what is anchored need not be durable",
        file: "crates/anchor/src/anchors.rs",
        find: "let mut head = store.durable_head()?;",
        replace: "let mut head = store.snapshot().tree_head()?;",
        options: "-p strandline-anchor --test anchors -- heads::what_a_power_cut_can_take_back_is_not_anchored",
    },
    Mutation {
        name: "what footers say is signed",
        file: "crates/anchor/src/anchors.rs",
        find: "            then.tree().make_anew(from..head.size)?;
",
        replace: "",
        options: "-p strandline-tests --test integration -- proofs_damaged::what_is_signed_is_the_log_and_not_what_footers_say",
    },
    Mutation {
        name: "a head that nobody has signed stops all",
        file: "crates/anchor/src/anchors.rs",
        find: "newest.by_others = newest.by_others.or(Some(*head.unverified().head()));",
        replace: "newest.own = newest.own.or(Some(*head.unverified().head()));",
        options: "-p strandline-anchor --test anchors -- heads::a_head_that_nobody_has_signed_spoils_one_place_alone",
    },
    Mutation {
        name: "a witness signs in the name of the log",
        file: "crates/anchor/src/anchors.rs",
        find: "if head.note().signatures().iter().any(is_taken) {",
        replace: "if head.note().signatures().iter().skip(1).any(is_taken) {",
        options: "-p strandline-anchor --test anchors -- witness::a_witness_out_of_order_keeps_others_from_nothing",
    },
    Mutation {
        name: "a torn head spoils the next",
        file: "crates/anchor/src/sink/file.rs",
        find: r#"if kept.is_torn { " (torn)\n\n" } else { "" }"#,
        replace: r#""""#,
        options: "-p strandline-anchor --test anchors -- heads::a_torn_head_is_passed_over_and_other_files_are_left",
    },
    Mutation {
        name: "what has the name of a head is replaced",
        file: "crates/anchor/src/sink/directory.rs",
        find: "self.fs.rename_new(&temporary, &path)",
        replace: "self.fs.rename(&temporary, &path)",
        options: "-p strandline-anchor --test anchors -- heads::what_has_the_name_of_a_head_and_is_none_of_this_log_is_told",
    },
];
