//! `CursorStream`: a cursor as a stream of tasks.

use super::cursor::Cursor;
use crate::engine::news::Awaited;
use crate::{Error, StoredEvent};
use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The events of a cursor as a [`Stream`], which needs no runtime and has no thread of its own: what
/// [`Cursor::into_stream`] gives.
///
/// It ends after an error. To look for events reads the disk, on the thread of whoever polls; waiting for some
/// blocks nobody. Dropping it ends the wait.
#[derive(Debug)]
#[must_use = "a stream gives nothing unless it is polled"]
pub struct CursorStream {
    cursor: Cursor,
    awaited: Option<Awaited>,
    is_over: bool,
}

impl Cursor {
    /// The events as a [`Stream`], from where the cursor is.
    pub const fn into_stream(self) -> CursorStream {
        CursorStream {
            cursor: self,
            awaited: None,
            is_over: false,
        }
    }
}

impl CursorStream {
    /// The cursor, which is after the last event that was given: its [position](Cursor::position) is to be saved
    /// from here.
    pub const fn cursor(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    /// The cursor, at the same place.
    #[must_use]
    pub fn into_cursor(self) -> Cursor {
        self.cursor
    }

    fn next(&mut self, context: &Context<'_>) -> Poll<Result<StoredEvent, Error>> {
        loop {
            if let Some(awaited) = &mut self.awaited {
                let Poll::Ready(passed) = awaited.poll(context) else {
                    return Poll::Pending;
                };
                self.awaited = None;
                passed?;
            }
            if let Some(event) = self.cursor.try_next()? {
                return Poll::Ready(Ok(event));
            }
            self.awaited = Some(self.cursor.awaited()?);
        }
    }
}

impl Stream for CursorStream {
    type Item = Result<StoredEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let next = self.next(context);
        self.is_over = matches!(next, Poll::Ready(Err(_)));
        next.map(Some)
    }
}
