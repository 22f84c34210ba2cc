//! Code that breaks a rule of sealed payloads and their keys, and the test that must fail then. Runs none.

use crate::mutate::Mutation;

/// One rule each; the options are a target of cargo's and, after ` -- `, a test of it.
pub(super) const SEAL: &[Mutation] = &[
    Mutation {
        name: "ciphertext is of any id",
        file: "crates/seal/src/crypto/bound.rs",
        find: "bytes.extend_from_slice(&id.as_u128().to_le_bytes());",
        replace: "bytes.extend_from_slice(&(id.as_u128() & 0).to_le_bytes());",
        options: "-p strandline-seal --test sealed -- ciphertext_opens_in_its_event_alone",
    },
    Mutation {
        name: "ciphertext is of any kind",
        file: "crates/seal/src/crypto/bound.rs",
        find: "bytes.extend_from_slice(&self.kind.bits().to_le_bytes());",
        replace: "bytes.extend_from_slice(&(self.kind.bits() & 0).to_le_bytes());",
        options: "-p strandline-seal --test sealed -- ciphertext_opens_in_its_event_alone",
    },
    Mutation {
        name: "ciphertext is of any version",
        file: "crates/seal/src/crypto/bound.rs",
        find: "bytes.extend_from_slice(&self.version.to_le_bytes());",
        replace: "bytes.extend_from_slice(&(self.version & 0).to_le_bytes());",
        options: "-p strandline-seal --test sealed -- ciphertext_opens_in_its_event_alone",
    },
    Mutation {
        name: "ciphertext is of any encoding",
        file: "crates/seal/src/crypto/bound.rs",
        find: "bytes.push(self.encoding.code());",
        replace: "bytes.push(self.encoding.code() & 0);",
        options: "-p strandline-seal --test sealed -- ciphertext_opens_in_its_event_alone",
    },
    Mutation {
        name: "ciphertext is of any key id",
        file: "crates/seal/src/crypto/bound.rs",
        find: "bytes.extend_from_slice(key.as_bytes());",
        replace: "bytes.extend_from_slice(&key.as_bytes()[..0]);",
        options: "-p strandline-seal --lib -- crypto::payload::tests::ciphertext_is_of_all_that_it_is_bound_to",
    },
    Mutation {
        name: "names run into each other",
        file: "crates/seal/src/crypto/bound.rs",
        find: "bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));",
        replace: "",
        options: "-p strandline-seal --lib -- crypto::payload::tests::ciphertext_is_of_all_that_it_is_bound_to",
    },
    Mutation {
        name: "two payloads under an id have one nonce",
        file: "crates/seal/src/crypto/payload.rs",
        find: "hasher.update(part);",
        replace: "let _ = part;",
        options: "-p strandline-seal --lib -- crypto::payload::tests::a_nonce_is_of_the_id_and_of_all_that_is_sealed",
    },
    Mutation {
        name: "a nonce is drawn once",
        file: "crates/seal/src/sealer.rs",
        find: "true => self.random.bytes(),",
        replace: "true => [7; 32],",
        options: "-p strandline-seal --test sealed -- a_nonce_is_used_once",
    },
    Mutation {
        name: "a forgotten key is taken at its word",
        file: "crates/seal/src/file/secret.rs",
        find: "unwrapped.is_some_and(|secret| *secret == NO_SECRET)",
        replace: "unwrapped.is_none_or(|secret| *secret == NO_SECRET)",
        options: "-p strandline-seal --test file_keys -- a_record_is_of_its_subject_and_its_file",
    },
    Mutation {
        name: "a wrapped key is of any name",
        file: "crates/seal/src/file/secret.rs",
        find: "bytes.extend_from_slice(record.name.as_bytes());",
        replace: "bytes.extend_from_slice(&record.name.as_bytes()[..0]);",
        options: "-p strandline-seal --test file_keys -- a_record_is_of_its_subject_and_its_file",
    },
    Mutation {
        name: "a wrapped key is forgotten or not",
        file: "crates/seal/src/file/secret.rs",
        find: "None => bytes.push(0),
        Some(at_ms) => {
            bytes.push(1);
            bytes.extend_from_slice(&at_ms.to_le_bytes());
        }",
        replace: "_ => bytes.push(0),",
        options: "-p strandline-seal --test file_keys -- a_record_is_of_its_subject_and_its_file",
    },
    Mutation {
        name: "any wrapping key opens a file",
        file: "crates/seal/src/file/disk.rs",
        find: "match wrapping.unwrap(&file.check, &file.mark.bound()) {",
        replace: "match wrapping.unwrap(&file.check, &file.mark.bound()).or(Some([0; 32].into())) {",
        options: "-p strandline-seal --test file_keys -- what_cannot_be_used_is_told_by_its_kind",
    },
    Mutation {
        name: "what another process did is not looked for",
        file: "crates/seal/src/file/keys.rs",
        find: "if (opened.mark, opened.extent) != known {",
        replace: "if opened.mark.identity != known.0.identity {",
        options: "-p strandline-seal --test file_keys -- two_processes_see_what_the_other_has_done",
    },
    Mutation {
        name: "a copy that was put back is what was read",
        file: "crates/seal/src/file/disk.rs",
        find: "Ok(then.map_err(|error| refused(\"read\", path, error))? == *extent)",
        replace: "Ok(then.is_ok())",
        options: "-p strandline-seal --test file_keys -- a_copy_that_was_put_back_is_seen_though_it_was_changed_as_often",
    },
    Mutation {
        name: "a change goes on from what was read before",
        file: "crates/seal/src/file/keys.rs",
        find: "        self.read_again()?;
        let (wrapping, file)",
        replace: "        let (wrapping, file)",
        options: "-p strandline-seal --test file_keys -- a_change_goes_on_from_what_another_process_has_done",
    },
    Mutation {
        name: "a rotation leaves keys as they are",
        file: "crates/seal/src/file/secret.rs",
        find: "wrapped: to.wrap(&secret, &bound(identity, record), nonce),",
        replace: "wrapped: from.wrap(&secret, &bound(identity, record), nonce),",
        options: "-p strandline-seal --test file_keys -- a_rotation_leaves_the_wrapping_key_of_before_nothing",
    },
    Mutation {
        name: "one key of a subject is left",
        file: "crates/seal/src/keys/table.rs",
        find: "record.forgotten_ms.is_none() && record.subject() == subject",
        replace: "record.forgotten_ms.is_none() && record.subject() == subject && !any",
        options: "-p strandline-seal --lib -- keys::table::tests::the_newest_key_counts_and_all_are_forgotten",
    },
    Mutation {
        name: "a damaged file is read",
        file: "crates/seal/src/file/format.rs",
        find: "if Salt::NONE.checksum(0, covered).0 != reader.u64(\"checksum\")? {",
        replace: "if reader.u64(\"checksum\")? != Salt::NONE.checksum(0, covered).0 && covered.is_empty() {",
        options: "-p strandline-seal --lib -- file::format::tests::every_flip_and_every_cut_is_found",
    },
    Mutation {
        name: "a program gives another key than was asked for",
        file: "crates/seal/src/command/keys.rs",
        find: "Answer::Key(key) if key.id() == id =>",
        replace: "Answer::Key(key) if key.id() == id || self.limits.kept_keys_max > 0 =>",
        options: "-p strandline-seal --test command_keys -- what_is_no_answer_is_an_error",
    },
    Mutation {
        name: "what a program gave is used for ever",
        file: "crates/seal/src/command/keys.rs",
        find: "now.saturating_sub(*since) < self.limits.kept_time_max",
        replace: "now.saturating_sub(*since) < self.limits.kept_time_max || now > *since",
        options: "-p strandline-seal --test command_keys -- a_program_keeps_the_keys",
    },
];
