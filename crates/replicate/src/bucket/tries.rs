//! `PartTries`: when a part of a large object is sent again, which the object store does by itself.

use super::attempt::backoff;
use super::options::BucketOptions;
use async_trait::async_trait;
use object_store::client::HttpErrorKind;
use object_store::retry::{RetryContext, RetryFailure, RetryPolicy};
use std::sync::Arc;
use strandline_core::Random;

/// As often, and after the same waits, as other requests are tried again.
#[derive(Debug)]
pub(super) struct PartTries {
    pub(super) options: BucketOptions,
    pub(super) random: Arc<Random>,
}

#[async_trait]
impl RetryPolicy for PartTries {
    async fn retry(&self, context: RetryContext) -> bool {
        let tries = u32::try_from(context.attempt).unwrap_or(u32::MAX);
        let is_passing = match context.failure {
            RetryFailure::Status(status) => {
                // S3 may say that it is busy in the body of a 200.
                status.is_server_error()
                    || status.is_success()
                    || matches!(status.as_u16(), 408 | 429)
            }
            RetryFailure::Transport(kind) => !matches!(kind, HttpErrorKind::Decode),
            _ => false,
        };
        if !is_passing || tries >= self.options.tries_max {
            return false;
        }
        tokio::time::sleep(backoff(&self.options, &self.random, tries)).await;
        true
    }
}
