//! `Globals`: what may be given with every command: colours, and what the library tells of what it does.
//!
//! Knows no command and no store.

use crate::output::note;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// The variable that says what is told, in the place of `-v`.
const FILTER_VARIABLE: &str = "RUST_LOG";

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Color {
    /// On a terminal that has them, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What may be given with every command.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
#[command(next_help_heading = "With every command")]
pub struct Globals {
    /// When there are colours.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_possible_values = true,
        long_help = "When there are colours: `auto`, on a terminal that has them and unless NO_COLOR is set, \
        `always` or `never`."
    )]
    color: Color,
    /// Tell what the library does, on standard error: -v its steps, -vv more of them, -vvv all.
    ///
    /// RUST_LOG says it more exactly, as in `RUST_LOG=strandline=debug`, and comes first. docs/tracing.md has what is
    /// told.
    #[arg(long, short = 'v', global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

impl Globals {
    /// Does as was asked, for the rest of the process.
    pub fn apply(&self) {
        match self.color {
            Color::Auto => {}
            Color::Always => set_colors(true),
            Color::Never => set_colors(false),
        }
        self.trace();
    }

    /// Tells on standard error what the library does, if that was asked for.
    fn trace(&self) {
        let asked = std::env::var(FILTER_VARIABLE).ok();
        let asked = asked.filter(|filter| !filter.is_empty());
        let filter = match (&asked, self.verbose) {
            (None, 0) => return,
            (Some(filter), _) => EnvFilter::try_new(filter),
            (None, 1) => EnvFilter::try_new("strandline=info"),
            (None, 2) => EnvFilter::try_new("strandline=debug"),
            (None, _) => EnvFilter::try_new("strandline=trace"),
        };
        let filter = filter.unwrap_or_else(|error| {
            note(format_args!(
                "{FILTER_VARIABLE} says nothing that is known: {error}"
            ));
            EnvFilter::default().add_directive(LevelFilter::OFF.into())
        });
        let told = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            // What a step took is told once it is done.
            .with_span_events(FmtSpan::CLOSE)
            .with_ansi(console::colors_enabled_stderr() && std::io::stderr().is_terminal())
            // What cannot be told is told to nobody.
            .log_internal_errors(false)
            .try_init();
        // A program that calls a command may have its own.
        drop(told);
    }
}

fn set_colors(are_there: bool) {
    console::set_colors_enabled(are_there);
    console::set_colors_enabled_stderr(are_there);
}
