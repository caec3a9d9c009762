//! A program, as both targets read it from their input: an image and the damage to it before it is opened, then damages and
//! operations in turn.

use crate::damage::{damage, reshape};
use crate::guarded::Guarded;
use crate::images::Image;
use crate::input::Input;

/// Different operations of a target.
const OPERATIONS: u8 = 32;

/// What a run came to, for the summary.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    /// Attached at all.
    pub attached: bool,
    /// Operations carried out.
    pub operations: u64,
}

/// A program whose region lies damaged where it will be opened.
pub(crate) struct Program<'a> {
    image: &'a Image,
    guarded: &'a Guarded,
    input: Input<'a>,
    /// How much is damaged before, and what else a target takes from it.
    pub(crate) before: u8,
}

impl<'a> Program<'a> {
    /// Puts the image in place, lets `adapt` change it, and does the damage that comes before.
    pub(crate) fn begin(
        images: &'a [Image],
        guarded: &'a Guarded,
        bytes: &'a [u8],
        adapt: impl FnOnce(),
    ) -> Self {
        let mut input = Input::new(bytes);
        let image = &images[input.byte() as usize % images.len()];
        guarded.restore(&image.words);
        adapt();
        let before = input.byte();
        if before >= 0xf0 {
            reshape(image, guarded, &mut input);
        }
        for _ in 0..before % 16 {
            damage(image, guarded, &mut input);
        }
        Self { image, guarded, input, before }
    }

    /// The rest, on a region that could be opened: so many steps at most.
    pub(crate) fn go_on(mut self, steps: u32, mut play: impl FnMut(u8, &mut Input<'_>)) -> Tally {
        let mut tally = Tally { attached: true, operations: 0 };
        for _ in 0..steps {
            if self.input.is_at_end() {
                break;
            }
            let what = self.input.byte();
            if what < 96 {
                damage(self.image, self.guarded, &mut self.input);
            } else {
                play(what % OPERATIONS, &mut self.input);
                tally.operations += 1;
            }
        }
        tally
    }
}
