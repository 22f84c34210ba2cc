//! `Process`: which process something was made in. A fork has what its parent had, and is another one.
//!
//! Starts none and ends none. Knows no other room.

use mark::Mark;

/// A process, as told apart from its parent and from forks of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process(u32);

impl Process {
    /// This process.
    #[must_use]
    pub fn current() -> Self {
        let id = std::process::id();
        Mark::make(id);
        Self(id)
    }

    /// Its number, on this machine or in this container.
    #[must_use]
    pub const fn id(self) -> u32 {
        self.0
    }

    /// Whether this is the process, and no fork of it. One read of memory where the system can empty a
    /// page in each fork (Linux 4.14), and else a call to the system, some 100 ns.
    #[must_use]
    #[inline]
    pub fn is_current(self) -> bool {
        match Mark::process() {
            Some(id) => self.0 == id,
            None => self.0 == std::process::id(),
        }
    }
}

/// A page of memory that says which process wrote it, and says nothing in a fork of that.
#[cfg(all(target_os = "linux", not(strandline_loom)))]
mod mark {
    use memmap2::{MmapMut, MmapRaw};
    use rustix::mm::{Advice, madvise};
    use std::sync::OnceLock;

    static MARK: OnceLock<Option<Mark>> = OnceLock::new();

    /// What the page has at its beginning until it is emptied.
    const WRITTEN: u8 = 1;
    const PAGE_BYTES: usize = 4096;

    pub(super) struct Mark {
        page: MmapRaw,
        process: u32,
    }

    impl Mark {
        /// Makes the page, once in a process and all its forks.
        pub(super) fn make(process: u32) {
            MARK.get_or_init(|| Self::new(process));
        }

        #[expect(unsafe_code, reason = "the system's call is given an address")]
        fn new(process: u32) -> Option<Self> {
            let mut page = MmapMut::map_anon(PAGE_BYTES).ok()?;
            *page.first_mut()? = WRITTEN;
            let page = MmapRaw::from(page);
            // SAFETY: the mapping is private, anonymous, and lives as long as the value that has it. The
            // advice changes what a fork finds in it, and nothing in this process.
            let advised = unsafe {
                madvise(
                    page.as_mut_ptr().cast(),
                    PAGE_BYTES,
                    Advice::LinuxWipeOnFork,
                )
            };
            advised.ok()?;
            Some(Self { page, process })
        }

        /// The process that wrote the page, if this is it. A fork finds the page empty.
        #[inline]
        #[expect(
            unsafe_code,
            reason = "what the system changes is out of the compiler's sight"
        )]
        pub(super) fn process() -> Option<u32> {
            let mark = MARK.get()?.as_ref()?;
            // SAFETY: the mapping is readable, has a byte, and lives as long as the static. Nobody writes
            // to it after it was made; in a fork the system has emptied it before the fork ran. It is read
            // anew each time, since that is not seen by the compiler.
            let byte = unsafe { mark.page.as_ptr().read_volatile() };
            (byte == WRITTEN).then_some(mark.process)
        }
    }
}

#[cfg(not(all(target_os = "linux", not(strandline_loom))))]
mod mark {
    pub(super) struct Mark;

    impl Mark {
        pub(super) const fn make(_process: u32) {}

        pub(super) const fn process() -> Option<u32> {
            None
        }
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_itself_and_no_other() {
        let process = Process::current();
        assert!(process.is_current());
        assert!(!Process(process.0 + 1).is_current());
        // On Linux no call is made to find out. That a fork is another is tested with forks, in the store.
        assert_eq!(Mark::process().is_some(), cfg!(target_os = "linux"));
    }
}
