//! `completions` and `man`, which are made of the arguments; `-v` and `RUST_LOG`.

use crate::{expect, outcome, program, run, store};
use std::path::Path;

#[test]
fn shells_are_told_of_every_command_and_option() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = expect(0, &format!("completions {shell}"), Path::new("."));
        for part in ["strandline", "query", "keep-newest", "caused-by"] {
            assert!(script.contains(part), "{shell}: {part}");
        }
    }
    assert_eq!(outcome(&run("completions tcsh", Path::new("."))).0, 2);
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let man = dir.path().join("made/man1");
    let shown = expect(0, "man {}", &man);
    let pages = std::fs::read_dir(&man).unwrap().count();
    assert!(
        shown.starts_with(&format!("{pages} pages of the manual in ")),
        "{shown}"
    );
    let read = |name: &str| std::fs::read_to_string(man.join(name)).unwrap();
    let whole = read("strandline.1");
    let help = expect(0, "--help", dir.path());
    let commands = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands"))
        .skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    let commands = commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let commands: Vec<_> = commands
        .filter(|name| !name.is_empty() && *name != "help")
        .collect();
    assert!(commands.len() > 15, "{help}");
    for command in commands {
        let page = read(&format!("strandline-{command}.1"));
        assert!(
            page.contains(".TH") && page.contains("Example"),
            "{command}: {page}"
        );
        assert!(
            whole.contains(&command.replace('-', "\\-")),
            "{command}: {whole}"
        );
    }
    assert!(read("strandline-query.1").contains("\\-\\-caused\\-by"));
    assert!(read("strandline-live-replay.1").contains("strandline"));
    // Given again, they are replaced.
    std::fs::write(man.join("strandline-query.1"), "old").unwrap();
    expect(0, "man {}", &man);
    assert!(read("strandline-query.1").contains(".TH"));
    assert_eq!(std::fs::read_dir(&man).unwrap().count(), pages);
}

/// The library told what it does, and nobody could see it.
#[test]
fn what_the_library_does_is_told_where_it_is_asked_for() {
    let (_dir, path) = store();
    let told = |arguments: &str, filter: Option<&str>| {
        let arguments = arguments.split(' ').map(|argument| match argument {
            "{}" => path.as_os_str().to_owned(),
            argument => argument.into(),
        });
        let mut program = program();
        program.args(arguments).env_remove("RUST_LOG");
        if let Some(filter) = filter {
            program.env("RUST_LOG", filter);
        }
        let (code, out, err) = outcome(&program.output().unwrap());
        assert_eq!(code, 0, "{err}");
        assert!(
            serde_json::from_str::<serde_json::Value>(&out).is_ok(),
            "{out}"
        );
        err
    };
    assert_eq!(told("stats {} --json", None), "");
    assert_eq!(told("stats {} --json", Some("")), "");
    let once = told("-v stats {} --json", None);
    assert!(
        once.contains("opened") && !once.contains("open.lock"),
        "{once}"
    );
    let twice = told("stats {} --json -vv", None);
    assert!(twice.contains("open.manifest"), "{twice}");
    let filtered = told("stats {} --json", Some("strandline=info"));
    assert!(filtered.contains("opened"), "{filtered}");
    let wrong = told("stats {} --json", Some("strandline=loud"));
    assert!(
        wrong.contains("RUST_LOG says nothing that is known"),
        "{wrong}"
    );
}
