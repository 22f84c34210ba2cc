//! Where the models are, and running them.

use crate::run::cargo;
use anyhow::{Context, bail};
use std::process::{ExitCode, Stdio};

/// Where the models are: package and which of its test targets.
pub(super) const MODELS: &[&str] = &[
    "-p strandline-index --test loom",
    "-p strandline --lib model",
];

/// The flags that switch every crate to loom.
pub(crate) const FLAGS: &str = "--cfg strandline_loom";

/// Runs every model.
pub(crate) fn models() -> anyhow::Result<ExitCode> {
    let mut passed = 0;
    for target in MODELS {
        let variables = [("RUSTFLAGS", FLAGS), ("LOOM_MAX_PREEMPTIONS", "3")];
        let output = cargo(
            &format!("test --release --target-dir target/loom {target}"),
            &variables,
        )?
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
        let text = String::from_utf8_lossy(&output.stdout);
        print!("{text}");
        if !output.status.success() {
            bail!("a model failed: loom printed the interleaving above");
        }
        let models = passed_tests(&text);
        if models == 0 {
            bail!("no model ran for `{target}`");
        }
        passed += models;
    }
    println!("{passed} models passed");
    Ok(ExitCode::SUCCESS)
}

/// Sums the `test result: ok. N passed` lines.
fn passed_tests(output: &str) -> u32 {
    output
        .lines()
        .filter_map(|line| line.strip_prefix("test result: ok. "))
        .filter_map(|rest| rest.split(' ').next()?.parse::<u32>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::passed_tests;

    #[test]
    fn counts_what_passed() {
        let output = "running 2 tests\ntest result: ok. 2 passed; 0 failed\n\
                      test result: FAILED. 1 passed; 1 failed\ntest result: ok. 3 passed; 0 failed";
        assert_eq!(passed_tests(output), 5);
    }
}
