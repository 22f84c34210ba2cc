//! Every atomic, lock and thread of the workspace: std and parking_lot, or loom under
//! `--cfg strandline_loom`, so that the models run the shipped code.
//!
//! Public so that the other crates can be switched together; outside semantic versioning.
//!
//! Under loom a wait with a timeout never times out, so that a lost wake-up shows as a deadlock.

#[cfg(not(strandline_loom))]
mod real {
    use std::fmt;

    pub use parking_lot::{
        Condvar, MutexGuard, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult,
    };
    pub use std::sync::atomic;
    pub use std::thread;

    /// parking_lot's mutex. `Debug` does not show what is in it: to hold the lock while a caller's
    /// formatter is written to would let that hold up everyone else.
    #[derive(Default)]
    pub struct Mutex<T>(parking_lot::Mutex<T>);

    impl<T> Mutex<T> {
        /// A mutex that nobody holds.
        #[inline]
        pub const fn new(value: T) -> Self {
            Self(parking_lot::Mutex::new(value))
        }

        /// Takes the lock, once nobody holds it.
        #[inline]
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock()
        }
    }

    impl<T> fmt::Debug for Mutex<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Mutex").finish_non_exhaustive()
        }
    }

    /// parking_lot's lock for readers and writers. `Debug` does not show what is in it, as with
    /// [`Mutex`].
    #[derive(Default)]
    pub struct RwLock<T>(parking_lot::RwLock<T>);

    impl<T> RwLock<T> {
        /// A lock that nobody holds.
        #[inline]
        pub const fn new(value: T) -> Self {
            Self(parking_lot::RwLock::new(value))
        }

        /// Takes the lock to read, once nobody writes.
        #[inline]
        pub fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read()
        }

        /// Takes the lock to write, once nobody else holds it.
        #[inline]
        pub fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write()
        }
    }

    impl<T> fmt::Debug for RwLock<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("RwLock").finish_non_exhaustive()
        }
    }
}

#[cfg(strandline_loom)]
mod model {
    use std::ops::{Deref, DerefMut};
    use std::time::Duration;

    pub use loom::sync::atomic;
    pub use loom::thread;

    /// loom's mutex with the interface of parking_lot's.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    /// Guard of a [`Mutex`].
    pub struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(
                self.0.lock().expect("no model panics with a lock held"),
            ))
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.0.as_ref().expect("taken only inside a wait")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().expect("taken only inside a wait")
        }
    }

    /// loom's condition variable with the interface of parking_lot's.
    #[derive(Debug, Default)]
    pub struct Condvar(loom::sync::Condvar);

    /// Outcome of a wait with a timeout.
    pub struct WaitTimeoutResult;

    impl WaitTimeoutResult {
        pub fn timed_out(&self) -> bool {
            false
        }
    }

    impl Condvar {
        pub fn new() -> Self {
            Self(loom::sync::Condvar::new())
        }

        pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let held = guard.0.take().expect("taken only inside a wait");
            guard.0 = Some(self.0.wait(held).expect("no model panics with a lock held"));
        }

        pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _: Duration) -> WaitTimeoutResult {
            self.wait(guard);
            WaitTimeoutResult
        }

        pub fn notify_one(&self) {
            self.0.notify_one();
        }

        pub fn notify_all(&self) {
            self.0.notify_all();
        }
    }

    /// loom's lock with the interface of parking_lot's.
    #[derive(Debug, Default)]
    pub struct RwLock<T>(loom::sync::RwLock<T>);

    pub use loom::sync::{RwLockReadGuard, RwLockWriteGuard};

    impl<T> RwLock<T> {
        pub fn new(value: T) -> Self {
            Self(loom::sync::RwLock::new(value))
        }

        pub fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().expect("no model panics with a lock held")
        }

        pub fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write().expect("no model panics with a lock held")
        }
    }
}

#[cfg(strandline_loom)]
pub use model::*;
#[cfg(not(strandline_loom))]
pub use real::*;

/// Leaves a wake-up of `thread::park` on this thread when it is dropped: for a stretch of work with channels
/// or scopes of threads, which may take one that was meant for an executor. One too many does no harm:
/// who parks looks again.
#[derive(Debug, Default)]
#[must_use = "it is to be dropped after the work"]
pub struct KeepsWakeUp(());

impl Drop for KeepsWakeUp {
    fn drop(&mut self) {
        thread::current().unpark();
    }
}
