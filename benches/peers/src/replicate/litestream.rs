//! `Litestream`: the program, beside a database. Knows nothing of what is measured.

use super::far::Far;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use strandline_benches::engine::Failure;

/// `litestream replicate`. Killed when it is dropped.
pub(super) struct Litestream {
    child: Child,
    log: PathBuf,
}

/// A file that tells the program of a database and of a bucket. Bytes go there after twice `every` at most: so often the
/// program looks at the database, and so often it sends what it found. Both are 1 s by default.
pub(super) fn configure(
    dir: &Path,
    database: &Path,
    far: &Far,
    every: Duration,
) -> Result<PathBuf, Failure> {
    let settings = far.server().settings();
    let setting = |wanted| {
        let found = settings.iter().find(|(name, _)| *name == wanted);
        found
            .map(|(_, value)| value.as_str())
            .ok_or("the server does not say how it is reached")
    };
    let text = format!(
        "dbs:
  - path: {database}
    monitor-interval: {every:?}
    replicas:
      - type: s3
        bucket: {bucket}
        path: log
        endpoint: {endpoint}
        region: {region}
        force-path-style: true
        access-key-id: {id}
        secret-access-key: {key}
        sync-interval: {every:?}
",
        database = database.display(),
        bucket = far.server().bucket(),
        endpoint = far.server().endpoint(),
        region = setting("aws_region")?,
        id = setting("aws_access_key_id")?,
        key = setting("aws_secret_access_key")?,
    );
    let path = dir.join("litestream.yml");
    std::fs::write(&path, text)?;
    Ok(path)
}

/// What the program says of itself.
pub(super) fn version(program: &Path) -> Result<String, Failure> {
    let output = Command::new(program)
        .arg("version")
        .output()
        .map_err(|error| format!("run {}: {error}", program.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Makes `to` of what is in the bucket.
pub(super) fn restore(
    program: &Path,
    config: &Path,
    database: &Path,
    to: &Path,
) -> Result<(), Failure> {
    let output = Command::new(program)
        .arg("restore")
        .arg("-config")
        .arg(config)
        .arg("-o")
        .arg(to)
        .arg(database)
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}

impl Litestream {
    pub(super) fn start(program: &Path, config: &Path) -> Result<Self, Failure> {
        let log = config.with_extension("log");
        let file = File::create(&log)?;
        let child = Command::new(program)
            .arg("replicate")
            .arg("-config")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .map_err(|error| format!("run {}: {error}", program.display()))?;
        Ok(Self { child, log })
    }

    /// # Errors
    ///
    /// What it said, if it ended.
    pub(super) fn check(&mut self) -> Result<(), Failure> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(self.failure(&status.to_string())),
        }
    }

    /// What went wrong, with all that the program has said.
    pub(super) fn failure(&self, what: &str) -> Failure {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        format!("litestream: {what}\n{said}").into()
    }
}

impl Drop for Litestream {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
