//! `Process`: which process something was made in. A fork has what its parent had, and is another one.

/// A process, as told apart from its parent and from forks of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process(u32);

impl Process {
    /// This process.
    #[must_use]
    pub fn current() -> Self {
        Self(std::process::id())
    }

    /// Whether this is the process, and no fork of it. One call to the system, some 100 ns.
    #[must_use]
    pub fn is_current(self) -> bool {
        self == Self::current()
    }
}
