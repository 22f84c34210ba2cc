//! Which names may have been meant by one that is not known.

use strsim::osa_distance;

/// How many names are offered in the place of one that is not known.
const NEAR_MOST: usize = 3;

/// The shortest text that offers all names which it is a part of.
const PART_BYTES_MIN: usize = 3;

/// The names that are most like one, the likest first: a few letters apart, or with it as a part of them.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let apart_most = (wanted.chars().count() / 4).max(1);
    let mut near: Vec<_> = names
        .filter_map(|own| {
            let known = own.to_lowercase();
            let apart = osa_distance(&wanted, &known);
            let is_part = wanted.len() >= PART_BYTES_MIN && known.contains(&wanted);
            (apart <= apart_most || is_part).then_some((apart, own))
        })
        .collect();
    near.sort_unstable();
    near.truncate(NEAR_MOST);
    near.into_iter().map(|(_, own)| own).collect()
}

/// The question which of some names was meant, with a space after it; nothing if there is none.
pub(crate) fn did_you_mean(near: &[&str]) -> String {
    let near: Vec<_> = near.iter().map(|own| format!("`{own}`")).collect();
    match near.is_empty() {
        true => String::new(),
        false => format!("did you mean {}? ", near.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_near_are_found() {
        let names = ["order.paid", "order.placed", "order.replaced", "Stock"];
        for (name, near) in [
            ("order.place", &["order.placed"][..]),
            ("ORDER.PAID", &["order.paid"]),
            ("stokc", &["Stock"]),
            ("stok", &["Stock"]),
            ("placed", &["order.placed", "order.replaced"]),
            ("x", &[]),
            ("", &[]),
        ] {
            assert_eq!(nearest(name, names.into_iter()), near, "{name}");
        }
    }
}
