//! Names of power cuts, so that one can be repeated: `17a5/3m0` is the fifth kind of power cut after
//! step 17 of the workload, then, of the recovery, the first kind in the middle of step 3.

use std::fmt;
use std::str::FromStr;
use strandline_core::fs::{Draws, Fill, Keep, Loss};

/// When the power is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After so many steps.
    After(usize),
    /// In the middle of the step with this number, from 0.
    Middle(usize),
}

/// A power cut: when, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// When.
    pub moment: Moment,
    /// Which of many that differ in what survives.
    pub variant: u64,
}

/// Kinds of loss that come first, before those by chance.
const FIRST: [(Keep, Fill); 6] = [
    (Keep::None, Fill::Old),
    (Keep::Any, Fill::Random),
    (Keep::All, Fill::Old),
    (Keep::Any, Fill::Zeros),
    (Keep::Prefix, Fill::Old),
    (Keep::None, Fill::Random),
];

impl Point {
    /// What this power cut takes; `seed` is that of everything before it.
    #[must_use]
    pub fn loss(&self, seed: u64) -> Loss {
        let mut draws = Draws::of(seed, &[self.place(), self.variant]);
        let fills = [Fill::Old, Fill::Zeros, Fill::Random];
        let (keep, fill) = match FIRST.get(self.variant as usize) {
            Some(first) => *first,
            // Every subset of up to five dirty sectors, then chance.
            None => {
                let later = self.variant - FIRST.len() as u64;
                let keep = match later {
                    0..32 => Keep::Sectors(later),
                    _ if draws.chance(1, 4) => Keep::Prefix,
                    _ => Keep::Any,
                };
                (keep, fills[draws.below(3) as usize])
            }
        };
        let seed = draws.number();
        Loss { keep, fill, seed }
    }

    /// The seed of what follows this power cut.
    #[must_use]
    pub fn seed(&self, seed: u64) -> u64 {
        Draws::of(seed, &[self.place(), self.variant, 1]).number()
    }

    const fn place(&self) -> u64 {
        match self.moment {
            Moment::After(step) => 2 * step as u64,
            Moment::Middle(step) => 2 * step as u64 + 1,
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.moment {
            Moment::After(step) => write!(f, "{step}a{}", self.variant),
            Moment::Middle(step) => write!(f, "{step}m{}", self.variant),
        }
    }
}

/// Power cuts one after the other, each in the recovery from the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path(pub Vec<Point>);

impl Path {
    /// This path and one more power cut.
    #[must_use]
    pub fn and(&self, point: Point) -> Self {
        let mut path = self.clone();
        path.0.push(point);
        path
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, point) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "/" };
            write!(f, "{separator}{point}")?;
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let points = text.split('/').map(|part| {
            let at = part.find(['a', 'm'])?;
            let step = part[..at].parse().ok()?;
            let variant = part[at + 1..].parse().ok()?;
            let moment = if part[at..].starts_with('a') {
                Moment::After(step)
            } else {
                Moment::Middle(step)
            };
            Some(Point { moment, variant })
        });
        let points: Option<_> = points.collect();
        points
            .map(Self)
            .ok_or_else(|| format!("{text} is no place such as 17a5 or 17a5/3m0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_back() {
        let path: Path = "17a5/3m0".parse().unwrap();
        assert_eq!(path.0.len(), 2);
        assert_eq!(path.to_string(), "17a5/3m0");
        assert!("17".parse::<Path>().is_err());
    }

    #[test]
    fn variants_repeat_and_differ() {
        let moment = Moment::After(3);
        let loss = |variant| Point { moment, variant }.loss(1);
        assert_eq!(loss(40), loss(40));
        assert_ne!(loss(40).seed, loss(41).seed);
        assert_eq!(loss(6).keep, Keep::Sectors(0));
        assert_eq!(loss(37).keep, Keep::Sectors(31));
    }
}
