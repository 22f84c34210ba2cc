//! `man`: the pages of the manual, made of the same arguments as the help.

use crate::files::replace;
use crate::outcome::Outcome;
use crate::terminal::{Screen, count};
use clap_mangen::Man;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the pages, `strandline.1` and one of each command; it is made if it is not there. Pages of these
    /// names in it are replaced.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// Writes the pages of `program`.
pub(crate) fn run(args: &Args, mut program: clap::Command) -> anyhow::Result<Outcome> {
    program.build();
    let mut pages = 0;
    let mut left = vec![program];
    while let Some(command) = left.pop() {
        let subcommands = command.get_subcommands();
        // `help` has a command for each command, and says nothing of its own.
        let subcommands = subcommands.filter(|one| one.get_name() != "help");
        left.extend(subcommands.filter(|one| !one.is_hide_set()).cloned());
        let man = Man::new(command);
        let mut page = Vec::new();
        man.render(&mut page)?;
        replace(&args.dir.join(man.get_filename()), &page)?;
        pages += 1;
    }
    let mut screen = Screen::new();
    match args.json {
        true => screen.json(&json!({ "pages": pages }))?,
        false => screen.text(&format!(
            "{} of the manual in {}",
            count(pages, "page"),
            args.dir.display()
        ))?,
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}
