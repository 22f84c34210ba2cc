//! The paths of tiles: three digits of the number a folder, so that no folder has many files.

use super::error::TileError;
use super::tile::{TILE_WIDTH, Tile, TileKind};
use crate::text;
use std::fmt;
use std::str::FromStr;

/// Folders that the greatest number has.
const PARTS_MAX: usize = 7;

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_path(self, f)
    }
}

impl FromStr for Tile {
    type Err = TileError;

    fn from_str(path: &str) -> Result<Self, TileError> {
        parse_path(path)
    }
}

fn write_path(tile: &Tile, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match tile.kind() {
        TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
        TileKind::Entries => f.write_str("tile/entries/")?,
    }
    let mut parts = Vec::new();
    let mut left = tile.index();
    while left >= 1000 {
        parts.push(left % 1000);
        left /= 1000;
    }
    parts.push(left);
    while let Some(part) = parts.pop() {
        match parts.is_empty() {
            true => write!(f, "{part:03}")?,
            false => write!(f, "x{part:03}/")?,
        }
    }
    match tile.is_partial() {
        true => write!(f, ".p/{}", tile.width()),
        false => Ok(()),
    }
}

fn parse_path(path: &str) -> Result<Tile, TileError> {
    let rest = path.strip_prefix("tile/").ok_or(TileError::Path)?;
    let (kind, rest) = rest.split_once('/').ok_or(TileError::Path)?;
    let kind = match kind {
        "entries" => TileKind::Entries,
        level => {
            let level = text::decimal(level).and_then(|level| u8::try_from(level).ok());
            let level = level.ok_or(TileError::Path)?;
            TileKind::Hashes { level }
        }
    };
    let (number, width) = match rest.split_once(".p/") {
        None => (rest, TILE_WIDTH),
        Some((number, width)) => {
            let width = text::decimal(width).and_then(|width| u16::try_from(width).ok());
            let width = width.filter(|width| *width < TILE_WIDTH);
            (number, width.ok_or(TileError::Path)?)
        }
    };
    let index = parse_number(number).ok_or(TileError::Path)?;
    let tile = Tile::new(kind, index, width)?;
    // One path for each tile: zeros before the number are another.
    match tile.to_string() == path {
        true => Ok(tile),
        false => Err(TileError::Path),
    }
}

fn parse_number(number: &str) -> Option<u64> {
    let mut index = 0_u64;
    for (part, place) in number.split('/').zip(0..) {
        let digits = part.strip_prefix('x').unwrap_or(part);
        let is_part = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_part || place >= PARTS_MAX {
            return None;
        }
        let part: u64 = digits.parse().ok()?;
        index = index.checked_mul(1000)?.checked_add(part)?;
    }
    Some(index)
}
