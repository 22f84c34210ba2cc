//! `WitnessSink`: a witness of C2SP, which signs a head if the log has only grown since the last one that it saw.

use super::{AnchorSink, Prove, SinkError};
use crate::kept::{HEADS_BYTES_MAX, KeptHeads};
use std::io;
use std::time::Duration;
use strandline_proof::{NoteSignature, SignedCheckpoint, TreeHead};
use ureq::Agent;

/// Longest answer of a witness, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 10;
/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often a witness is asked that says it is elsewhere: once where it says, and once more if another was quicker.
const ATTEMPTS: usize = 3;

/// A [witness](https://c2sp.org/tlog-witness) at a URL: somebody else who knows the key of the log, keeps its newest head
/// and signs the next one only if the log has grown. It is shown hashes, and no event.
#[derive(Debug)]
pub struct WitnessSink {
    url: String,
    agent: Agent,
    /// How many events the head had that it signed last, as far as is known here.
    size: u64,
}

impl WitnessSink {
    /// The witness whose requests go to `{url}/add-checkpoint`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            agent: agent(),
            size: 0,
        }
    }
}

impl AnchorSink for WitnessSink {
    fn name(&self) -> String {
        format!("the witness {}", self.url)
    }

    /// Not asked for: it says in its answer if it has another than was thought.
    fn newest(&mut self, _: &str) -> Result<Option<TreeHead>, SinkError> {
        Ok(None)
    }

    fn keep(
        &mut self,
        head: &SignedCheckpoint,
        prove: Prove<'_>,
    ) -> Result<Vec<NoteSignature>, SinkError> {
        let size = head.unverified().head().size;
        for _ in 0..ATTEMPTS {
            let old = self.size;
            if old > size {
                return Err(SinkError::Ahead { kept: old, size });
            }
            let mut body = format!("old {old}\n");
            for hash in prove(old)?.hashes() {
                body += &format!("{}\n", hash.to_base64());
            }
            body += &format!("\n{head}");
            let url = format!("{}/add-checkpoint", self.url);
            let (status, answer) = answered(self.agent.post(&url).send(&body), ANSWER_BYTES_MAX)?;
            match status {
                200 => {
                    let lines = answer.lines().map(str::parse::<NoteSignature>);
                    let signatures = lines.collect::<Result<Vec<_>, _>>();
                    self.size = size;
                    return signatures.map_err(|error| SinkError::Refused(error.to_string()));
                }
                // It has another head than was thought, and says of how many events.
                409 => {
                    let kept = answer.strip_suffix('\n').unwrap_or(&answer).parse();
                    let kept = kept.map_err(|_| refused(status, &answer))?;
                    if kept == old {
                        // The same size, and not the same root.
                        return Err(SinkError::Contradicted { kept });
                    }
                    if kept > size {
                        // Not kept in mind: it is asked again the next time.
                        return Err(SinkError::Ahead { kept, size });
                    }
                    self.size = kept;
                }
                // The hashes that are right for this log do not lead from its head to the new one.
                422 => return Err(SinkError::Contradicted { kept: old }),
                _ => return Err(refused(status, &answer)),
            }
        }
        Err(SinkError::Refused("it went on meanwhile".to_owned()))
    }
}

/// The heads at a URL.
///
/// # Errors
///
/// Why they cannot be had; `FileTooLarge` past [`HEADS_BYTES_MAX`].
pub fn heads_at(url: &str) -> io::Result<KeptHeads> {
    let (status, text) = answered(agent().get(url).call(), HEADS_BYTES_MAX)?;
    match status {
        200 => Ok(KeptHeads::parse(text.as_bytes())),
        status => Err(io::Error::other(format!("{url}: status {status}"))),
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder();
    let config = config.http_status_as_error(false);
    config.timeout_global(Some(TIMEOUT)).build().into()
}

fn answered(
    response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    most: u64,
) -> io::Result<(u16, String)> {
    let mut response = response.map_err(ureq::Error::into_io)?;
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(most);
    Ok((status, body.read_to_string().map_err(ureq::Error::into_io)?))
}

fn refused(status: u16, answer: &str) -> SinkError {
    let answer: String = answer.chars().take(200).collect();
    SinkError::Refused(format!("status {status}, {:?}", answer.trim()))
}
