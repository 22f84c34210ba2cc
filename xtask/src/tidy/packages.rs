//! The packages of this repository, as cargo knows them.

use super::rooms;
use anyhow::Context;
use cargo_metadata::{MetadataCommand, Package, TargetKind};
use std::path::Path;

/// Folders of the workspaces beside the main one.
const BESIDE: [&str; 3] = ["fuzz", "benches/peers", "python"];

/// The packages of the main workspace.
pub(super) fn of_workspace(root: &Path) -> anyhow::Result<Vec<Package>> {
    within(root)
}

/// The packages of the workspaces beside the main one.
pub(super) fn beside(root: &Path) -> anyhow::Result<Vec<Package>> {
    let mut packages = Vec::new();
    for folder in BESIDE {
        packages.extend(within(&root.join(folder))?);
    }
    Ok(packages)
}

fn within(folder: &Path) -> anyhow::Result<Vec<Package>> {
    let metadata = MetadataCommand::new()
        .manifest_path(folder.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("tidy asks cargo for the workspace")?;
    Ok(metadata.packages)
}

/// What the rule of the rooms asks of a package.
pub(super) fn with_rooms(root: &Path, package: &Package) -> anyhow::Result<rooms::Package> {
    let is_shipped = |kinds: &[TargetKind]| {
        kinds.iter().any(|kind| {
            matches!(
                kind,
                TargetKind::Lib | TargetKind::CDyLib | TargetKind::ProcMacro | TargetKind::Bin
            )
        })
    };
    let targets = package.targets.iter();
    let roots = targets
        .filter(|target| is_shipped(&target.kind))
        .map(|target| relative(root, target.src_path.as_std_path()));
    let rooms = package.metadata.pointer("/tidy/rooms");
    let rooms = rooms.map(|rooms| serde_json::from_value(rooms.clone()));
    Ok(rooms::Package {
        manifest: relative(root, package.manifest_path.as_std_path())?,
        roots: roots.collect::<anyhow::Result<_>>()?,
        rooms: rooms
            .transpose()
            .with_context(|| format!("rooms of {} is no list of texts", package.name))?,
    })
}

fn relative(root: &Path, path: &Path) -> anyhow::Result<String> {
    let path = path
        .strip_prefix(root)
        .context("cargo names a file outside the repository")?;
    Ok(path.to_string_lossy().replace('\\', "/"))
}
