//! `tiles`: the tree of a log as static files, which any web server hands out.

use crate::args::{StoreArgs, log_signer_key};
use crate::files::{Input, replace};
use crate::outcome::{Outcome, WrongUsage};
use crate::terminal::{Bar, Screen, count};
use serde_json::json;
use std::path::{Path, PathBuf};
use strandline::maintenance::Meter;
use strandline::{LogTree, Sequence};
use strandline_proof::{
    Checkpoint, LogPolicy, NOTE_BYTES_MAX, SignedCheckpoint, SignerKey, Tile, TileKind, TileNodes,
    TileReader, TreeHead, bundle_bytes, consistency, root, tiles_between,
};

/// Events for which files are written at a time: those of a tile of the second level.
const STEP: u64 = 1 << 16;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Directory of the files: a new one, or that of earlier ones of this log, to which what is missing is added.
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// The key that signs the checkpoint beside them: the file that `key new` made.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What the log is called, if not as the key.
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
}

/// The files of a directory.
struct Written<'d>(&'d Path);

impl TileReader for Written<'_> {
    type Error = anyhow::Error;

    fn tile(&self, tile: &Tile) -> anyhow::Result<Vec<u8>> {
        let path = self.0.join(tile.to_string());
        Ok(Input::open(&path)?.read_all(NOTE_BYTES_MAX as u64)?)
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let key = log_signer_key(&args.key)?;
    let store = args.store.open_whole()?;
    let mut head = store.durable_head()?;
    let then = store.snapshot().snapshot_at(Sequence::new(head.size));
    let origin = args.origin.as_deref().unwrap_or(key.name().as_str());
    let old = before(args, origin, &key)?;
    // Before anything is written: whoever has seen the old checkpoint is to find that the log has only grown.
    then.prove_consistency(&old)?;
    let tree = then.tree();
    // What is to be signed is the log, and not what its footers say of it.
    if old.size < head.size {
        tree.make_anew(old.size..head.size)?;
        head = then.tree_head()?;
    }
    let mut bar = Bar::new("writing tiles");
    let mut show = |progress| bar.show(progress);
    let mut meter = Meter::events(Some(head.size - old.size), &mut show);
    let (mut at, mut files) = (old.size, 0_u64);
    while at < head.size {
        let to = head.size.min((at / STEP + 1) * STEP);
        for tile in tiles_between(at, to) {
            replace(&args.out.join(tile.to_string()), &bytes_of(&tree, &tile)?)?;
            files += 1;
        }
        meter.add(to - at)?;
        at = to;
    }
    meter.finish()?;
    drop(bar);
    check(&args.out, &old, &head)?;
    if old.size < head.size || old.size == 0 {
        let signed = SignedCheckpoint::sign(Checkpoint::new(origin, head)?, &key)?;
        replace(&args.out.join("checkpoint"), signed.to_string().as_bytes())?;
    }
    let mut screen = Screen::new();
    match args.store.json {
        true => screen.json(&json!({
            "log": origin,
            "size": head.size,
            "before": old.size,
            "root": head.root.to_string(),
            "files": files,
        }))?,
        false => screen.text(&format!(
            "{} has {} of {origin}, {} of them new, in {}",
            args.out.display(),
            count(head.size, "event"),
            head.size - old.size,
            count(files, "file")
        ))?,
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}

/// The head of the files that are there, which this key has signed; that of nothing if none are.
fn before(args: &Args, origin: &str, key: &SignerKey) -> anyhow::Result<TreeHead> {
    let path = args.out.join("checkpoint");
    if !path.exists() {
        return Ok(TreeHead::EMPTY);
    }
    let bytes = Input::open(&path)?.read_all(NOTE_BYTES_MAX as u64)?;
    let wrong = |reason: String| WrongUsage(format!("{}: {reason}", path.display()));
    let signed = SignedCheckpoint::parse(&bytes).map_err(|error| wrong(error.to_string()))?;
    let checkpoint = signed.unverified();
    if checkpoint.origin() != origin {
        let reason = format!("it is of the log {}, not of {origin}", checkpoint.origin());
        return Err(wrong(reason).into());
    }
    let own = LogPolicy::new(key.verifier()).origin(origin);
    if let Err(error) = signed.verify(&own) {
        let reason = format!(
            "{error}: it was signed by another key than --key; if that is the log's from now on, remove this file, and \
             everything is written anew"
        );
        return Err(wrong(reason).into());
    }
    Ok(*checkpoint.head())
}

fn bytes_of(tree: &LogTree<'_>, tile: &Tile) -> Result<Vec<u8>, strandline::Error> {
    match tile.kind() {
        TileKind::Hashes { .. } => tile.hashes(tree),
        TileKind::Entries => {
            let own = (tile.first()..).take(tile.width().into());
            let digests = own.map(|number| Ok(*tree.digest(number)?.as_bytes()));
            let digests = digests.collect::<Result<Vec<[u8; 32]>, strandline::Error>>()?;
            Ok(bundle_bytes(&digests))
        }
    }
}

/// Whether what stands in the files leads from the head before to the new one.
fn check(out: &Path, old: &TreeHead, new: &TreeHead) -> anyhow::Result<()> {
    let nodes = TileNodes::new(Written(out), new.size);
    let wrong = |reason: String| anyhow::anyhow!("the files are not those of the log: {reason}");
    let own = root(new.size, &nodes).map_err(|error| wrong(error.to_string()))?;
    if own != new.root {
        return Err(wrong(format!("their root is {own}, not {}", new.root)));
    }
    let proof = consistency(old.size, new.size, &nodes);
    let proof = proof.map_err(|error| wrong(error.to_string()))?;
    proof
        .verify(old, new)
        .map_err(|error| wrong(error.to_string()))
}
