//! Seeds of campaigns.

use std::hash::{BuildHasher, Hasher, RandomState};

/// That of what has to pass, which finds nothing new: a change fails by its own fault alone.
pub const FIXED: u32 = 1;

/// The seed of every other run, printed for `--seed` to repeat it. Never 0, which libFuzzer takes for none.
pub fn draw() -> u32 {
    let seed = (RandomState::new().build_hasher().finish() as u32).max(1);
    println!("seed {seed}");
    seed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_new() {
        assert_ne!(draw(), draw());
    }
}
