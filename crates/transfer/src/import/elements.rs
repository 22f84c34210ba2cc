//! `Elements`: an array of JSON that goes over lines, cut into its elements. Reads no input, and no element: whether
//! it is JSON is found out where it is read.

/// What a byte of an array comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The array goes on.
    On,
    /// An element ends before this byte, or with it.
    Element,
    /// The array ends with this byte.
    End,
    /// The array ends with this byte, after an element that ends before it.
    LastElement,
    /// No array has this byte here.
    Wrong,
}

/// What comes next in an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// An element, or the end of an array that has none.
    First,
    /// An element, after a comma.
    Next,
    /// More of an element.
    Within,
    /// A comma or the end, after an element.
    Separator,
}

/// An array, from after its first bracket.
#[derive(Debug)]
pub(super) struct Elements {
    expected: Expected,
    /// The element that is being read.
    element: Vec<u8>,
    /// How many objects and arrays of the element are open.
    depth: usize,
    is_text: bool,
    is_escaped: bool,
}

impl Elements {
    /// An array of which nothing was read yet.
    pub(super) const fn new() -> Self {
        Self {
            expected: Expected::First,
            element: Vec::new(),
            depth: 0,
            is_text: false,
            is_escaped: false,
        }
    }

    /// Takes the next byte.
    pub(super) fn push(&mut self, byte: u8) -> Step {
        let is_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        match (self.expected, byte) {
            (Expected::Within, _) => self.within(byte),
            (_, _) if is_space => Step::On,
            (Expected::First | Expected::Separator, b']') => Step::End,
            (Expected::Separator, b',') => {
                self.expected = Expected::Next;
                Step::On
            }
            (Expected::Separator, _) | (_, b',' | b']' | b'}') => Step::Wrong,
            (Expected::First | Expected::Next, _) => {
                self.expected = Expected::Within;
                self.within(byte)
            }
        }
    }

    fn within(&mut self, byte: u8) -> Step {
        if self.is_text {
            self.element.push(byte);
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.is_text = false,
                _ => {}
            }
            return Step::On;
        }
        match byte {
            b',' if self.depth == 0 => {
                self.expected = Expected::Next;
                return Step::Element;
            }
            b']' if self.depth == 0 => return Step::LastElement,
            b'"' => self.is_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.element.push(byte);
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.expected = Expected::Separator;
                    return Step::Element;
                }
                return Step::On;
            }
            _ => {}
        }
        self.element.push(byte);
        Step::On
    }

    /// How many bytes the element has until now.
    pub(super) const fn len(&self) -> usize {
        self.element.len()
    }

    /// Whether an element has begun.
    pub(super) fn is_within(&self) -> bool {
        self.expected == Expected::Within
    }

    /// Takes the element that has ended.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.element)
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The elements of an array, and how it ended.
    fn cut(text: &str) -> (Vec<String>, Step) {
        let (mut elements, mut found) = (Elements::new(), Vec::new());
        for byte in text.bytes().skip(1) {
            let step = elements.push(byte);
            if matches!(step, Step::Element | Step::LastElement) {
                found.push(
                    String::from_utf8(elements.take())
                        .unwrap()
                        .trim()
                        .to_owned(),
                );
            }
            if matches!(step, Step::End | Step::LastElement | Step::Wrong) {
                return (found, step);
            }
        }
        (found, Step::On)
    }

    #[test]
    fn arrays_are_cut_where_their_elements_end() {
        for (text, expected, end) in [
            ("[]", &[][..], Step::End),
            ("[ \n]", &[], Step::End),
            ("[{}]", &["{}"], Step::End),
            (
                "[{}\n,\n{\"a\":[1,{}]} ]",
                &["{}", "{\"a\":[1,{}]}"],
                Step::End,
            ),
            ("[\"],\\\"[\", 5]", &["\"],\\\"[\"", "5"], Step::LastElement),
            ("[{\"a\":\"}\\\\\"}]", &["{\"a\":\"}\\\\\"}"], Step::End),
            ("[,]", &[], Step::Wrong),
            ("[{},]", &["{}"], Step::Wrong),
            ("[{}{}]", &["{}"], Step::Wrong),
            ("[}", &[], Step::Wrong),
            ("[{}", &["{}"], Step::On),
            ("[{", &[], Step::On),
        ] {
            let (found, step) = cut(text);
            assert_eq!(found, expected, "{text}");
            assert_eq!(step, end, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_serde_reads_is_cut_alike(
            values in proptest::collection::vec(("[a-z\"\\\\\\]\\[{},]{0,9}", 0..9_u32), 0..5),
        ) {
            let values: Vec<_> = values.iter().map(|(text, number)| serde_json::json!({text: [number, text]})).collect();
            let array = serde_json::Value::Array(values.clone());
            for text in [array.to_string(), serde_json::to_string_pretty(&array).unwrap()] {
                let (found, step) = cut(&text);
                let found: Vec<serde_json::Value> =
                    found.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
                prop_assert_eq!(&found, &values);
                prop_assert_eq!(step, Step::End);
            }
        }
    }
}
