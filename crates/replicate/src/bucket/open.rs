//! From a URL, or from an object store that is given, to what requests need. Makes no request.

use super::attempt::Work;
use super::error::{BucketError, BucketErrorKind};
use super::options::BucketOptions;
use super::requests::Counters;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use std::error::Error;
use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use strandline_core::Random;
use strandline_core::fs::{Fs, OsFs};

/// An object store and where in it.
pub(super) struct Place {
    store: Arc<dyn ObjectStore>,
    name: Arc<str>,
    prefix: String,
    root: Option<PathBuf>,
    is_ordered: bool,
}

impl Place {
    pub(super) fn into_work(self, options: BucketOptions) -> Result<Work, BucketError> {
        let random = Random::from_os().map_err(|error| no_threads(&self.name, error))?;
        Ok(Work {
            store: self.store,
            name: self.name,
            prefix: self.prefix,
            root: self.root,
            is_ordered: self.is_ordered,
            options,
            counters: Counters::default(),
            random: Arc::new(random),
        })
    }
}

/// The error of an operating system that gives what a bucket runs on.
pub(super) fn no_threads(name: &Arc<str>, error: io::Error) -> BucketError {
    BucketError::with(BucketErrorKind::Unreachable, name, "begin", error)
}

/// The place of a store that is given.
pub(super) fn given(store: Arc<dyn ObjectStore>, prefix: &str) -> Result<Place, BucketError> {
    let name: Arc<str> = match prefix {
        "" => store.to_string().into(),
        prefix => format!("{store} {prefix}").into(),
    };
    let prefix = checked_prefix(prefix).map_err(|error| refuse(&name, error))?;
    Ok(Place {
        store,
        name,
        prefix,
        root: None,
        is_ordered: false,
    })
}

/// The place that a URL names.
pub(super) fn place(url: &str, options: &BucketOptions) -> Result<Place, BucketError> {
    let name: Arc<str> = url.into();
    let found = match url.split_once(':') {
        Some(("memory", rest)) => memory(rest),
        Some(("file", rest)) => directory(rest),
        Some(("s3", rest)) => bucket_and_prefix(rest).and_then(|(bucket, prefix)| {
            let store = cloud::s3(bucket, options)?;
            Ok((store, prefix.to_owned(), None))
        }),
        Some(("gs", rest)) => bucket_and_prefix(rest).and_then(|(bucket, prefix)| {
            let store = cloud::gcs(bucket, options)?;
            Ok((store, prefix.to_owned(), None))
        }),
        Some(("az", rest)) => bucket_and_prefix(rest).and_then(|(bucket, prefix)| {
            let store = cloud::azure(bucket, options)?;
            Ok((store, prefix.to_owned(), None))
        }),
        _ => Err("it begins with none of s3://, gs://, az://, file:/// and memory:".into()),
    };
    let (store, prefix, root) = found.map_err(|error| refuse(&name, error))?;
    let prefix = checked_prefix(&prefix).map_err(|error| refuse(&name, error))?;
    Ok(Place {
        store,
        name,
        prefix,
        is_ordered: root.is_none(),
        root,
    })
}

type Refusal = Box<dyn Error + Send + Sync>;
type Found = (Arc<dyn ObjectStore>, String, Option<PathBuf>);

fn refuse(name: &Arc<str>, error: Refusal) -> BucketError {
    let kind = match error.is::<NotBuiltIn>() {
        true => BucketErrorKind::NotBuiltIn,
        false => BucketErrorKind::NotABucket,
    };
    BucketError::with(kind, name, "open", error)
}

/// The program is built without a feature of this crate.
#[derive(Debug, thiserror::Error)]
#[error("the feature {0} of strandline-replicate is not built in")]
struct NotBuiltIn(&'static str);

fn memory(rest: &str) -> Result<Found, Refusal> {
    let prefix = rest.trim_start_matches('/').to_owned();
    Ok((Arc::new(InMemory::new()), prefix, None))
}

/// A directory as a bucket. Its parent has to be there: a disk that is not mounted is not taken for an empty
/// bucket.
fn directory(rest: &str) -> Result<Found, Refusal> {
    let Some(path) = rest
        .strip_prefix("//")
        .filter(|path| path.starts_with('/') && path.len() > 1)
    else {
        return Err("it names no directory: file:///DIRECTORY".into());
    };
    let path = FilePath::new(path);
    match OsFs.create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    if !path.is_dir() {
        return Err(format!("{} is no directory", path.display()).into());
    }
    let store = LocalFileSystem::new_with_prefix(path)?.with_fsync(true);
    Ok((Arc::new(store), String::new(), Some(path.to_owned())))
}

fn bucket_and_prefix(rest: &str) -> Result<(&str, &str), Refusal> {
    let Some(rest) = rest.strip_prefix("//") else {
        return Err("// is missing behind the scheme".into());
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() || bucket.contains(['@', '?', '#', ':']) || prefix.contains(['?', '#']) {
        return Err("it is not SCHEME://BUCKET/PREFIX".into());
    }
    Ok((bucket, prefix))
}

/// A prefix with a slash at its end, or none.
fn checked_prefix(prefix: &str) -> Result<String, Refusal> {
    let path = object_store::path::Path::parse(prefix)?;
    Ok(match path.as_ref() {
        "" => String::new(),
        path => format!("{path}/"),
    })
}

/// What is built in with features.
mod cloud {
    use super::{Arc, BucketOptions, ObjectStore, Refusal};

    /// What the environment says, over it the limits of time and the settings; one that nobody knows is an error.
    /// Whoever writes `http://` in `$endpoint` means it.
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    macro_rules! built {
        ($builder:expr, $endpoint:literal, $options:expr) => {{
            let mut builder = $builder.with_retry(once());
            let limits = limits($options);
            let settings = $options.settings.iter();
            let settings = settings.map(|(name, value)| (name.as_str(), value.as_str()));
            for (name, value) in limits
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .chain(settings)
            {
                builder = builder.with_config(name.to_ascii_lowercase().parse()?, value);
            }
            let endpoint = builder.get_config_value(&$endpoint.parse()?);
            if let Some(endpoint) = &endpoint {
                check_endpoint(endpoint)?;
            }
            if endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")) {
                builder = builder.with_config("allow_http".parse()?, "true");
            }
            Ok(Arc::new(builder.build()?))
        }};
    }

    /// Refuses what is no URL of a server: each request would panic.
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    fn check_endpoint(endpoint: &str) -> Result<(), Refusal> {
        let schemes = ["https://", "http://"];
        let host = schemes
            .iter()
            .find_map(|scheme| endpoint.strip_prefix(scheme));
        match host {
            Some(host) if !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(())
            }
            _ => Err(format!("the endpoint {endpoint:?} is not https://HOST:PORT").into()),
        }
    }

    #[cfg(feature = "s3")]
    pub(super) fn s3(
        bucket: &str,
        options: &BucketOptions,
    ) -> Result<Arc<dyn ObjectStore>, Refusal> {
        use object_store::aws::AmazonS3Builder;
        built!(
            AmazonS3Builder::from_env().with_bucket_name(bucket),
            "aws_endpoint",
            options
        )
    }

    #[cfg(not(feature = "s3"))]
    pub(super) fn s3(_: &str, _: &BucketOptions) -> Result<Arc<dyn ObjectStore>, Refusal> {
        Err(super::NotBuiltIn("s3").into())
    }

    #[cfg(feature = "gcs")]
    pub(super) fn gcs(
        bucket: &str,
        options: &BucketOptions,
    ) -> Result<Arc<dyn ObjectStore>, Refusal> {
        use object_store::gcp::GoogleCloudStorageBuilder;
        built!(
            GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket),
            "google_base_url",
            options
        )
    }

    #[cfg(not(feature = "gcs"))]
    pub(super) fn gcs(_: &str, _: &BucketOptions) -> Result<Arc<dyn ObjectStore>, Refusal> {
        Err(super::NotBuiltIn("gcs").into())
    }

    #[cfg(feature = "azure")]
    pub(super) fn azure(
        container: &str,
        options: &BucketOptions,
    ) -> Result<Arc<dyn ObjectStore>, Refusal> {
        use object_store::azure::MicrosoftAzureBuilder;
        built!(
            MicrosoftAzureBuilder::from_env().with_container_name(container),
            "azure_storage_endpoint",
            options
        )
    }

    #[cfg(not(feature = "azure"))]
    pub(super) fn azure(_: &str, _: &BucketOptions) -> Result<Arc<dyn ObjectStore>, Refusal> {
        Err(super::NotBuiltIn("azure").into())
    }

    /// No tries but ours: a create-if-absent that is made twice cannot tell its own object from another's.
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    fn once() -> object_store::RetryConfig {
        object_store::RetryConfig {
            max_retries: 0,
            ..object_store::RetryConfig::default()
        }
    }

    /// How long a connection and a request may take. The request's is for the longest; the try's own is shorter.
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    fn limits(options: &BucketOptions) -> [(&'static str, String); 2] {
        let longest_bytes = options.object_bytes_max.max(options.part_bytes);
        let timeout_ms = options.timeout.as_millis().max(1);
        let longest_ms = timeout_ms + 1000 * u128::from(longest_bytes >> 20);
        [
            ("connect_timeout", format!("{timeout_ms}ms")),
            ("timeout", format!("{longest_ms}ms")),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        let error = place(url, &BucketOptions::new()).err().unwrap();
        assert_eq!(error.kind(), BucketErrorKind::NotABucket, "{url}");
        error.source().unwrap().to_string()
    }

    #[test]
    fn a_url_that_names_no_bucket_is_refused() {
        for url in [
            "",
            "orders",
            "http://a/b",
            "file:",
            "file:///",
            "file://host/a",
            "s3:",
            "s3:///a",
            "s3://user@bucket/a",
            "s3://bucket/a?b",
            "gs://",
            "az:///",
            "memory:a//b",
        ] {
            refused(url);
        }
    }

    #[test]
    fn a_directory_is_made_where_its_parent_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let url = |name: &str| format!("file://{}/{name}", dir.path().display());
        assert!(place(&url("bucket"), &BucketOptions::new()).is_ok());
        assert!(place(&url("bucket"), &BucketOptions::new()).is_ok());
        refused(&url("away/bucket"));
        let file = dir.path().join("file");
        OsFs.open(&file, strandline_core::fs::OpenMode::Create)
            .unwrap();
        for name in ["file", "file/bucket"] {
            refused(&url(name));
        }
    }

    #[cfg(feature = "s3")]
    #[test]
    fn settings_that_nobody_knows_are_refused() {
        let options = BucketOptions::new().setting("aws_regoin", "eu");
        let error = place("s3://bucket/prefix", &options).err().unwrap();
        assert_eq!(error.kind(), BucketErrorKind::NotABucket);
    }

    #[cfg(not(feature = "gcs"))]
    #[test]
    fn what_is_not_built_in_is_said() {
        let error = place("gs://bucket", &BucketOptions::new()).err().unwrap();
        assert_eq!(error.kind(), BucketErrorKind::NotBuiltIn);
        assert!(error.source().unwrap().to_string().contains("gcs"));
    }

    #[cfg(all(feature = "s3", feature = "gcs", feature = "azure"))]
    #[test]
    fn every_cloud_is_opened_by_its_url_and_settings() {
        let options = BucketOptions::new()
            .setting("AWS_ENDPOINT", "http://127.0.0.1:1")
            .setting("aws_access_key_id", "key")
            .setting("aws_secret_access_key", "secret");
        let s3 = place("s3://bucket/a/prefix", &options).unwrap();
        assert_eq!((s3.prefix.as_str(), s3.is_ordered), ("a/prefix/", true));

        let options = BucketOptions::new().setting("google_skip_signature", "true");
        let gcs = place("gs://bucket", &options).unwrap();
        assert_eq!((gcs.prefix.as_str(), gcs.is_ordered), ("", true));

        let options = BucketOptions::new()
            .setting("azure_storage_account_name", "account")
            .setting("azure_storage_account_key", "a2V5");
        let azure = place("az://container/prefix/", &options).unwrap();
        assert_eq!((azure.prefix.as_str(), azure.is_ordered), ("prefix/", true));
    }
}
