//! Asking before what cannot be taken back.

use crate::outcome::WrongUsage;
use crate::output::note;
use std::io::{self, IsTerminal as _};

/// Says what is about to be done, and asks whether it is to be, unless that was said with --yes.
///
/// # Errors
///
/// `WrongUsage` if nobody can be asked.
pub(crate) fn confirm(plan: &str, yes: bool) -> anyhow::Result<bool> {
    note(plan);
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        let message = "nothing was changed, as there is no terminal to ask on: give --yes to do it";
        return Err(WrongUsage(message.to_owned()).into());
    }
    ask()
}

/// As [`confirm`], but that nobody is asked, and it is done, where there is no terminal: in a program that says
/// what it means.
pub(crate) fn confirm_on_terminal(plan: &str, yes: bool) -> anyhow::Result<bool> {
    if yes || !io::stdin().is_terminal() {
        return Ok(true);
    }
    note(plan);
    ask()
}

fn ask() -> anyhow::Result<bool> {
    note("Go on? [y/N]");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    let is_yes = matches!(answer.trim(), "y" | "Y" | "yes");
    if !is_yes {
        note("nothing was changed");
    }
    Ok(is_yes)
}
