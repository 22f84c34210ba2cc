//! `export --format parquet` and `import --format parquet`.

use crate::{expect, json, outcome, run, store};

#[test]
fn a_table_is_imported_as_it_was_exported() {
    let (dir, path) = store();
    let file = dir.path().join("orders.parquet");
    let export = format!("export {{}} --format parquet -o {} --json", file.display());
    let exported = json(0, &export, &path);
    assert_eq!(exported["events"], 10);
    assert_eq!(exported["bytes"], std::fs::metadata(&file).unwrap().len());
    // What is there is not overwritten.
    let (code, _, err) = outcome(&run(&export, &path));
    assert_eq!((code, err.contains("orders.parquet")), (2, true), "{err}");
    let copy = dir.path().join("copy.strand");
    let import = format!("import {{}} {} --format parquet", file.display());
    let checked = expect(0, &format!("{import} --check"), &copy);
    assert!(checked.contains("10 events would be imported"), "{checked}");
    assert!(!copy.exists());
    assert!(expect(0, &import, &copy).contains("10 events imported"));
    let lines = |path: &std::path::Path| {
        let out = expect(0, "export {}", path);
        let lines = out
            .lines()
            .map(|line| line.rsplit_once(",\"hash\"").unwrap().0.to_owned());
        lines.collect::<Vec<_>>()
    };
    assert_eq!(lines(&copy), lines(&path));
}

#[test]
fn what_is_no_table_is_refused() {
    let (dir, path) = store();
    let (code, _, err) = outcome(&run("import {} - --format parquet", &path));
    assert_eq!(
        (code, err.contains("it has to be a file")),
        (2, true),
        "{err}"
    );
    let lines = dir.path().join("orders.jsonl");
    expect(0, &format!("export {{}} -o {}", lines.display()), &path);
    let import = format!("import {{}} {} --format parquet", lines.display());
    let (code, _, err) = outcome(&run(&import, &path));
    assert_eq!(
        (code, err.contains("it does not end as one")),
        (2, true),
        "{err}"
    );
}
