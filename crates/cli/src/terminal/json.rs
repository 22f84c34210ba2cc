//! JSON in lines for people: blanks are added between its parts, and nothing of it is changed.

/// How deep lines are indented at most, so that what is nested by a hostile hand does not grow with its depth.
const DEPTH_MAX: usize = 32;

/// A text that is JSON, in lines. Nothing if it is an object or array by no means.
pub(super) fn indented(json: &str) -> Option<String> {
    if !json.starts_with(['{', '[']) {
        return None;
    }
    let mut lines = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        if in_text {
            lines.push(character);
            (in_text, is_escaped) = match character {
                _ if is_escaped => (true, false),
                '"' => (false, false),
                other => (true, other == '\\'),
            };
            continue;
        }
        match character {
            '{' | '[' => {
                lines.push(character);
                while characters
                    .next_if(|next| next.is_ascii_whitespace())
                    .is_some()
                {}
                let end = if character == '{' { '}' } else { ']' };
                match characters.next_if_eq(&end) {
                    Some(end) => lines.push(end),
                    None => {
                        depth += 1;
                        begin_line(&mut lines, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                begin_line(&mut lines, depth);
                lines.push(character);
            }
            ',' => {
                lines.push(',');
                begin_line(&mut lines, depth);
            }
            ':' => lines.push_str(": "),
            blank if blank.is_ascii_whitespace() => {}
            other => {
                in_text = other == '"';
                lines.push(other);
            }
        }
    }
    Some(lines)
}

fn begin_line(lines: &mut String, depth: usize) {
    lines.push('\n');
    lines.extend(std::iter::repeat_n("  ", depth.min(DEPTH_MAX)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_lines_is_the_same_json() {
        let json =
            r#"{"a":[1,2.50,{}],"b: \"{,":"x\\","c":[ ],"d":{"e":1e999,"f":18446744073709551617}}"#;
        let shown = indented(json).unwrap();
        assert_eq!(
            shown.lines().collect::<Vec<_>>(),
            [
                "{",
                "  \"a\": [",
                "    1,",
                "    2.50,",
                "    {}",
                "  ],",
                "  \"b: \\\"{,\": \"x\\\\\",",
                "  \"c\": [],",
                "  \"d\": {",
                "    \"e\": 1e999,",
                "    \"f\": 18446744073709551617",
                "  }",
                "}",
            ]
        );
        assert_eq!(indented("\"text\""), None);
        let deep = "[".repeat(100_000);
        assert!(indented(&deep).unwrap().len() < 100 * deep.len());
    }
}
