//! What the files of a partition are called.

use strandline_core::Random;
use strandline_core::fs::TEMPORARY_SUFFIX;

const LEASE: &str = "lease-";
const CLAIM: &str = "claim-";
const REQUEST: &str = "request-";
const REQUEST_SUFFIX: &str = ".json";
const TOKEN_DIGITS: usize = 10;
const TIME_DIGITS: usize = 20;
const RANDOM_DIGITS: usize = 16;

/// The file of a lease.
pub(super) fn lease(token: u32) -> String {
    format!("{LEASE}{token:0TOKEN_DIGITS$}")
}

/// The token of a lease, if that is what a file is.
pub(super) fn lease_token(name: &str) -> Option<u32> {
    digits(name.strip_prefix(LEASE)?, TOKEN_DIGITS)?
        .parse()
        .ok()
}

/// What the file of a lease has after its first line: how often it was renewed without a save, and when last, in
/// milliseconds since 1970. As long each time, so that the file does not grow.
pub(super) fn beat(beats: u64, now_ms: u64) -> String {
    format!("{beats:020} {now_ms:0TIME_DIGITS$}\n")
}

/// When a lease was renewed last without a save, as its file has it after the first line.
pub(super) fn beat_time(line: &str) -> Option<u64> {
    let (_, time) = line.split_once(' ')?;
    digits(time, TIME_DIGITS)?.parse().ok()
}

/// What the file of a lease is called until it is locked and written.
pub(super) fn claim(random: &Random) -> String {
    let number = number(random);
    format!("{CLAIM}{number:0RANDOM_DIGITS$x}{TEMPORARY_SUFFIX}")
}

/// Whether a file is what a claim was interrupted with, or is at.
pub(super) fn is_claim(name: &str) -> bool {
    name.starts_with(CLAIM) && name.ends_with(TEMPORARY_SUFFIX)
}

/// The file of a request: in the order of their times.
pub(super) fn request(now_ms: u64, random: &Random) -> String {
    let number = number(random);
    format!("{REQUEST}{now_ms:0TIME_DIGITS$}-{number:0RANDOM_DIGITS$x}{REQUEST_SUFFIX}")
}

/// A random number that a fork of this process, which has the same source, does not draw too.
fn number(random: &Random) -> u64 {
    random.number() ^ (u64::from(std::process::id()) << 32)
}

/// When a request was made, in milliseconds since 1970, if that is what a file is.
pub(super) fn request_time(name: &str) -> Option<u64> {
    let rest = name.strip_prefix(REQUEST)?.strip_suffix(REQUEST_SUFFIX)?;
    let (time, random) = rest.split_once('-')?;
    let is_random = random.len() == RANDOM_DIGITS;
    digits(time, TIME_DIGITS)?
        .parse()
        .ok()
        .filter(|_| is_random)
}

fn digits(text: &str, count: usize) -> Option<&str> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(text)
}

/// The token of a state, and which save under it, as one number.
pub(super) fn state_number(token: u32, save: u32) -> u64 {
    u64::from(token) << 32 | u64::from(save)
}

/// The token that a state was saved under.
pub(super) fn token_of(state_number: u64) -> u32 {
    u32::try_from(state_number >> 32).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let random = Random::from_seed(1);
        assert_eq!(lease(7), "lease-0000000007");
        assert_eq!(lease_token(&lease(u32::MAX)), Some(u32::MAX));
        for wrong in [
            "lease-7",
            "lease-99999999999",
            "lease-4294967296",
            "lease-+000000007",
        ] {
            assert_eq!(lease_token(wrong), None, "{wrong}");
        }
        assert_eq!(beat(7, 9).len(), beat(u64::MAX, u64::MAX).len());
        assert_eq!(beat_time(beat(7, 9).trim_end()), Some(9));
        for wrong in ["", "00000000000000000007", "7 9", "7 99999999999999999999"] {
            assert_eq!(beat_time(wrong), None, "{wrong}");
        }
        assert!(is_claim(&claim(&random)));
        assert_eq!(request_time(&request(7, &random)), Some(7));
        assert_eq!(
            request_time(&(request(7, &random) + TEMPORARY_SUFFIX)),
            None
        );
        assert!(request(9, &random) < request(10, &random));
        assert_eq!(token_of(state_number(7, u32::MAX)), 7);
        assert!(state_number(7, u32::MAX) < state_number(8, 0));
    }
}
