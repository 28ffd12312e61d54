//! The time that a file may take.

use clap::Args;
use std::time::Duration;

/// The option of subcommands that execute files.
#[derive(Args)]
pub struct TimeLimit {
    /// A file that takes longer has failed.
    #[arg(long = "timeout", value_name = "SECONDS", default_value = "120")]
    seconds: u64,
}

impl TimeLimit {
    /// The limit of each file.
    pub fn get(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}
