//! `Interrupt`: whether somebody asks the program to end, for commands that would go on for ever.
//!
//! Knows no other room. Every other command may be interrupted anywhere, as what it does is whole or can be done again.

use std::future::poll_fn;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::task::Poll;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// The exit code of a program that was interrupted before it could end by itself, as shells have it.
const INTERRUPTED: i32 = 130;

/// Waits for SIGINT (Ctrl-C) and SIGTERM, which end the program no more from then on: who waits ends it. The second one
/// does, at once.
pub(crate) struct Interrupt(Receiver<()>);

impl Interrupt {
    /// Begins to wait, on a thread of its own.
    ///
    /// # Errors
    ///
    /// If the operating system gives no thread or no handler.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let (mut first, mut second) = {
            let _guard = runtime.enter();
            (
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
            )
        };
        let (send, came) = channel();
        let wait = move || {
            runtime.block_on(async {
                for was_asked in [false, true] {
                    poll_fn(|context| match first.poll_recv(context) {
                        Poll::Pending => second.poll_recv(context),
                        came => came,
                    })
                    .await;
                    if was_asked || send.send(()).is_err() {
                        std::process::exit(INTERRUPTED);
                    }
                }
            });
        };
        std::thread::Builder::new()
            .name("strandline-signals".to_owned())
            .spawn(wait)?;
        Ok(Self(came))
    }

    /// Waits for so long; `true` at once if the program is asked to end.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        // A handler that is gone tells of nothing more: the time passes as without it.
        match self.0.recv_timeout(time) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(time);
                false
            }
        }
    }
}
