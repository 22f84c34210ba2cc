//! The directions of the dependencies between packages.

use cargo_metadata::Package;

/// Which workspace crates each one may depend on, its tests included.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("strandline-core", &[]),
    ("strandline-segment", &["strandline-core"]),
    ("strandline-index", &["strandline-core"]),
    ("strandline-checkpoint", &["strandline-core"]),
    ("strandline-derive", &[]),
    ("strandline-proof", &["strandline-core"]),
    (
        "strandline",
        &[
            "strandline-core",
            "strandline-segment",
            "strandline-index",
            "strandline-checkpoint",
            "strandline-derive",
            "strandline-proof",
        ],
    ),
    ("strandline-transfer", &["strandline", "strandline-core"]),
    (
        "strandline-anchor",
        // Itself with its features, for its tests.
        &[
            "strandline",
            "strandline-core",
            "strandline-proof",
            "strandline-replicate",
            "strandline-test-s3",
            "strandline-anchor",
        ],
    ),
    (
        "strandline-live",
        &[
            "strandline",
            "strandline-core",
            "strandline-checkpoint",
            "strandline-seal",
        ],
    ),
    (
        "strandline-aggregate",
        &[
            "strandline",
            "strandline-core",
            "strandline-checkpoint",
            "strandline-seal",
            // Itself with its features, for its tests.
            "strandline-aggregate",
        ],
    ),
    (
        "strandline-cqrs-es",
        &[
            "strandline",
            "strandline-core",
            "strandline-checkpoint",
            "strandline-transfer",
        ],
    ),
    ("strandline-dcb", &["strandline", "strandline-core"]),
    (
        "strandline-disintegrate",
        &[
            "strandline",
            "strandline-core",
            "strandline-checkpoint",
            "strandline-live",
        ],
    ),
    (
        "strandline-replicate",
        &[
            "strandline",
            "strandline-core",
            "strandline-segment",
            "strandline-test-s3",
            // Itself with its features, for its tests.
            "strandline-replicate",
        ],
    ),
    ("strandline-seal", &["strandline", "strandline-core"]),
    (
        "strandline-inspector",
        &[
            "strandline",
            "strandline-live",
            "strandline-transfer",
            "strandline-anchor",
        ],
    ),
    ("strandline-control", &["strandline", "strandline-core"]),
    (
        "strandline-serve",
        &["strandline", "strandline-core", "strandline-dcb"],
    ),
    ("strandline-test-s3", &["strandline-core"]),
    (
        "strandline-examples",
        &[
            "strandline",
            "strandline-live",
            "strandline-aggregate",
            "strandline-control",
        ],
    ),
    (
        "strandline-tests",
        &[
            "strandline",
            "strandline-core",
            "strandline-segment",
            "strandline-index",
            "strandline-checkpoint",
            "strandline-transfer",
            "strandline-live",
            "strandline-anchor",
            // One page lists what all of them tell a recorder of metrics.
            "strandline-replicate",
        ],
    ),
    (
        "strandline-crash",
        &[
            "strandline",
            "strandline-core",
            "strandline-segment",
            "strandline-index",
            "strandline-checkpoint",
            "strandline-proof",
            "strandline-transfer",
            "strandline-live",
        ],
    ),
    (
        "strandline-benches",
        &[
            "strandline",
            "strandline-core",
            "strandline-segment",
            "strandline-index",
            "strandline-aggregate",
            "strandline-live",
            "strandline-proof",
            "strandline-replicate",
            "strandline-seal",
            "strandline-test-s3",
        ],
    ),
    (
        "strandline-cli",
        &[
            "strandline",
            "strandline-transfer",
            "strandline-live",
            "strandline-inspector",
            "strandline-control",
            "strandline-anchor",
            "strandline-proof",
            "strandline-replicate",
            "strandline-seal",
            "strandline-serve",
            "strandline-test-s3",
        ],
    ),
    ("strandline-demo", &["strandline", "strandline-cli"]),
    // It is built before anything else: programs that know more are started by it.
    ("xtask", &["strandline-core"]),
];

/// Dependencies of the workspace's packages on each other that go against the directions.
pub(super) fn against_directions(packages: &[Package]) -> Vec<String> {
    let names: Vec<_> = packages.iter().map(|p| p.name.to_string()).collect();
    let mut findings = Vec::new();
    for package in packages {
        let inside = package
            .dependencies
            .iter()
            .filter(|dependency| names.contains(&dependency.name))
            .map(|dependency| dependency.name.clone());
        findings.extend(wrong_directions(&package.name, inside));
    }
    findings
}

fn wrong_directions(package: &str, dependencies: impl Iterator<Item = String>) -> Vec<String> {
    let rule = MAY_DEPEND_ON.iter().find(|(name, _)| *name == package);
    let Some((_, allowed)) = rule else {
        return vec![format!("{package}: say in tidy what it may depend on")];
    };
    dependencies
        .filter(|dependency| !allowed.contains(&dependency.as_str()))
        .map(|dependency| format!("{package}: must not depend on {dependency}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_must_not_know_each_other() {
        let found = wrong_directions(
            "strandline-index",
            ["strandline-segment".to_owned()].into_iter(),
        );
        assert_eq!(found.len(), 1);
        let fine = wrong_directions(
            "strandline-index",
            ["strandline-core".to_owned()].into_iter(),
        );
        assert!(fine.is_empty());
        assert_eq!(wrong_directions("new-crate", std::iter::empty()).len(), 1);
    }
}
