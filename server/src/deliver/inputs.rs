//! Which inputs a frame answers: those that came before its picture was taken.

use std::collections::VecDeque;

/// Pictures that inputs are kept apart for.
const APART: usize = 64;

/// Inputs that no frame has answered yet, by the pictures that had been taken before them.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    /// Pictures, and inputs: of increasing pictures.
    waiting: VecDeque<(u64, u64)>,
}

impl Inputs {
    /// An input came after so many pictures.
    pub(super) fn add(&mut self, pictures: u64) {
        let full = self.waiting.len() == APART;
        match self.waiting.back_mut() {
            Some((last, inputs)) if *last == pictures => *inputs += 1,
            // Nobody waits for so many frames: the newest may be told a little late.
            Some((last, inputs)) if full => {
                (*last, *inputs) = (pictures, *inputs + 1);
            }
            _ => self.waiting.push_back((pictures, 1)),
        }
    }

    /// Takes those that came before a picture (counted from 1) was taken.
    pub(super) fn take_before(&mut self, picture: u64) -> u64 {
        let mut inputs = 0;
        while let Some(&(_, more)) = self.waiting.front().filter(|(pictures, _)| *pictures < picture) {
            self.waiting.pop_front();
            inputs += more;
        }
        inputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_answers_what_came_before_it() {
        let mut inputs = Inputs::default();
        inputs.add(0);
        inputs.add(0);
        inputs.add(1);
        assert_eq!(inputs.take_before(1), 2);
        assert_eq!(inputs.take_before(1), 0);
        assert_eq!(inputs.take_before(7), 1);
        assert_eq!(inputs.take_before(8), 0);
    }

    #[test]
    fn a_viewer_without_frames_takes_no_memory() {
        let mut inputs = Inputs::default();
        (0..1000).for_each(|picture| inputs.add(picture));
        assert_eq!(inputs.waiting.len(), APART);
        assert_eq!(inputs.take_before(999), APART as u64 - 1);
        assert_eq!(inputs.take_before(1000), 1000 - (APART as u64 - 1));
    }
}
