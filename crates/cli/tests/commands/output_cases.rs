//! The commands whose outputs are tried, each with its arguments and whether its work is done.

#[cfg(feature = "seal")]
use crate::expect;
use crate::json;
use std::path::Path;

/// What a command is called, its arguments where `{}` is the store and `+` a directory beside it, and whether
/// its work is done.
pub(crate) type Case = (&'static str, &'static str, fn(&Path, &Path) -> bool);

fn events(store: &Path) -> u64 {
    json(0, "stats {} --json", store)["events"]
        .as_u64()
        .unwrap()
}

/// Whether the checkpoint has everything: a store that was not closed has its newest events in the log alone.
fn is_closed(store: &Path) -> bool {
    json(0, "inspect {} --json", store)["contents"]["opening"]["events_from_log"] == 0
}

pub(crate) fn nothing_to_do(_: &Path, _: &Path) -> bool {
    true
}

/// What a file of keys has.
#[cfg(feature = "seal")]
fn listed(store: &Path, beside: &Path, wrapping: &str) -> String {
    let (keys, wrapping) = (beside.join("keys"), beside.join(wrapping));
    let (keys, wrapping) = (keys.display(), wrapping.display());
    let list = format!("key-store list {keys} --wrapping-key {wrapping}");
    expect(0, &list, store)
}

#[cfg(feature = "seal")]
fn is_forgotten(store: &Path, beside: &Path) -> bool {
    listed(store, beside, "wrapping").contains("forgotten")
}

pub(crate) const CASES: &[Case] = &[
    ("inspect", "inspect {}", nothing_to_do),
    (
        "inspect",
        "inspect {} --file MANIFEST --limit 2",
        nothing_to_do,
    ),
    ("stats", "stats {}", nothing_to_do),
    ("query", "query {} --limit 3", nothing_to_do),
    ("tail", "tail {}", nothing_to_do),
    ("live", "live {}", nothing_to_do),
    ("live", "live {} show printer", nothing_to_do),
    (
        "live",
        "live {} reset printer --to now --yes",
        |store, _| json(0, "live {} show printer --json", store)["sequence"] == 10,
    ),
    ("verify", "verify {}", nothing_to_do),
    ("verify", "verify {} --receipt +/receipt", nothing_to_do),
    ("export", "export {}", nothing_to_do),
    ("export", "export {} -o -", nothing_to_do),
    ("export", "export {} -o +/new", |_, beside| {
        std::fs::read_to_string(beside.join("new")).is_ok_and(|text| text.lines().count() == 10)
    }),
    ("import", "import {} +/lines", |store, _| {
        events(store) == 12 && is_closed(store)
    }),
    ("import", "import {} +/wrong", |store, _| {
        events(store) == 11 && is_closed(store)
    }),
    ("completions", "completions bash", nothing_to_do),
    ("man", "man +/man", |_, beside| {
        beside.join("man/strandline-query.1").exists()
    }),
    ("checkpoint", "checkpoint {}", nothing_to_do),
    ("rebuild", "rebuild {}", nothing_to_do),
    ("backup", "backup {} +/copy", |_, beside| {
        events(&beside.join("copy")) == 10
    }),
    ("restore", "restore {} +/restored", |_, beside| {
        events(&beside.join("restored")) == 10
    }),
    #[cfg(feature = "replicate")]
    (
        "restore",
        "restore --from file://+/bucket +/restored",
        |_, beside| events(&beside.join("restored")) == 10,
    ),
    #[cfg(feature = "replicate")]
    (
        "replicate",
        "replicate {} file://+/bucket",
        |store, beside| {
            let bucket = beside.join("bucket");
            let replicas = format!("replicas file://{} --json", bucket.display());
            json(0, &replicas, store)["terms_count"] == 2
        },
    ),
    #[cfg(feature = "replicate")]
    (
        "follow",
        "follow file://+/bucket +/replica --once",
        |_, beside| events(&beside.join("replica")) == 10,
    ),
    #[cfg(feature = "replicate")]
    (
        "take-over",
        "take-over file://+/bucket +/next --yes",
        |_, beside| events(&beside.join("next")) == 10,
    ),
    #[cfg(feature = "replicate")]
    ("replicas", "replicas file://+/bucket", nothing_to_do),
    #[cfg(feature = "replicate")]
    (
        "replicas",
        "replicas file://+/bucket --check-removed",
        nothing_to_do,
    ),
    ("compact", "compact {} --keep-newest 1", |store, _| {
        events(store) == 2
    }),
    (
        "compact",
        "compact {} --keep-newest 1 --dry-run",
        nothing_to_do,
    ),
    ("redact", "redact {} --entity order:1", |store, _| {
        json(0, "verify {} --json", store)["redacted"] == 5
    }),
    ("removals", "removals {}", nothing_to_do),
    #[cfg(feature = "proof")]
    ("key", "key show +/key", nothing_to_do),
    #[cfg(feature = "proof")]
    ("prove", "prove {} --sequence 3 --key +/key", nothing_to_do),
    #[cfg(feature = "proof")]
    (
        "check-proof",
        "check-proof +/proof --key +/public",
        nothing_to_do,
    ),
    #[cfg(feature = "proof")]
    (
        "heads",
        "heads sign {} --key +/key --to +/heads",
        |_, beside| beside.join("heads").exists(),
    ),
    #[cfg(feature = "proof")]
    (
        "verify",
        "verify {} --anchors +/tree/checkpoint --key +/public",
        nothing_to_do,
    ),
    #[cfg(feature = "proof")]
    ("tiles", "tiles {} +/tiles --key +/key", |_, beside| {
        beside.join("tiles/checkpoint").exists()
    }),
    #[cfg(feature = "seal")]
    (
        "forget",
        "forget {} --entity order:1 --keys +/keys --wrapping-key +/wrapping --yes",
        |store, beside| is_forgotten(store, beside),
    ),
    #[cfg(feature = "seal")]
    (
        "key-store",
        "key-store new +/more --wrapping-key +/wrapping",
        |_, beside| beside.join("more").is_file(),
    ),
    #[cfg(feature = "seal")]
    (
        "key-store",
        "key-store rotate +/keys --wrapping-key +/wrapping --new-wrapping-key +/next",
        |store, beside| listed(store, beside, "next").contains("order:1"),
    ),
    #[cfg(feature = "seal")]
    (
        "key-store",
        "key-store list +/keys --wrapping-key +/wrapping",
        nothing_to_do,
    ),
    ("salvage", "salvage {} +/saved", |_, beside| {
        events(&beside.join("saved")) == 10
    }),
];
