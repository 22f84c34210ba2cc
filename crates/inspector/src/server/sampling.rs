//! How far consumers are behind, looked at again and again while the server runs.

use crate::site::Sample;
use crate::views::Context;
use std::sync::Arc;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(5);

/// Takes samples for ever.
pub(super) async fn sample(context: Arc<Context>) {
    loop {
        let looked = context.clone();
        let _ = tokio::task::spawn_blocking(move || once(&looked)).await;
        tokio::time::sleep(INTERVAL).await;
    }
}

fn once(context: &Context) {
    let Ok(opened) = context.watch.now() else {
        return;
    };
    let Ok(live) = &opened.live else { return };
    let Ok((consumers, _)) = live.consumers_readable() else {
        return;
    };
    for consumer in consumers {
        if let Ok(status) = live.status(&consumer.name) {
            let sample = Sample {
                at_ms: context.clock.now_ms(),
                behind: status.behind,
            };
            context.samples.take(&consumer.name, sample);
        }
    }
}
