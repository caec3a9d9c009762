//! The built binary `hostcache`, as a shell would run it: every verb, the exit codes, both formats.
//!
//! Each test has a directory of its own for its regions (`HOSTCACHE_DIR`), removed at its end.

mod daemon;
mod items;
mod regions;
mod streams;
mod support;
