//! The packages of this repository, as cargo knows them.

use super::rooms;
use anyhow::Context;
use cargo_metadata::{MetadataCommand, Package, TargetKind};
use std::path::Path;

/// Folders of the workspaces: the main one, and those of their own beside it.
const WORKSPACES: &[&str] = &[".", "fuzz", "benches/peers"];

/// The packages of the workspace in a folder.
pub(super) fn of_workspace(root: &Path, folder: &str) -> anyhow::Result<Vec<Package>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join(folder).join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("tidy asks cargo for the workspace")?;
    Ok(metadata.packages)
}

/// All packages, with what the rule of the rooms asks of them.
pub(super) fn all(root: &Path) -> anyhow::Result<Vec<rooms::Package>> {
    let mut all = Vec::new();
    for folder in WORKSPACES {
        for package in of_workspace(root, folder)? {
            all.push(with_rooms(root, &package)?);
        }
    }
    Ok(all)
}

fn with_rooms(root: &Path, package: &Package) -> anyhow::Result<rooms::Package> {
    let is_shipped = |kinds: &[TargetKind]| {
        kinds.iter().any(|kind| {
            matches!(
                kind,
                TargetKind::Lib | TargetKind::ProcMacro | TargetKind::Bin
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
