//! `key`: a pair of keys made, its public one shown.

use crate::args::signer_key;
use crate::files::new_secret;
use crate::outcome::{Outcome, WrongUsage};
use crate::terminal::Screen;
use serde_json::json;
use std::path::PathBuf;
use strandline_proof::{KeyName, SignerKey};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a key that signs, in a new file that its owner alone can read; print its public key.
    New {
        /// A new file. One that is there is never overwritten.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// What the log is called, for all time and for everyone: by custom a URL without its scheme. Example:
        /// --name example.org/orders
        #[arg(long, value_name = "NAME", value_parser = KeyName::new)]
        name: KeyName,
        /// Make the key of a witness, who signs that it saw the heads of others.
        #[arg(long)]
        witness: bool,
    },
    /// Print the public key of a key that signs.
    Show {
        /// The file that `key new` made.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let key = match &args.command {
        Command::Show { file } => signer_key(file)?,
        Command::New {
            file,
            name,
            witness,
        } => {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed)?;
            let key = match witness {
                false => SignerKey::from_seed(name.clone(), seed),
                true => SignerKey::witness_from_seed(name.clone(), seed),
            };
            let text = key.secret_text() + "\n";
            new_secret(file, text.as_bytes())
                .map_err(|error| WrongUsage(format!("{}: {error}", file.display())))?;
            key
        }
    };
    let public = key.verifier();
    let mut screen = Screen::new();
    match args.json {
        true => screen.json(&json!({ "name": key.name().as_str(), "key": public.to_string() }))?,
        false => screen.text(&public.to_string())?,
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}
