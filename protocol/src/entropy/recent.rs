//! Values that come again: the latest different ones, coded by their place in that list.

use super::Coder;
use super::bit::Bit;
use super::number::Number;

/// The latest `N` different values.
#[derive(Debug, Clone)]
pub(super) struct Recent<T, const N: usize> {
    values: Vec<T>,
    known: Bit,
    place: Number,
}

impl<T: Copy + PartialEq, const N: usize> Default for Recent<T, N> {
    fn default() -> Self {
        Self { values: Vec::with_capacity(N), known: Bit::default(), place: Number::default() }
    }
}

impl<T: Copy + PartialEq, const N: usize> Recent<T, N> {
    /// The latest value.
    pub(super) fn latest(&self) -> Option<T> {
        self.values.first().copied()
    }

    /// Codes a value; `new` codes one that is not in the list.
    pub(super) fn code<C: Coder>(&mut self, c: &mut C, value: T, new: impl FnOnce(&mut C, T) -> T) -> T {
        let place = self.values.iter().position(|v| *v == value);
        let known = self.known.code(c, place.is_some());
        let (value, place) = if known && !self.values.is_empty() {
            let place = self.place.code(c, place.unwrap_or(0) as u32) as usize;
            let place = place.min(self.values.len() - 1);
            (self.values[place], Some(place))
        } else {
            (new(c, value), None)
        };
        if C::LEARNS {
            match place {
                Some(place) => self.values[..=place].rotate_right(1),
                None => {
                    self.values.truncate(N - 1);
                    self.values.insert(0, value);
                }
            }
        }
        value
    }
}
