//! `Jobs`: what is to be done beside the appends, in order. Knows nothing of what that is.

use std::collections::{BTreeSet, VecDeque};
use strandline_core::sync::{Condvar, Mutex};

/// How many jobs are given before the one that is done when nothing waits, though others wait still.
const PASSED_MAX: usize = 4;

/// Jobs in the order in which they were given. Any thread may work one off; while it does, no lock is
/// held.
#[derive(Debug)]
pub(crate) struct Jobs<J> {
    state: Mutex<State<J>>,
    /// A job was given or done, or no more are given.
    changed: Condvar,
}

#[derive(Debug)]
struct State<J> {
    waiting: VecDeque<(u64, J)>,
    /// What is done when nothing waits, or too many others were before it, and is not waited for.
    idle: Option<J>,
    /// How many were given before it.
    passed: usize,
    /// The numbers of jobs that are not done: of those that wait, and of those in work.
    unfinished: BTreeSet<u64>,
    /// The number of the next job. Numbers ascend in the order in which jobs are given.
    next: u64,
    is_closed: bool,
}

/// The right to do a job, and the duty to say that it is done: dropping it does, whatever ends the work.
#[derive(Debug)]
pub(crate) struct InWork<'a, J> {
    jobs: &'a Jobs<J>,
    /// None of a job that nobody waits for.
    number: Option<u64>,
    job: Option<J>,
}

impl<J> Default for Jobs<J> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                idle: None,
                passed: 0,
                unfinished: BTreeSet::new(),
                next: 0,
                is_closed: false,
            }),
            changed: Condvar::new(),
        }
    }
}

impl<J> Jobs<J> {
    /// Adds a job after all others.
    pub(crate) fn add(&self, job: J) {
        self.state.lock().add(job, VecDeque::push_back);
        self.changed.notify_all();
    }

    /// Adds a job after all others, unless one waits that does the same.
    pub(crate) fn add_once(&self, job: J, is_same: impl Fn(&J) -> bool) {
        let mut state = self.state.lock();
        if !state.has(is_same) {
            state.add(job, VecDeque::push_back);
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Adds a job before all others, unless one waits that does the same.
    pub(crate) fn add_first_once(&self, job: J, is_same: impl Fn(&J) -> bool) {
        let mut state = self.state.lock();
        if !state.has(is_same) {
            state.add(job, VecDeque::push_front);
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Sets the job that is done when no other one waits, and at the latest after a few others, however many
    /// wait. [`finish`](Self::finish) does not wait for it, and once no more are given it is not done.
    pub(crate) fn when_idle(&self, job: J) {
        let mut state = self.state.lock();
        if !state.is_closed {
            state.idle = Some(job);
            drop(state);
            self.changed.notify_all();
        }
    }

    /// The first of the waiting jobs, if one waits and it is of a sort.
    pub(crate) fn take_first_if(&self, is_of_sort: impl Fn(&J) -> bool) -> Option<InWork<'_, J>> {
        let mut state = self.state.lock();
        let (_, first) = state.waiting.front()?;
        if !is_of_sort(first) {
            return None;
        }
        let (number, job) = state.waiting.pop_front()?;
        Some(self.in_work(Some(number), job))
    }

    /// Whether a job waits that is not the one for when none does.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.state.lock().waiting.is_empty()
    }

    /// Whether no more are given.
    pub(crate) fn is_closed(&self) -> bool {
        self.state.lock().is_closed
    }

    /// The first job, once there is one; none once no more are given and all were taken.
    pub(crate) fn next(&self) -> Option<InWork<'_, J>> {
        let mut state = self.state.lock();
        loop {
            let is_idle_due = state.idle.is_some() && state.passed >= PASSED_MAX;
            if !is_idle_due && let Some((number, job)) = state.waiting.pop_front() {
                state.passed += usize::from(state.idle.is_some());
                return Some(self.in_work(Some(number), job));
            }
            if let Some(job) = state.idle.take() {
                state.passed = 0;
                return Some(self.in_work(None, job));
            }
            if state.is_closed {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }

    /// The first of the waiting jobs of a sort, if more than `most` of that sort wait.
    pub(crate) fn take_if_over(
        &self,
        most: usize,
        is_of_sort: impl Fn(&J) -> bool,
    ) -> Option<InWork<'_, J>> {
        let mut state = self.state.lock();
        let of_sort = || state.waiting.iter().filter(|(_, job)| is_of_sort(job));
        if of_sort().count() <= most {
            return None;
        }
        let at = state.waiting.iter().position(|(_, job)| is_of_sort(job));
        let (number, job) = state.waiting.remove(at?)?;
        Some(self.in_work(Some(number), job))
    }

    /// Returns when every job that was given before is done; does with `work` those that wait.
    pub(crate) fn finish(&self, mut work: impl FnMut(InWork<'_, J>)) {
        let end = self.state.lock().next;
        loop {
            let mut state = self.state.lock();
            let is_before = |(number, _): &(u64, J)| *number < end;
            let at = state.waiting.iter().position(is_before);
            if let Some((number, job)) = at.and_then(|at| state.waiting.remove(at)) {
                drop(state);
                work(self.in_work(Some(number), job));
                continue;
            }
            if state.unfinished.first().is_none_or(|first| *first >= end) {
                return;
            }
            self.changed.wait(&mut state);
        }
    }

    /// Says that no more are given.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        let idle = state.idle.take();
        drop((state, idle));
        self.changed.notify_all();
    }

    const fn in_work(&self, number: Option<u64>, job: J) -> InWork<'_, J> {
        InWork {
            jobs: self,
            number,
            job: Some(job),
        }
    }
}

impl<J> State<J> {
    fn add(&mut self, job: J, push: impl FnOnce(&mut VecDeque<(u64, J)>, (u64, J))) {
        let number = self.next;
        self.next += 1;
        self.unfinished.insert(number);
        push(&mut self.waiting, (number, job));
    }

    fn has(&self, is_same: impl Fn(&J) -> bool) -> bool {
        self.waiting.iter().any(|(_, job)| is_same(job))
    }
}

impl<J> InWork<'_, J> {
    /// The job; none the second time.
    pub(crate) const fn take(&mut self) -> Option<J> {
        self.job.take()
    }
}

impl<J> Drop for InWork<'_, J> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.jobs.state.lock().unfinished.remove(&number);
            self.jobs.changed.notify_all();
        }
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    fn taken(jobs: &Jobs<char>) -> String {
        let mut taken = String::new();
        jobs.finish(|mut in_work| taken.extend(in_work.take()));
        taken
    }

    #[test]
    fn jobs_come_in_order_and_what_waits_is_not_given_twice() {
        let jobs = Jobs::default();
        for job in "fcfc".chars() {
            match job {
                'c' => jobs.add_once(job, |job| *job == 'c'),
                _ => jobs.add(job),
            }
        }
        jobs.add_first_once('p', |job| *job == 'p');
        jobs.add_first_once('p', |job| *job == 'p');
        assert_eq!(taken(&jobs), "pfcf");
        jobs.close();
        assert!(jobs.next().is_none());
    }

    #[test]
    fn what_is_done_when_idle_comes_last_and_is_not_waited_for() {
        let jobs = Jobs::default();
        jobs.when_idle('m');
        jobs.add('f');
        assert_eq!(taken(&jobs), "f");
        jobs.add('g');
        let next = || jobs.next().and_then(|mut in_work| in_work.take());
        assert_eq!((next(), next()), (Some('g'), Some('m')));
        jobs.add('h');
        let take = |wanted| jobs.take_first_if(|job| *job == wanted)?.take();
        assert_eq!((take('g'), take('h'), take('h')), (None, Some('h'), None));
        jobs.when_idle('m');
        jobs.close();
        jobs.when_idle('m');
        assert!(jobs.is_closed() && jobs.next().is_none());
    }

    /// Merges of the index were never done as long as segments were sealed as fast as their footers are written.
    #[test]
    fn what_is_done_when_idle_is_done_too_while_others_wait_all_the_time() {
        let jobs = Jobs::default();
        let mut given = String::new();
        for _ in 0..20 {
            jobs.when_idle('m');
            jobs.add('f');
            jobs.add('f');
            given.extend(jobs.next().and_then(|mut in_work| in_work.take()));
        }
        assert_eq!(given, "ffffmffffmffffmffffm");
        jobs.close();
    }

    #[test]
    fn whoever_gives_more_than_may_wait_takes_the_oldest() {
        let jobs = Jobs::default();
        let help = || jobs.take_if_over(2, char::is_ascii_digit)?.take();
        for (given, taken) in [('1', None), ('c', None), ('2', None), ('3', Some('1'))] {
            jobs.add(given);
            assert_eq!(help(), taken);
        }
        assert_eq!(help(), None);
        assert_eq!(taken(&jobs), "c23");
    }

    #[test]
    fn a_job_whose_work_panics_counts_as_done() {
        let jobs = Jobs::default();
        jobs.add('x');
        let in_work = jobs.next();
        let panicked = std::thread::scope(|scope| {
            let work = || {
                let _in_work = in_work;
                panic!("the work fails");
            };
            scope.spawn(work).join()
        });
        assert!(panicked.is_err());
        assert_eq!(taken(&jobs), "", "nobody waits for it");
    }
}
