//! `Then`: what was decided, held against what was expected.

use super::diff::diff;
use std::fmt::Debug;

/// What was decided. `T` are the events, `E` why the command was refused.
///
/// Each of its checks panics where it does not hold, and shows line by line what differs: `-` was expected, `+` was
/// decided.
#[derive(Debug)]
#[must_use = "nothing is checked before it is said what is expected"]
pub struct Then<T, E> {
    result: Result<Vec<T>, E>,
}

impl<T, E> Then<T, E> {
    pub(super) const fn new(result: Result<Vec<T>, E>) -> Self {
        Self { result }
    }

    /// What was decided, to be looked at.
    ///
    /// # Errors
    ///
    /// Why the command was refused.
    pub fn into_result(self) -> Result<Vec<T>, E> {
        self.result
    }
}

impl<T: Debug, E: Debug> Then<T, E> {
    /// These events were decided.
    ///
    /// # Panics
    ///
    /// If others were, or the command was refused.
    #[track_caller]
    pub fn then_expect(self, events: impl IntoIterator<Item = T>)
    where
        T: PartialEq,
    {
        let expected: Vec<_> = events.into_iter().collect();
        match self.result {
            Ok(decided) if decided == expected => {}
            Ok(decided) => panic!("other events were decided:\n{}", diff(&expected, &decided)),
            Err(error) => panic!("the command was refused: {error:#?}\nexpected: {expected:#?}"),
        }
    }

    /// Nothing was to be done.
    ///
    /// # Panics
    ///
    /// If events were decided, or the command was refused.
    #[track_caller]
    pub fn then_nothing(self) {
        match self.result {
            Ok(decided) if decided.is_empty() => {}
            Ok(decided) => panic!("nothing was to be decided, and was: {decided:#?}"),
            Err(error) => panic!("the command was refused: {error:#?}"),
        }
    }

    /// The command was refused for this reason.
    ///
    /// # Panics
    ///
    /// If it was refused for another, or not at all.
    #[track_caller]
    pub fn then_error(self, error: E)
    where
        E: PartialEq,
    {
        match self.result {
            Err(found) if found == error => {}
            Err(found) => panic!(
                "it was refused for another reason:\n{}",
                diff(&error, &found)
            ),
            Ok(decided) => panic!("it was not refused: {decided:#?}\nexpected: {error:#?}"),
        }
    }

    /// The command was refused for a reason of which this is true.
    ///
    /// # Panics
    ///
    /// If it is not, or the command was not refused.
    #[track_caller]
    pub fn then_error_is(self, is_so: impl FnOnce(&E) -> bool) {
        match self.result {
            Err(error) if is_so(&error) => {}
            Err(error) => panic!("it was refused for another reason: {error:#?}"),
            Ok(decided) => panic!("it was not refused: {decided:#?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn then(result: Result<Vec<u8>, &'static str>) -> Then<u8, &'static str> {
        Then::new(result)
    }

    #[track_caller]
    fn says(check: impl FnOnce() + std::panic::UnwindSafe, message: &str) {
        let panic = std::panic::catch_unwind(check).expect_err("it holds");
        let said = panic.downcast_ref::<String>().unwrap();
        assert!(said.contains(message), "{said}");
    }

    #[test]
    fn what_holds_is_silent() {
        then(Ok(vec![1, 2])).then_expect([1, 2]);
        then(Ok(vec![])).then_nothing();
        then(Err("no")).then_error("no");
        then(Err("no")).then_error_is(|error| error.len() == 2);
        assert_eq!(then(Ok(vec![1])).into_result(), Ok(vec![1]));
    }

    #[test]
    fn what_does_not_hold_says_what_was_decided() {
        says(
            || then(Ok(vec![1, 3])).then_expect([1, 2]),
            "-     2,\n+     3,",
        );
        says(|| then(Err("no")).then_expect([1]), "refused: \"no\"");
        says(
            || then(Ok(vec![1])).then_nothing(),
            "nothing was to be decided",
        );
        says(|| then(Err("no")).then_nothing(), "refused: \"no\"");
        says(
            || then(Err("no")).then_error("never"),
            "- \"never\"\n+ \"no\"",
        );
        says(|| then(Ok(vec![1])).then_error("no"), "it was not refused");
        says(
            || then(Ok(vec![1])).then_error_is(|_| true),
            "it was not refused",
        );
        says(
            || then(Err("no")).then_error_is(|_| false),
            "another reason: \"no\"",
        );
    }
}
