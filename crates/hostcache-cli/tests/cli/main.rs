//! The built binary `hostcache`, as a shell would run it: every verb, the exit codes, both formats.
//!
//! Each test has a directory of its own for its regions (`HOSTCACHE_DIR`), removed at its end.

mod charged;
mod containers;
mod daemon;
mod dumps;
mod insight;
mod items;
mod killed;
mod manual;
mod memfd;
mod process;
mod regions;
mod service;
mod settings;
mod streams;
mod support;
mod takeover;
