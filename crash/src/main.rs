//! `strandline-crash`: the harness as a program, which `cargo xtask crash` runs.

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;
use std::process::ExitCode;
use strandline_crash::explore::{Plan, explore};
use strandline_crash::recover::{record, replay};
use strandline_crash::{
    Failure, Ledger, Path, Totals, Workload, damage, kernel, machine, red, sweep,
};

/// Cut the power, fail the disk and damage the files of a store, and judge what is left.
#[derive(Parser)]
#[command(
    name = "cargo xtask crash",
    bin_name = "cargo xtask crash",
    max_term_width = 100
)]
struct Args {
    /// Try at least a million images, and every operation that can fail.
    #[arg(long)]
    full: bool,
    /// Try about this many images.
    #[arg(long, default_value_t = 20_000)]
    images: u64,
    /// Fail one of so many operations.
    #[arg(long, default_value_t = 17)]
    fault_every: u64,
    /// Try only this workload.
    #[arg(long)]
    workload: Option<String>,
    /// Where chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Repeat one power cut, or several one in the recovery from the other, such as 17a5/3m0.
    #[arg(long, requires = "workload")]
    at: Option<Path>,
    /// Fail one operation again: a way to fail and how many operations come before it, such as EIO:6.
    #[arg(long, requires = "workload")]
    fault: Option<String>,
    /// Check that the harness notices stores that break a rule.
    #[arg(long)]
    red: bool,
    /// Damage a small store in every way, instead of in a sample.
    #[arg(long)]
    damage: bool,
    /// Leave the simulation: cut, fill and fail file systems of this kernel, and kill processes.
    /// Needs root; what cannot be tried is said.
    #[arg(long)]
    kernel: bool,
    /// With --kernel: so many power cuts, and of the rest as much as takes about as long. With
    /// --machine: so many seeds.
    #[arg(long, default_value_t = 300)]
    count: u64,
    /// Hold stores to a model of them, through calls by chance.
    #[arg(long)]
    machine: bool,
    /// With --kernel: try only this.
    #[arg(long)]
    part: Option<kernel::Part>,
    /// With --kernel: only run another program on a disk that fails to write, as `PROGRAM append DIR`
    /// until it does, and then twice as `PROGRAM check DIR`.
    #[arg(long)]
    program: Option<String>,
    /// Print the workloads.
    #[arg(long)]
    list: bool,
    /// Print the totals as JSON.
    #[arg(long)]
    json: bool,
    /// The file that adds up what all runs tried.
    #[arg(long, default_value = "target/crash/ledger.json")]
    ledger: PathBuf,
    #[command(flatten)]
    job: kernel::JobArgs,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    if args.job.run(args.seed)? {
        return Ok(ExitCode::SUCCESS);
    }
    if args.kernel {
        return on_kernel(&args);
    }
    if args.list {
        for workload in Workload::all() {
            println!("{}", workload.name);
        }
        return Ok(ExitCode::SUCCESS);
    }
    // Panics of the store are caught and reported as violations.
    std::panic::set_hook(Box::new(|_| {}));
    let workloads = chosen(&args)?;
    if let (Some(at), [workload]) = (&args.at, &workloads[..]) {
        return Ok(repeat(workload, args.seed, at));
    }
    if let (Some(fault), [workload]) = (&args.fault, &workloads[..]) {
        let failures = sweep::replay(workload, args.seed, fault).map_err(anyhow::Error::msg)?;
        for failure in &failures {
            println!("{failure}");
        }
        if failures.is_empty() {
            println!("nothing is wrong there");
        }
        return Ok(ExitCode::from(u8::from(!failures.is_empty())));
    }
    if args.red {
        return Ok(show_red(args.seed));
    }
    if args.machine {
        return against_model(&args);
    }
    let (totals, failures) = if args.damage {
        let bar = bar("damaged stores", 0);
        damage::damage(1, &|count| bar.inc(count))
    } else {
        simulate(&args, &workloads)
    };
    finish(&args, &totals, &failures)
}

/// Tries stores on this kernel.
fn on_kernel(args: &Args) -> anyhow::Result<ExitCode> {
    let plan = kernel::Plan {
        seed: args.seed,
        count: if args.red { 60 } else { args.count },
        part: if args.red {
            Some(kernel::Part::Power)
        } else {
            args.part
        },
        folder: std::env::current_dir()?.join("target/crash/kernel"),
        program: args.program.clone(),
        lies: args.red,
    };
    if kernel::wants_mounts(&plan) {
        return kernel::enter();
    }
    let bar = bar("", 1);
    let outcome = kernel::run(&plan, &|part, done, of| {
        bar.set_message(part.counts());
        bar.set_length(of);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    for failure in &outcome.failures {
        eprintln!("{failure}");
    }
    let totals = &outcome.totals;
    if args.red {
        let found = outcome.failures.first().map(ToString::to_string);
        return Ok(match found {
            Some(found) => {
                println!("caught  acknowledged before sync: {found}");
                ExitCode::SUCCESS
            }
            None => {
                println!("MISSED  acknowledged before sync");
                ExitCode::FAILURE
            }
        });
    }
    let mut ledger = Ledger::read(&args.ledger)?;
    ledger.add(totals, args.seed, &args.ledger)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&outcome)?);
    } else {
        println!("{outcome}(seed {})", args.seed);
    }
    Ok(ExitCode::from(u8::from(totals.violations > 0)))
}

/// Holds stores to a model.
fn against_model(args: &Args) -> anyhow::Result<ExitCode> {
    let bar = bar("machines", args.count);
    let (totals, failures) = machine::sweep(args.seed, args.count, &|count| bar.inc(count));
    bar.finish_and_clear();
    for failure in &failures {
        eprintln!("{failure}");
    }
    println!(
        "{} machines with {} calls (seeds from {})",
        totals.machines, totals.calls, args.seed
    );
    finish(args, &totals, &[])
}

fn chosen(args: &Args) -> anyhow::Result<Vec<&'static Workload>> {
    let wanted = |workload: &&Workload| {
        let name = args.workload.as_deref();
        name.is_none_or(|name| name == workload.name)
    };
    let workloads: Vec<_> = Workload::all().filter(wanted).collect();
    anyhow::ensure!(!workloads.is_empty(), "no such workload; --list shows them");
    Ok(workloads)
}

fn bar(what: &'static str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    let template = if length == 0 {
        "{msg}: {human_pos} {elapsed}"
    } else {
        "{msg}: {human_pos} of {human_len} {wide_bar} {elapsed}, {eta} left"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}

fn simulate(args: &Args, workloads: &[&'static Workload]) -> (Totals, Vec<Failure>) {
    let images = if args.full { 1_100_000 } else { args.images };
    let plan = Plan {
        seed: args.seed,
        variants: if args.full { 40 } else { 4 },
        nested_every: if args.full { 3 } else { 12 },
        third_every: if args.full { 40 } else { 20 },
        long_every: if args.full || args.workload.is_some() {
            1
        } else {
            3
        },
        images_max: images,
        defect: None,
        threads: 2,
    };
    let images = bar("images", images);
    let (mut totals, mut failures) = explore(workloads, plan, &|count| images.inc(count));
    images.finish();
    let faults = bar("faults", 0);
    let every = if args.full { 1 } else { args.fault_every };
    let (swept, more) = sweep::sweep(workloads, args.seed, every, None, &|n| faults.inc(n));
    faults.finish();
    totals.add(&swept);
    failures.extend(more);
    if !args.full && args.workload.is_none() {
        let (damaged, more) = damage::damage(97, &|_| {});
        totals.add(&damaged);
        failures.extend(more);
    }
    (totals, failures)
}

fn repeat(workload: &Workload, seed: u64, at: &Path) -> ExitCode {
    if let Ok(run) = record(workload, seed, None) {
        for (number, step) in run.steps.iter().enumerate() {
            println!("{number:4} {step}");
        }
    }
    let (context, outcome) = replay(workload, seed, at);
    print!("{context}");
    match outcome {
        Ok(()) => {
            println!("nothing is wrong there");
            ExitCode::SUCCESS
        }
        Err(violation) => {
            println!("{violation}");
            ExitCode::FAILURE
        }
    }
}

fn show_red(seed: u64) -> ExitCode {
    let outcomes = red::red(seed);
    let missed = outcomes.iter().filter(|(_, found)| found.is_none()).count();
    for (name, found) in &outcomes {
        match found {
            Some(message) => println!("caught  {name}: {message}"),
            None => println!("MISSED  {name}"),
        }
    }
    println!("{} caught, {missed} missed", outcomes.len() - missed);
    if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn finish(args: &Args, totals: &Totals, failures: &[Failure]) -> anyhow::Result<ExitCode> {
    for failure in failures {
        eprintln!("{failure}");
    }
    let mut ledger = Ledger::read(&args.ledger)?;
    ledger.add(totals, args.seed, &args.ledger)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&ledger)?);
    } else {
        if totals.images + totals.damaged > 0 {
            println!(
                "{} images at {} crash points of {} workloads, {} faults, {} damaged stores (seed {})",
                totals.images,
                totals.crash_points,
                totals.workloads,
                totals.faults,
                totals.damaged,
                args.seed
            );
        }
        println!(
            "{} acknowledged events lost, {} violations",
            totals.lost, totals.violations
        );
    }
    Ok(if totals.violations == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
