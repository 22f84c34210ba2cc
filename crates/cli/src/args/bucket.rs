//! `BucketArgs`: a bucket by its URL, and what has to be known to reach it.

use crate::outcome::{Hinted, WrongUsage};
use std::path::Path;
use std::time::Duration;
use strandline_replicate::{Bucket, BucketError, BucketErrorKind, BucketOptions, check_apart};

/// Where an endpoint is looked for, in this order, where none is given.
const ENDPOINTS: [&str; 3] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];

/// A bucket, and how results are printed.
#[derive(Debug, clap::Args)]
pub(crate) struct BucketArgs {
    /// The bucket: s3://BUCKET/PREFIX, or a directory as file:///DIRECTORY. Each store has a prefix of its own.
    #[arg(value_name = "URL", value_parser = bucket_url)]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
}

/// What has to be known to reach a bucket.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SettingArgs {
    /// Where an object store is that speaks the protocol of S3 and is not Amazon's: https://HOST:PORT. Else
    /// AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or AWS_ENDPOINT says it. With http:// nothing is encrypted.
    #[arg(long, value_name = "URL", help_heading = "The object store")]
    endpoint: Option<String>,
    /// The region of the bucket; else AWS_REGION says it.
    #[arg(long, value_name = "REGION", help_heading = "The object store")]
    region: Option<String>,
    /// How long the object store may be silent, in seconds, before a request is given up. It is made five times in all
    /// before a command that cannot begin without it fails.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, help_heading = "The object store",
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    request_timeout: u64,
}

/// What is about to be done with a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Only to read: what is not there is not made.
    Read,
    /// Also to write.
    Write,
}

/// Reads the URL of a bucket, and refuses what is none: a path may have been given in its place.
pub(crate) fn bucket_url(text: &str) -> Result<String, String> {
    let schemes = ["s3://", "gs://", "az://", "file:///"];
    if schemes.iter().any(|scheme| text.starts_with(scheme)) {
        return Ok(text.to_owned());
    }
    let meant = std::path::absolute(text).ok().filter(|path| path.is_dir());
    let meant = meant.map_or_else(String::new, |path| {
        format!("; this directory is file://{}", path.display())
    });
    Err(format!(
        "a bucket is s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///DIRECTORY{meant}"
    ))
}

impl BucketArgs {
    /// Refuses a bucket that does not lie apart from the directory of a store.
    pub(crate) fn check_apart(&self, dir: &Path) -> anyhow::Result<()> {
        check_apart(&self.url, dir).map_err(refused_bucket)
    }

    /// The bucket. Makes no request.
    pub(crate) fn open(&self, access: Access) -> anyhow::Result<Bucket> {
        self.settings.open(&self.url, access)
    }
}

impl SettingArgs {
    /// The bucket with a URL. Makes no request.
    ///
    /// # Errors
    ///
    /// `WrongUsage` if a directory is not there that is to be read.
    pub(crate) fn open(&self, url: &str, access: Access) -> anyhow::Result<Bucket> {
        if let Some(dir) = url.strip_prefix("file://")
            && access == Access::Read
            && !Path::new(dir).is_dir()
        {
            let message = format!("there is no directory {dir}, which is to be the bucket");
            return Err(WrongUsage(message).into());
        }
        let timeout = Duration::from_secs(self.request_timeout);
        let mut options = BucketOptions::new().timeout(timeout);
        if url.starts_with("s3://") {
            let named = ENDPOINTS.iter().find_map(|name| std::env::var(name).ok());
            let named = named.filter(|endpoint| !endpoint.is_empty());
            if let Some(endpoint) = self.endpoint.clone().or(named) {
                options = options.setting("aws_endpoint", endpoint);
            }
            if let Some(region) = &self.region {
                options = options.setting("aws_region", region);
            }
        } else if self.endpoint.is_some() || self.region.is_some() {
            let message = "--endpoint and --region are of s3:// alone";
            return Err(WrongUsage(message.to_owned()).into());
        }
        Bucket::open(url, options).map_err(refused_bucket)
    }
}

/// A failure of a bucket, with what to do about it.
pub(crate) fn refused_bucket(error: BucketError) -> anyhow::Error {
    let next = match error.kind() {
        BucketErrorKind::Denied => {
            "of s3://, credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, \
             AWS_SESSION_TOKEN) or from the role of the machine; docs/replication.md has the rights that are needed; a \
             clock that is far off is refused too. Of file://, the directory and all in it are to be readable, and \
             writable to ship and to take over"
        }
        BucketErrorKind::NotABucket => {
            "check the URL, and of s3:// the region and the endpoint: --region, --endpoint, AWS_REGION, AWS_ENDPOINT_URL"
        }
        BucketErrorKind::Unreachable => {
            "check the network and the endpoint: --endpoint or AWS_ENDPOINT_URL; without AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY the role of the machine is asked for, which it may not have; the command can be given \
             again"
        }
        BucketErrorKind::NotBuiltIn => {
            "use a program that is built with it: s3:// takes the feature `replicate`, gs:// and az:// those of a program of \
             your own on strandline-replicate"
        }
        BucketErrorKind::NotApart => {
            "name another directory: a bucket is neither in the directory of a store nor around it; nothing was made"
        }
        BucketErrorKind::Full => {
            "make room and give the command again: it goes on with what is there"
        }
        BucketErrorKind::Throttled => "wait a while and give the command again",
        _ => return error.into(),
    };
    let is_usage = matches!(
        error.kind(),
        BucketErrorKind::NotABucket | BucketErrorKind::NotBuiltIn | BucketErrorKind::NotApart
    );
    let next = next.to_owned();
    let error = error.into();
    Hinted {
        error,
        next,
        is_usage,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_no_url_and_is_told_as_one() {
        assert!(bucket_url("s3://logs/orders").is_ok());
        assert!(bucket_url("file:///backups/orders").is_ok());
        let here = std::path::absolute("src").unwrap();
        let said = bucket_url("src").unwrap_err();
        assert!(
            said.contains(&format!("file://{}", here.display())),
            "{said}"
        );
        for other in ["orders", "http://a/b", "file://host/a", "memory:", ""] {
            assert!(bucket_url(other).is_err(), "{other}");
        }
    }
}
