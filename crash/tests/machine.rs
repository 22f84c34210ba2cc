//! The store against its model, by chance. A case that fails is made smaller, and its seed is kept in
//! `crash/proptest-regressions`.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use strandline_crash::machine::{Call, run};

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
