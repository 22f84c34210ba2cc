//! The commands, one a file: each has its arguments, calls the store, and shows what comes of it.
//!
//! Here are the list of them and what runs them. No command knows another, but that an import reads what an
//! export is told to write. They may use everything else of the crate, which knows none of them.

mod backup;
mod checkpoint;
mod compact;
mod completions;
mod control;
mod export;
#[cfg(feature = "replicate")]
mod follow;
#[cfg(feature = "seal")]
mod forget;
mod import;
mod inspect;
#[cfg(feature = "seal")]
mod key_store;
mod live;
mod man;
#[cfg(feature = "proof")]
mod proof;
mod query;
mod redact;
mod removals;
#[cfg(feature = "replicate")]
mod replicas;
#[cfg(feature = "replicate")]
mod replicate;
mod restore;
mod rules;
mod salvage;
#[cfg(feature = "serve")]
mod serve;
mod stats;
mod tail;
#[cfg(feature = "replicate")]
mod take_over;
#[cfg(feature = "ui")]
mod ui;
mod verify;

use crate::globals::Globals;
use crate::outcome::{Outcome, report};
use crate::output::{OutputFailed, note};
use clap::error::ContextKind;
use clap::{CommandFactory as _, Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Look into Strandline event stores, check them, and move them.
///
/// Exit codes: 0 fine, 1 a problem was found, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(
    name = "strandline",
    version,
    max_term_width = 100,
    after_help = "Begin with: \
    strandline inspect DIR\n`strandline help query` explains a command, and shows examples of it."
)]
pub struct Program {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

impl Program {
    /// Runs the command, prints what comes of it, and gives the exit code.
    pub fn run(&self) -> ExitCode {
        self.globals.apply();
        run(&self.command)
    }
}

/// A command on a store.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Show what is in a store: segments, entities, kinds, times; or an event, frame or file.
    #[command(after_help = "Examples:\n  \
        strandline inspect orders.strand\n  \
        strandline inspect orders.strand --event 018f3c3e-7a5b-7000-8000-0123456789ab\n  \
        strandline inspect orders.strand --file segment-0000000001.log --limit 40")]
    Inspect(inspect::Args),
    /// Print counts, watermarks and sizes.
    #[command(after_help = "Example:\n  strandline stats orders.strand --json")]
    Stats(stats::Args),
    /// Print the events of a region: of an entity, a scope, a kind, a time.
    #[command(after_help = "Examples:\n  \
        strandline query orders.strand --entity order:1042\n  \
        strandline query orders.strand --prefix order: --kind order.paid --newest --limit 20\n  \
        strandline query orders.strand --since 2026-01-31 --until 2026-01-31T12:00+02:00\n  \
        strandline query orders.strand --since 12h --local\n  \
        strandline query orders.strand --as-of yesterday --entity order:1042\n  \
        strandline query orders.strand --any '--tag course:3' --any '--kind order.paid'\n  \
        strandline query orders.strand --event-of https://example.com/shop A234-1234\n  \
        strandline query orders.strand --json --limit 1000 --after TOKEN")]
    Query(query::Args),
    /// Print the newest events, and with --follow those that another process appends.
    #[command(
        after_help = "Example:\n  strandline tail orders.strand --follow --scope eu/payments"
    )]
    Tail(tail::Args),
    /// Show the named consumers of a store and what is wrong with them, and mend that.
    ///
    /// Consumers are what reads the events under a name: reactors, projections, positions. Works beside the processes
    /// that run them: what is decided is asked of those, and done at once where nobody works.
    #[command(after_help = "Examples:\n  \
        strandline live orders.strand\n  \
        strandline live orders.strand show mailer\n  \
        strandline live orders.strand replay mailer order:1042\n  \
        strandline live orders.strand reset totals --to beginning\n\n\
        Exits 1 if something needs a person: a consumer that stopped with an error, stands still, has something \
        parked, or has damaged files. `strandline live DIR help replay` explains a part.")]
    Live(live::Args),
    /// Check every checksum, chain and row, and the store against what was kept of it elsewhere.
    #[command(after_help = "Examples:\n  \
        strandline verify orders.strand\n  \
        strandline verify orders.strand --head LOGHASH --receipt receipts.json\n  \
        strandline verify orders.strand --anchors /mnt/elsewhere/orders.heads --key orders.pub\n\n\
        --anchors takes what `strandline heads sign` kept, and says *manipulation* where the log is another than was signed, \
        *gap* where it is shorter, *notice* of what says nothing against it. Exits 1 if there is a problem, a \
        manipulation, a gap, or no head that counts.")]
    Verify(verify::Args),
    /// Write events as lines of JSON, for other programs and for import.
    #[command(after_help = "Examples:\n  \
        strandline export orders.strand -o orders.jsonl\n  \
        strandline export orders.strand --format cloudevents --entity order:1042\n  \
        strandline export orders.strand --exact -o orders.exact")]
    Export(export::Args),
    /// Append the events of lines of JSON; what is there already is passed over.
    ///
    /// An event is there already if its id is, with the same content; with other content it is an error. A line without
    /// an id is named by its text and by how many equal lines were before it, wherever it stands, so equal lines of one
    /// file are several events, and those that are imported again are not. An event of another program, as CloudEvents,
    /// is named by its source and id. Times that are earlier than the newest one of the store are moved to that, and
    /// counted. What is imported before an error stays.
    ///
    /// Where no store is, in a directory that is empty or not there yet, one is made, once the first line is read.
    #[command(after_help = "Examples:\n  \
        strandline import orders.strand orders.jsonl\n  \
        strandline import logs.strand web-1.jsonl --source web-1\n  \
        strandline import orders.strand events.json --format cloudevents\n  \
        other-program | strandline import orders.strand - --check\n  \
        strandline import copy.strand orders.exact --exact\n\n\
        A line: {\"entity\":\"order:1042\",\"scope\":\"eu\",\"type\":\"order.placed\",\"payload\":{\"total\":42}}")]
    Import(import::Args),
    /// Save a checkpoint, so that opening is short.
    #[command(after_help = "Example:\n  strandline checkpoint orders.strand")]
    Checkpoint(checkpoint::Args),
    /// Ask the program that has a store open what it is doing, and to stop that.
    ///
    /// Through the control socket that it has opened in the directory of the store. `compact`, `redact` and `checkpoint` use it
    /// by themselves, where a store is locked.
    #[command(after_help = "Examples:\n  \
        strandline control orders.strand\n  \
        strandline control orders.strand --cancel\n\n\
        Exits 1 if nobody listens there, or if something of the store is damaged or has stopped.")]
    Control(control::Args),
    /// Make footers and checkpoint anew where they are not as they should be, from the log alone.
    #[command(after_help = "Example:\n  strandline rebuild orders.strand")]
    Rebuild(checkpoint::Args),
    /// Copy a store, also while it is written; bring an earlier copy up to date.
    #[command(after_help = "Example:\n  strandline backup orders.strand backups/orders.strand")]
    Backup(backup::Args),
    /// Check a backup, or the log of a bucket, and put a copy of it in the place of a store.
    #[command(
        after_help = "The backup is not touched, and the copy is checked before it takes its place. What \
        cannot be replaced is refused before anything is copied. The store has a new epoch then, by which \
        a program knows that positions it saved before are of other events.\n\n\
        Example:\n  \
        strandline restore backups/orders.strand orders.strand --replace\n\n\
        A program that is built with `replicate` takes a bucket with --from in the place of a backup, as it is or as \
        it was at a sequence or a time:\n  \
        strandline restore --from s3://acme-logs/orders orders.strand --at 2026-01-31T12:00 --dry-run\n  \
        strandline restore --from file:///mnt/backups/orders orders.strand --at 118796"
    )]
    Restore(restore::Args),
    /// Remove events that are not to be kept; chains, sequences and receipts stay right.
    #[command(after_help = "Examples:\n  \
        strandline compact orders.strand --keep-newest 100 --within meter: --dry-run\n  \
        strandline compact orders.strand --keep-since 30d\n  \
        strandline compact orders.strand --drop-prefix test:\n  \
        strandline compact orders.strand --rules retention.toml --dry-run\n\n\
        Exits 1 if an entity or prefix that was named has no event; the rules do their work on the others. \
        Exits 1 and removes nothing if a header is to be kept by a kind or tag that no event has, a rule of a file \
        names a kind that nothing is called, or one keeps all of events of which there is none, unless \
        --allow-absent is given. Where nothing would be left it is asked before, and without a terminal --yes has to \
        be given. \
        Rules that would remove everything by a slip are refused: --keep-newest 0, a time in the future, an \
        empty prefix.")]
    Compact(compact::Args),
    /// Remove payloads for good; the events stay, and their chains verify.
    #[command(after_help = "Examples:\n  \
        strandline redact orders.strand --entity user:7\n  \
        strandline redact orders.strand --event 018f3c3e-7a5b-7000-8000-0123456789ab\n  \
        strandline redact orders.strand --tag customer:7 --dry-run\n  \
        strandline redact orders.strand --any '--tag customer:7 --scope eu' --json --yes > redaction.json\n\n\
        Exits 1 and redacts nothing if an event, entity, prefix or tag that was named is not there, or one of \
        --any finds nothing, unless --missing-ok is given. \
        What is said after it can be filed: it has the rule, the time, and under which id the log records it; \
        with --json the sequences too. On a terminal it is asked before, unless --yes is given. Names are compared byte by byte: in another form of Unicode a name is another one.")]
    Redact(redact::Args),
    /// Forget the key of an entity or scope: what was sealed with it cannot be read any more, in any copy.
    ///
    /// The store is not changed, and its chains, receipts and proofs stay right. Whoever sealed payloads for that entity
    /// is refused from then on.
    #[cfg(feature = "seal")]
    #[command(after_help = "Example:\n  \
        strandline forget customers.strand --entity customer:7 --keys customers.keys --wrapping-key wrapping.key\n\n\
        Exits 1 if the file of keys never had a key of whom was named. Programs that use the file see it within a \
        second. docs/privacy.md says what is left where.")]
    Forget(forget::Args),
    /// Make, list and encrypt anew a file of keys that payloads are sealed with.
    #[cfg(feature = "seal")]
    #[command(after_help = "Examples:\n  \
        strandline key-store new customers.keys --wrapping-key wrapping.key\n  \
        strandline key-store list customers.keys --wrapping-key wrapping.key\n  \
        strandline key-store rotate customers.keys --wrapping-key wrapping.key --new-wrapping-key wrapping-2.key")]
    KeyStore(key_store::Args),
    /// List what compactions and redactions have removed, as the log itself records it.
    #[command(
        after_help = "Each compaction and redaction writes into the log which events it takes, when \
        and by which rule, before it takes them. `verify` calls every event that is missing without \
        such a record a problem, and every recorded one that is there again. Of sequences shown as \
        `7..8` the second is not one, as in `query --sequence`.\n\n\
        Examples:\n  \
        strandline removals orders.strand\n  \
        strandline removals orders.strand --json"
    )]
    Removals(removals::Args),
    /// Ship a store that nobody writes to a bucket of an object store.
    ///
    /// What the bucket lacks is put there, and the command ends once all of it is replicated. A program that writes a
    /// store ships it by itself, with the crate `strandline-replicate`. The bucket is held in terms: each start is a new
    /// one, and another writer's is refused unless --take-over is given.
    #[cfg(feature = "replicate")]
    #[command(after_help = "Examples:\n  \
        strandline replicate orders.strand file:///mnt/backups/orders\n  \
        AWS_REGION=eu-central-1 strandline replicate orders.strand s3://acme-logs/orders\n  \
        strandline replicate orders.strand s3://logs/orders --endpoint https://minio.example.com:9000\n\n\
        Credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN) or from \
        the role of the machine. docs/replication.md has the rights that are needed, and what it costs.")]
    Replicate(replicate::Args),
    /// Follow a bucket into a directory, which is a store to read only.
    ///
    /// Goes on until it is interrupted, or with --once until everything is there. Checks every frame, and that the log
    /// goes on from what it has. Writes nothing to the bucket.
    #[cfg(feature = "replicate")]
    #[command(after_help = "Examples:\n  \
        strandline follow file:///mnt/backups/orders replica.strand\n  \
        AWS_REGION=eu-central-1 strandline follow s3://acme-logs/orders replica.strand --once\n  \
        strandline follow s3://logs/orders replica.strand --endpoint https://minio.example.com:9000\n\n\
        Ctrl-C ends it, and it goes on where it was when it is given again. Exits 1 if the bucket contradicts what was \
        read of it.")]
    Follow(follow::Args),
    /// Go on with the log of a bucket here, in place of the writer that has it.
    ///
    /// Says who has the bucket and up to where, and asks. The log is fetched, a term is taken, and the writer before is
    /// refused from then on, whether it can be reached or not. The store has all that was acknowledged as replicated.
    #[cfg(feature = "replicate")]
    #[command(after_help = "Examples:\n  \
        strandline take-over file:///mnt/backups/orders orders.strand\n  \
        AWS_REGION=eu-central-1 strandline take-over s3://acme-logs/orders orders.strand --yes\n  \
        strandline take-over s3://logs/orders replica.strand --endpoint https://minio.example.com:9000\n\n\
        Exits 1 if the term was taken and has not begun. docs/replication.md has a takeover step by step.")]
    TakeOver(take_over::Args),
    /// Show what is in a bucket: who held it when, how far the log goes, what it takes.
    #[cfg(feature = "replicate")]
    #[command(after_help = "Examples:\n  \
        strandline replicas file:///mnt/backups/orders\n  \
        AWS_REGION=eu-central-1 strandline replicas s3://acme-logs/orders --json\n  \
        strandline replicas s3://logs/orders --endpoint https://minio.example.com:9000\n\n\
        Exits 1 if something needs a person: there is no log, a term is gone or damaged. Objects are listed and not \
        read: whether they are whole shows --check-removed, or a restore into a new directory. Readers leave no trace \
        in a bucket, so they are not among it.")]
    Replicas(replicas::Args),
    /// Make the keys that sign the heads of a log, and show their public ones.
    #[cfg(feature = "proof")]
    #[command(after_help = "Examples:\n  \
        strandline key new orders.key --name example.org/orders\n  \
        strandline key show orders.key > orders.pub\n\n\
        Who has the file signs in the name of the log: keep it where the store is not. The public key is what those \
        need who check proofs; give it to them by another way than the proofs.")]
    Key(proof::key::Args),
    /// Prove an event to who has no store: the event, and that it is in the log, in one file.
    ///
    /// The event comes with all that its digest is made of. Its proof is some hashes that lead from the digest to the
    /// root over the whole log, and the signature over that.
    #[cfg(feature = "proof")]
    #[command(after_help = "Examples:\n  \
        strandline prove orders.strand --event 018f3c3e-7a5b-7000-8000-0123456789ab --key orders.key > paid.tlog-proof\n  \
        strandline prove orders.strand --sequence 118796 --head orders.heads -o paid.tlog-proof\n\n\
        `strandline check-proof` checks it. Without a signature a proof would say nothing: --key signs the log as it \
        is now, --head takes a head that was signed before.\n\
        docs/proof.md says what is proved, to whom, and what not.")]
    Prove(proof::prove::Args),
    /// Check a proof by the public key of the log, without a store, and show the event.
    #[cfg(feature = "proof")]
    #[command(after_help = "Examples:\n  \
        strandline check-proof paid.tlog-proof --key example.org/orders+1eb111f0+ARl/ayPh...\n  \
        strandline check-proof paid.tlog-proof --key orders.pub --witness witness.pub --json\n\n\
        Exits 0 if the log has signed that it has exactly this event at exactly this place, and 1 if not. That what \
        the event says is true it does not prove, nor that its time is right.")]
    CheckProof(proof::check::Args),
    /// Sign the heads of a log, and keep them where the log is not.
    #[cfg(feature = "proof")]
    #[command(after_help = "Examples:\n  \
        strandline heads sign orders.strand --key orders.key --to /mnt/elsewhere/orders.heads\n  \
        strandline heads sign orders.strand --key orders.key --to https://witness.example --to 'command:mail -s head me'\n\n\
        `strandline verify DIR --anchors FILE --key KEY` holds a store against them. A head is of use where whoever can \
        write the store cannot write it.")]
    Heads(proof::heads::Args),
    /// Write the tree of a log as static files, for auditors and for monitors.
    ///
    /// The files of tlog-tiles of C2SP: hashes and digests, and no event. Given again, it writes what is new, once it is
    /// proved that the log has only grown since the checkpoint that is there; that is replaced at the end.
    #[cfg(feature = "proof")]
    #[command(
        after_help = "Example:\n  strandline tiles orders.strand /srv/www/orders --key orders.key"
    )]
    Tiles(proof::tiles::Args),
    /// Serve a store to programs in other languages, over gRPC: the protocol of UmaDB, which has clients.
    ///
    /// Prints where it listens, and answers until it is interrupted: then it takes no more calls, lets those that go on
    /// end, and closes the store. Appends are on the disk when they are answered, as many with one sync as wait for it.
    #[cfg(feature = "serve")]
    #[command(after_help = "Examples:\n  \
        strandline serve orders.strand\n  \
        strandline serve orders.strand -v --listen 0.0.0.0:50051 --tls-cert cert.pem --tls-key key.pem --tokens tokens\n\n\
        docs/serve.md has clients, what differs from the original server, and how to run it as a service.")]
    Serve(serve::Args),
    /// Show a store in a browser: a local page, read only, beside a program that writes it.
    ///
    /// Prints the address to open, and answers until it is interrupted. On this machine alone, and to whoever has the token
    /// of the address. Each page has an address that can be kept, and the same as JSON and CSV.
    #[cfg(feature = "ui")]
    #[command(after_help = "Examples:\n  \
        strandline ui orders.strand\n  \
        strandline ui orders.strand --open --port 8080\n\n\
        On another machine: ssh -L 7787:127.0.0.1:7787 there strandline ui orders.strand. docs/inspector.md shows the views.")]
    Ui(ui::Args),
    /// Save what is left of a damaged store into a new one.
    #[command(after_help = "Example:\n  strandline salvage damaged.strand saved.strand")]
    Salvage(salvage::Args),
    /// Print what a shell needs to complete commands and options.
    #[command(after_help = "Examples:\n  \
        strandline completions bash > ~/.local/share/bash-completion/completions/strandline\n  \
        strandline completions zsh > ~/.zfunc/_strandline\n  \
        strandline completions fish > ~/.config/fish/completions/strandline.fish")]
    Completions(completions::Args),
    /// Write the pages of the manual, one of each command, into a directory.
    #[command(
        after_help = "Example:\n  strandline man ~/.local/share/man/man1 && man strandline-query"
    )]
    Man(man::Args),
}

/// Arguments that were parsed; or the exit code, once their help, their version or what is wrong with them
/// is printed.
///
/// # Errors
///
/// The exit code: 0 for help and version, 1 where these cannot be printed, 2 for wrong usage.
pub fn parsed<T>(arguments: Result<T, clap::Error>) -> Result<T, ExitCode> {
    arguments.map_err(|error| {
        let printed = error.print().and_then(|()| std::io::stdout().flush());
        if error.use_stderr() && is_any_in_pieces(std::env::args_os()) {
            note("  next: quote the options of --any: --any '--kind order.paid'");
        }
        if error.use_stderr() && is_consumer_alone(std::env::args_os(), &error) {
            note("  next: a consumer is shown by its name after `show`: strandline live DIR show NAME");
        }
        match printed {
            Err(failure) if !error.use_stderr() => {
                let failure = OutputFailed::new("standard output", failure);
                report(&failure.into())
            }
            _ => u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from),
        }
    })
}

/// Whether `--any` is given an option alone, so that the value of that is a word of its own, which the shell
/// handed over for want of quotes.
fn is_any_in_pieces(words: impl Iterator<Item = OsString>) -> bool {
    let words: Vec<_> = words.collect();
    let is_option = |word: &OsString| {
        let word = word.to_string_lossy();
        word.starts_with("--")
            && !word.contains(|letter: char| letter == '=' || letter.is_whitespace())
    };
    let mut pairs = words.windows(2);
    pairs.any(|pair| matches!(pair, [any, next] if any == "--any" && is_option(next)))
}

/// Whether the name of a consumer stands where what to do with it is expected.
fn is_consumer_alone(words: impl Iterator<Item = OsString>, error: &clap::Error) -> bool {
    let words: Vec<_> = words.skip(1).take(3).collect();
    let unknown = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand];
    let unknown = unknown.into_iter().filter_map(|kind| error.get(kind));
    let mut unknown = unknown.map(ToString::to_string);
    match words.as_slice() {
        [live, _, name] if live == "live" => {
            let name = name.to_string_lossy();
            !name.starts_with('-') && unknown.any(|unknown| unknown == name)
        }
        _ => false,
    }
}

/// Runs a command, prints what comes of it, and gives the exit code.
pub fn run(command: &Command) -> ExitCode {
    let outcome = match command {
        Command::Inspect(args) => inspect::run(args),
        Command::Stats(args) => stats::run(args),
        Command::Query(args) => query::run(args),
        Command::Tail(args) => tail::run(args),
        Command::Live(args) => live::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Export(args) => export::run(args),
        Command::Import(args) => import::run(args),
        Command::Checkpoint(args) => checkpoint::run(args),
        Command::Control(args) => control::run(args),
        Command::Rebuild(args) => checkpoint::run_rebuild(args),
        Command::Backup(args) => backup::run(args),
        Command::Restore(args) => restore::run(args),
        Command::Compact(args) => compact::run(args),
        Command::Redact(args) => redact::run(args),
        Command::Removals(args) => removals::run(args),
        #[cfg(feature = "seal")]
        Command::Forget(args) => forget::run(args),
        #[cfg(feature = "seal")]
        Command::KeyStore(args) => key_store::run(args),
        #[cfg(feature = "replicate")]
        Command::Replicate(args) => replicate::run(args),
        #[cfg(feature = "replicate")]
        Command::Replicas(args) => replicas::run(args),
        #[cfg(feature = "replicate")]
        Command::Follow(args) => follow::run(args),
        #[cfg(feature = "replicate")]
        Command::TakeOver(args) => take_over::run(args),
        #[cfg(feature = "proof")]
        Command::Key(args) => proof::key::run(args),
        #[cfg(feature = "proof")]
        Command::Prove(args) => proof::prove::run(args),
        #[cfg(feature = "proof")]
        Command::CheckProof(args) => proof::check::run(args),
        #[cfg(feature = "proof")]
        Command::Heads(args) => proof::heads::run(args),
        #[cfg(feature = "proof")]
        Command::Tiles(args) => proof::tiles::run(args),
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::run(args),
        #[cfg(feature = "ui")]
        Command::Ui(args) => ui::run(args),
        Command::Salvage(args) => salvage::run(args),
        Command::Completions(args) => completions::run(args, Program::command()),
        Command::Man(args) => man::run(args, Program::command()),
    };
    match outcome {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::ProblemFound) => ExitCode::FAILURE,
        Err(error) => report(&error),
    }
}
