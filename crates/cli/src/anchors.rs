//! Heads that are kept elsewhere: where they are, as it is given on a command line; a store held against them, shown.
//!
//! Knows `args`, `outcome` and `terminal`.

use crate::args::PolicyArgs;
#[cfg(feature = "replicate")]
use crate::args::{Access, SettingArgs, bucket_url};
use crate::outcome::WrongUsage;
use crate::terminal::{Screen, count, number};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use strandline::fs::OsFs;
use strandline::{Error, Store};
use strandline_anchor::{
    AnchorSink, CommandSink, DirectorySink, FileSink, FindingKind, HeadsReport, KeptHeads,
    WitnessSink, check, heads_at,
};
use strandline_proof::LogPolicy;

/// Heads against which a store is held, and whose signatures count.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct HeldArgs {
    /// Check that the log is one that goes on from the heads in this file, directory, bucket or URL, as `heads sign`
    /// keeps them. May be given several times.
    #[arg(long, value_name = "FILE|URL")]
    anchors: Vec<String>,
    #[command(flatten)]
    buckets: BucketsArgs,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// What has to be known to reach buckets that have heads.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct BucketsArgs {
    #[cfg(feature = "replicate")]
    #[command(flatten)]
    settings: SettingArgs,
}

/// Heads, and whose signatures count.
pub(crate) struct Held {
    kept: KeptHeads,
    policy: LogPolicy,
}

impl HeldArgs {
    /// Reads the heads that are asked for; `None` if none are.
    ///
    /// # Errors
    ///
    /// What cannot be read, or is missing.
    pub(crate) fn read(&self) -> anyhow::Result<Option<Held>> {
        if self.anchors.is_empty() {
            return match self.policy.is_given() {
                true => {
                    let message = "keys are of heads: name these with --anchors";
                    Err(WrongUsage(message.to_owned()).into())
                }
                false => Ok(None),
            };
        }
        let policy = self.policy.policy()?;
        let kept = self.kept()?;
        Ok(Some(Held { kept, policy }))
    }

    /// What the log is called, if that is said.
    #[cfg(feature = "ui")]
    pub(crate) fn origin(&self) -> Option<&str> {
        self.policy.origin_given()
    }

    /// The heads as they are now.
    ///
    /// # Errors
    ///
    /// What cannot be read.
    pub(crate) fn kept(&self) -> anyhow::Result<KeptHeads> {
        let mut kept = KeptHeads::default();
        for from in &self.anchors {
            let read = match place(from) {
                Place::Url => heads_at(from),
                Place::Bucket => self.buckets.heads(from)?,
                Place::Command | Place::Path => KeptHeads::read(&OsFs, Path::new(from)),
            };
            let read =
                read.map_err(|error| WrongUsage(format!("{from} cannot be read: {error}")))?;
            kept.add(read);
        }
        Ok(kept)
    }
}

impl Held {
    /// Whose signatures count.
    #[cfg(feature = "ui")]
    pub(crate) fn policy(&self) -> LogPolicy {
        self.policy.clone()
    }

    /// Holds a store against the heads.
    pub(crate) fn against(&self, store: &Store) -> Result<HeadsReport, Error> {
        check(&store.snapshot(), &self.kept, &self.policy)
    }
}

/// Shows what a store is, held against heads.
pub(crate) fn show(screen: &mut Screen, report: &HeadsReport) -> std::io::Result<()> {
    screen.text(&format!(
        "{} of {} count; of {} those before sequence {} are anchored",
        number(report.counted),
        count(report.heads, "head"),
        count(report.log_size, "event"),
        report.anchored
    ))?;
    for finding in &report.findings {
        let mark = match finding.kind {
            FindingKind::Notice => "  ",
            _ => "!! ",
        };
        screen.text(&format!("{mark}{finding}"))?;
    }
    let has = |kind| report.findings.iter().any(|finding| finding.kind == kind);
    if has(FindingKind::Manipulation) {
        screen.text(
            "  next: keep the files and the heads as they are, and compare them with backups and replicas; \
             docs/proof.md says what else it may be: the heads of another log that the same key has signed, say",
        )?;
    } else if has(FindingKind::Gap) {
        screen.text(
            "  next: look for the events that are missing, in a backup, a replica or a bucket; or these are the heads of \
             another log that the same key has signed: a key is for one log",
        )?;
    } else if has(FindingKind::Forgotten) {
        screen.text(
            "  next: sign a head of the log as it is, with `heads sign`, after comparing it with a backup that was proved",
        )?;
    }
    Ok(())
}

/// The same for programs.
pub(crate) fn as_json(report: &HeadsReport) -> Value {
    let findings = report.findings.iter().map(|finding| {
        json!({
            "kind": finding.kind.name(),
            "size": finding.size,
            "message": finding.message,
        })
    });
    json!({
        "sound": report.is_sound(),
        "heads": report.heads,
        "counted": report.counted,
        "log_size": report.log_size,
        "anchored": report.anchored,
        "unanchored": report.log_size - report.anchored,
        "findings": findings.collect::<Vec<_>>(),
    })
}

/// What a text names.
enum Place {
    /// Something that is reached by HTTP.
    Url,
    /// A prefix in an object store.
    Bucket,
    /// A command of the shell.
    Command,
    /// A file or a directory.
    Path,
}

fn place(text: &str) -> Place {
    let is = |scheme: &&str| text.starts_with(*scheme);
    if is_witness(text) {
        Place::Url
    } else if ["s3://", "gs://", "az://", "file:"].iter().any(is) {
        Place::Bucket
    } else if is(&"command:") {
        Place::Command
    } else {
        Place::Path
    }
}

impl BucketsArgs {
    /// The place that a text means, in which heads are to be kept.
    ///
    /// # Errors
    ///
    /// What is wrong with the URL of a bucket.
    pub(crate) fn sink(&self, text: &str) -> anyhow::Result<Box<dyn AnchorSink>> {
        let path = Path::new(text);
        Ok(match place(text) {
            Place::Url => Box::new(WitnessSink::new(text)),
            Place::Bucket => self.bucket_sink(text)?,
            Place::Command => {
                let command = text.strip_prefix("command:").unwrap_or(text);
                if command.trim().is_empty() {
                    let message = "command: and then the command that is given each head";
                    return Err(WrongUsage(message.to_owned()).into());
                }
                Box::new(CommandSink::new("sh", ["-c", command]))
            }
            Place::Path if text.ends_with('/') || path.is_dir() => {
                Box::new(DirectorySink::new(Arc::new(OsFs), path))
            }
            Place::Path => Box::new(FileSink::new(Arc::new(OsFs), path)),
        })
    }
}

#[cfg(feature = "replicate")]
impl BucketsArgs {
    fn open(&self, url: &str, access: Access) -> anyhow::Result<strandline_replicate::Bucket> {
        self.settings
            .open(&bucket_url(url).map_err(WrongUsage)?, access)
    }

    fn bucket_sink(&self, url: &str) -> anyhow::Result<Box<dyn AnchorSink>> {
        let bucket = self.open(url, Access::Write)?;
        Ok(Box::new(strandline_anchor::BucketSink::new(bucket)))
    }

    fn heads(&self, url: &str) -> anyhow::Result<std::io::Result<KeptHeads>> {
        let bucket = self.open(url, Access::Read)?;
        Ok(strandline_anchor::heads_in(&bucket))
    }
}

#[cfg(not(feature = "replicate"))]
impl BucketsArgs {
    fn bucket_sink(&self, url: &str) -> anyhow::Result<Box<dyn AnchorSink>> {
        Err(no_buckets(url).into())
    }

    fn heads(&self, url: &str) -> anyhow::Result<std::io::Result<KeptHeads>> {
        Err(no_buckets(url).into())
    }
}

#[cfg(not(feature = "replicate"))]
fn no_buckets(url: &str) -> WrongUsage {
    WrongUsage(format!(
        "{url} is a bucket, and this program is built without `replicate`, which has these"
    ))
}

/// Whether it is a witness, whose signature is to be in what the others keep.
pub(crate) fn is_witness(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}
