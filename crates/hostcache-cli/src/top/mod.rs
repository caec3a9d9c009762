//! The live screen of `top`, and the rates that its plain lines show too.

mod live;
mod look;
mod screen;
mod terminal;

pub(crate) use live::run;
pub(crate) use look::{Look, Rates};
