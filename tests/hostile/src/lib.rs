//! Regions written by an enemy.
//!
//! A *target* runs one input: any bytes are a program of damages to a sound region ([`damage`]) and operations on it
//! ([`operations`]: the core, between guard pages; [`handles`]: the whole library, over a sealed descriptor). A finding
//! is a panic, a signal, or no end. [`campaign`] breeds inputs from a seed, guided by coverage where the build counts it
//! ([`coverage`]); `cargo fuzz` drives the same targets. [`live`] lets another process write while operations run;
//! [`hunt`] writes between two instructions of one. [`probe`] is what the tests of a hostile *system* run.

pub mod breed;
pub mod campaign;
pub mod coverage;
pub mod damage;
pub mod guarded;
pub mod handles;
pub mod hunt;
pub mod images;
pub mod input;
pub mod live;
pub mod operations;
pub mod probe;
pub mod program;
pub mod report;
pub mod target;
