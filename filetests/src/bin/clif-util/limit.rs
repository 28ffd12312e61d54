//! The time that a file may take.

use clap::Args;
use std::time::Duration;

/// The option of subcommands that execute files.
#[derive(Args)]
pub struct TimeLimit {
    /// A file that takes more of a processor's time has failed, and one that waits thirty times as long.
    #[arg(long = "timeout", value_name = "SECONDS", default_value = "120")]
    seconds: u64,
}

impl TimeLimit {
    /// The limit of each file.
    pub fn get(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}
