//! `test-worker`: a child process that plays the role its one argument describes in JSON.
//!
//! It ends with 0 when all was as it should be, with 1 and a line on standard error when not.

use std::error::Error;
use std::process::ExitCode;

use hostcache_tests::roles::{self, Role};

fn main() -> ExitCode {
    roles::die_with_parent();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("test-worker {}: {e}", std::process::id());
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1).ok_or("the role is missing: one argument, in JSON")?;
    let role: Role = serde_json::from_str(&argument)?;
    roles::play(&role)
}
