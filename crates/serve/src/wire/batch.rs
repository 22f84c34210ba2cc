//! Cutting what was read into messages that clients take.

use super::message::SequencedEvent;
use prost::Message;
use std::collections::VecDeque;
use umadb_dcb::DcbSequencedEvent;

/// A message is longer only if its one event is: half of what clients take unless they are told to take more.
const MESSAGE_BYTES: usize = 2 << 20;

/// The events in order, as many in a message as fit. A message for each event that is too long for any.
pub(crate) fn cut(events: Vec<DcbSequencedEvent>) -> VecDeque<Vec<SequencedEvent>> {
    let mut messages = VecDeque::new();
    let mut message = Vec::with_capacity(events.len());
    let mut bytes = 0;
    for event in events.into_iter().map(SequencedEvent::from) {
        // With its tag and its length.
        let length = event.encoded_len() + 8;
        if bytes + length > MESSAGE_BYTES && !message.is_empty() {
            messages.push_back(std::mem::take(&mut message));
            bytes = 0;
        }
        bytes += length;
        message.push(event);
    }
    if !message.is_empty() {
        messages.push_back(message);
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use umadb_dcb::DcbEvent;

    #[test]
    fn no_message_is_long_because_of_two_events() {
        let lengths = [10, 3 << 20, 10, 10, 1 << 20, (1 << 20) + 1, 0];
        let events = lengths
            .iter()
            .enumerate()
            .map(|(place, &length)| DcbSequencedEvent {
                position: place as u64 + 1,
                event: DcbEvent::default().event_type("a").data(vec![7; length]),
                tracking_info: None,
            });
        let messages = cut(events.collect());
        let counts: Vec<_> = messages.iter().map(Vec::len).collect();
        assert_eq!(counts, [1, 1, 3, 2]);
        let positions = messages.iter().flatten().map(|event| event.position);
        assert!(positions.eq(1..=7));
        for message in messages.iter().filter(|message| message.len() > 1) {
            let length: usize = message.iter().map(|event| event.encoded_len() + 8).sum();
            assert!(length <= MESSAGE_BYTES, "{length}");
        }
        assert!(cut(Vec::new()).is_empty());
    }
}
