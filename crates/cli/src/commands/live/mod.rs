//! `live`: the named consumers of a store: how far they are, what is wrong with them, and what a person decides.
//!
//! Holds nothing that a program would want to call: that is in [`strandline_live`].

mod ask;
mod list;
mod reset;
mod say;
mod show;
mod target;
mod wait;

use crate::outcome::{Outcome, WrongUsage};
use clap::Subcommand;
use target::TargetArgs;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    list: list::ListArgs,
    /// What to do; `list` by default.
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the consumers: how each is, how far behind, what is parked, who works on it.
    #[command(after_help = "Examples:\n  \
        strandline live orders.strand list\n  \
        strandline live orders.strand list --watch\n\n\
        Exits 1 if something needs a person: a consumer that stopped with an error, stands still, has let \
        its lease run out, has something parked, or has damaged files. One that nobody works on is told as stopped, which may be right.")]
    List(list::ListArgs),
    /// Show a consumer: each partition, what is parked and why, and what to do next.
    #[command(after_help = "Examples:\n  \
        strandline live orders.strand show mailer\n  \
        strandline live orders.strand show mailer --json --local\n\n\
        Exits 1 where `list` does.")]
    Show(show::ShowArgs),
    /// Have no more events of an entity handled until it is replayed or discarded.
    #[command(after_help = "Example:\n  \
        strandline live orders.strand park mailer order:1042 --reason 'the customer was called'\n\n\
        The key is the entity, or of a reactor by correlations the correlation. Its events wait from then on, in \
        the log; those of others are handled.")]
    Park(ask::ParkArgs),
    /// Have what is parked handled, in order: of one key, or all.
    #[command(after_help = "Examples:\n  \
        strandline live orders.strand replay mailer order:1042\n  \
        strandline live orders.strand replay mailer\n\n\
        To be done once what failed is mended. What fails again is parked again.")]
    Replay(ask::ReplayArgs),
    /// Leave out the one event that failed, and have those that wait behind it handled.
    #[command(after_help = "Example:\n  strandline live orders.strand skip mailer order:1042")]
    Skip(ask::SkipArgs),
    /// Leave out all that is parked of a key; what comes from then on is handled.
    #[command(
        after_help = "Example:\n  strandline live orders.strand discard mailer order:1042 --yes"
    )]
    Discard(ask::DiscardArgs),
    /// Have a consumer go on elsewhere: at the beginning, at a sequence, or with what comes.
    #[command(after_help = "Examples:\n  \
        strandline live orders.strand reset totals --to beginning\n  \
        strandline live orders.strand reset mailer --to 118796\n  \
        strandline live orders.strand reset mailer --to now --yes\n\n\
        Everything before counts as handled, and nothing from there on. After a restore, `show` says where to go \
        on so that nothing is left out. The state of a projection is made anew, so it begins at the beginning.")]
    Reset(reset::ResetArgs),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    if args.list.watch && !matches!(args.action, None | Some(Action::List(_))) {
        return Err(WrongUsage("--watch is of `list` alone".to_owned()).into());
    }
    let target = &args.target;
    match &args.action {
        None => list::run(target, args.list.watch),
        Some(Action::List(list)) => list::run(target, list.watch || args.list.watch),
        Some(Action::Show(args)) => show::run(target, args),
        Some(Action::Park(args)) => ask::park(target, args),
        Some(Action::Replay(args)) => ask::replay(target, args),
        Some(Action::Skip(args)) => ask::skip(target, args),
        Some(Action::Discard(args)) => ask::discard(target, args),
        Some(Action::Reset(args)) => reset::run(target, args),
    }
}
