//! Saves the state of something and finds it again:
//! `cargo run -p strandline-checkpoint --example sections`.

use strandline_checkpoint::{CheckpointError, CheckpointWriter, newest, prune};
use strandline_core::fs::MemFs;

fn main() -> Result<(), CheckpointError> {
    let (fs, dir) = (MemFs::new(), std::path::Path::new("/game"));
    for turn in 1..=3_u64 {
        let board = vec![b'.'; 9];
        CheckpointWriter::new()
            .metadata("turn", &(turn, "white"))?
            .section("board", board)?
            .publish(&fs, dir, turn)?;
    }
    println!("removed {:?}", prune(&fs, dir, 2)?);

    let found = newest(&fs, dir)?;
    for discarded in &found.discarded {
        println!(
            "{} was passed over: {}",
            discarded.file_name, discarded.reason
        );
    }
    if let Some(checkpoint) = found.checkpoint {
        let (turn, player) = checkpoint.metadata::<(u64, String)>("turn")?;
        println!("turn {turn}, {player} to move, sections:");
        checkpoint.sections().for_each(|name| println!("  {name}"));
    }
    Ok(())
}
