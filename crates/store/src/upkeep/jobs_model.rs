//! Loom model of the jobs of the background: `xtask loom`.

use super::jobs::Jobs;
use std::sync::Arc;
use strandline_core::sync::atomic::{AtomicU64, Ordering};
use strandline_core::sync::thread;

#[derive(Default)]
struct Background {
    jobs: Jobs<Arc<AtomicU64>>,
}

impl Background {
    fn work(&self) {
        while let Some(mut in_work) = self.jobs.next() {
            let done = in_work.take().expect("it is taken once");
            // Relaxed: that who waits sees it is up to the jobs.
            done.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn what_was_asked_for_is_done_once_when_the_wait_for_it_is_over() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let background = Arc::new(Background::default());
        let worker = background.clone();
        let worker = thread::spawn(move || worker.work());
        let given: Vec<Arc<AtomicU64>> = (0..2).map(|_| Arc::default()).collect();
        for job in &given {
            background.jobs.add(job.clone());
        }
        background.jobs.finish(|mut in_work| {
            let done = in_work.take().expect("it is taken once");
            done.fetch_add(1, Ordering::Relaxed);
        });
        for job in given {
            assert_eq!(job.load(Ordering::Relaxed), 1);
        }
        background.jobs.close();
        worker.join().expect("the worker ends");
    });
}
