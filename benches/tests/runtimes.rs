//! The runtime of this project as the benchmarks use it. One test, as executable memory is the whole process's.

use anyhow::Result;
use multi_out_benches::runtimes::case::{CALLS, COUNTS, Way, executable_bytes};
use multi_out_benches::runtimes::ours::{import_bytes, make};

#[test]
fn both_ways_compute_the_same_and_imports_are_no_code() -> Result<()> {
    assert_eq!(import_bytes()?, 0);
    let before = executable_bytes()?;
    for count in COUNTS {
        let mut import = make(Way::Import, count, 0)?;
        let mut export = make(Way::Export, count, 3)?;
        let sum = import.run(5, 7);
        assert_ne!(sum, 0, "{count} results");
        assert_eq!(sum, export.run(5 * CALLS as u64, 7), "{count} results");
        assert!(executable_bytes()? > before, "code is not seen");
    }
    Ok(())
}
