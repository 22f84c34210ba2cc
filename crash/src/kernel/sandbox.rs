//! File systems of the run's own: a tmpfs, and an ext4 on a loop device in it.
//!
//! The program runs itself again in a mount namespace of its own (`unshare`). When that process ends,
//! however it does, the kernel drops the mounts and detaches the device; nothing is left to clean up.

use super::shutdown::{Going, shutdown};
use anyhow::{Context, bail, ensure};
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use strandline::fs::{Fs, OpenMode, OsFs};

/// Says to the program that it is in its own namespace.
const INSIDE: &str = "STRANDLINE_CRASH_SANDBOX";

/// Whether this process is in a namespace of its own.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// What is missing for file systems of the run's own.
pub(crate) fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("it needs root".to_owned());
    }
    let tools = ["unshare", "mkfs.ext4", "mount", "losetup"];
    let missing = tools.into_iter().find(|tool| !is_there(tool))?;
    Some(format!("{missing} is not installed"))
}

/// Whether a tool is there.
pub(crate) fn is_there(tool: &str) -> bool {
    let mut asked = Command::new(tool);
    asked.arg("--version").stdout(Stdio::null());
    // mkfs.ext4 knows no --version and says so; it is there all the same.
    asked.stderr(Stdio::null()).status().is_ok()
}

/// Runs this program again, with its arguments, in a namespace of its own.
pub(crate) fn enter() -> anyhow::Result<ExitStatus> {
    let program = std::env::current_exe().context("this program has no path")?;
    Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--"])
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .status()
        .context("cannot start unshare")
}

/// Runs a tool and gives what it printed.
fn tool(name: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(name)
        .args(arguments)
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        bail!("{name} {}: {}", arguments.join(" "), told.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A tmpfs of a limited size.
#[derive(Debug)]
pub(crate) struct Tmpfs {
    /// Where it is mounted.
    pub(crate) root: PathBuf,
}

impl Tmpfs {
    /// Mounts one at `root`, with room for `bytes`.
    pub(crate) fn new(root: &Path, bytes: u64) -> anyhow::Result<Self> {
        ensure!(is_inside(), "mounts are made in a namespace of their own");
        OsFs.create_dir_all(root)?;
        let size = std::ffi::CString::new(format!("size={bytes}"))?;
        mount("tmpfs", root, "tmpfs", MountFlags::empty(), &*size)
            .with_context(|| format!("mount a tmpfs at {}", root.display()))?;
        let root = root.to_path_buf();
        Ok(Self { root })
    }

    /// Gives it room for `bytes` together.
    pub(crate) fn resize(&self, bytes: u64) -> anyhow::Result<()> {
        let size = std::ffi::CString::new(format!("size={bytes}"))?;
        mount_remount(&self.root, MountFlags::empty(), &*size)
            .with_context(|| format!("give {} room for {bytes} bytes", self.root.display()))
    }

    /// How many bytes its files take.
    pub(crate) fn used(&self) -> anyhow::Result<u64> {
        let all = rustix::fs::statvfs(&self.root)?;
        Ok((all.f_blocks - all.f_bfree) * all.f_frsize)
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // With the namespace it goes in any case.
        let _ = unmount(&self.root, UnmountFlags::DETACH);
    }
}

/// An ext4 on a loop device over a sparse file in a tmpfs.
#[derive(Debug)]
pub(crate) struct Ext4 {
    /// Where it is mounted.
    pub(crate) root: PathBuf,
    /// What holds its image.
    pub(crate) outside: Tmpfs,
    device: String,
    /// Keeps the device attached while the file system is not mounted.
    _held: File,
}

impl Ext4 {
    /// Makes and mounts one of `bytes`, in folder `at`; `options` go to mkfs.
    pub(crate) fn new(at: &Path, bytes: u64, options: &[&str]) -> anyhow::Result<Self> {
        let outside = Tmpfs::new(&at.join("outside"), 2 * bytes)?;
        let image = outside.root.join("image");
        OsFs.open(&image, OpenMode::Create)?.set_len(bytes)?;
        let image = image.to_str().context("the path of the image")?.to_owned();
        let mut arguments = vec!["-q", "-F"];
        arguments.extend(options);
        arguments.push(&image);
        tool("mkfs.ext4", &arguments)?;
        let root = at.join("ext4");
        OsFs.create_dir_all(&root)?;
        let shown = root.to_str().context("the path of the mount")?;
        tool("mount", &["-o", "loop", &image, shown])?;
        let device = tool("losetup", &["-n", "-O", "NAME", "-j", &image])?;
        let held = open(Path::new(&device))?;
        Ok(Self {
            root,
            outside,
            device,
            _held: held,
        })
    }

    /// Has no request of the device be longer than a page. A longer one that the tmpfs takes in part
    /// counts as written, for the loop device reports no short writes: the disk would lie.
    #[expect(
        clippy::disallowed_methods,
        reason = "a setting of the kernel, which the seam of files does not write"
    )]
    pub(crate) fn write_by_pages(&self) -> anyhow::Result<()> {
        let name = self.device.trim_start_matches("/dev/");
        let setting = format!("/sys/block/{name}/queue/max_sectors_kb");
        std::fs::write(&setting, "4").with_context(|| format!("write {setting}"))
    }

    /// Cuts the file system off from its disk.
    pub(crate) fn cut(&self, going: Going) -> anyhow::Result<()> {
        shutdown(&open(&self.root)?, going).context("shut the file system down")
    }

    /// Unmounts the file system and mounts it again, from what the disk has.
    pub(crate) fn remount(&self) -> anyhow::Result<()> {
        unmount(&self.root, UnmountFlags::empty()).context("unmount")?;
        let flags = MountFlags::empty();
        mount(&*self.device, &self.root, "ext4", flags, None).context("mount again")
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        let _ = unmount(&self.root, UnmountFlags::DETACH);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a directory and a device, which the seam of files does not open"
)]
fn open(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| format!("open {}", path.display()))
}
