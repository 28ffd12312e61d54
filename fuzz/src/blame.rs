//! Whose a panic is. Cranelift panics on a few functions that have nothing to do with us.

use filetests::panics::CaughtPanic;

/// Is it upstream's? Then it happens in a file of theirs, and in the same place without the convention,
/// where `without_us` is what becomes of the same program.
pub fn is_upstreams<T>(panic: &CaughtPanic, without_us: Result<T, CaughtPanic>) -> bool {
    let is_same = |other: CaughtPanic| other.location == panic.location;
    !is_in_our_part(&panic.to_string()) && without_us.is_err_and(is_same)
}

/// Does a panic's text name a file of ours, in Cranelift or here?
pub fn is_in_our_part(panic: &str) -> bool {
    let ours = [
        "multi_out.rs:",
        "multi_out/",
        "multi_out_finish.rs:",
        "abi_locations.rs:",
        "fuzz/src/",
    ];
    ours.iter().any(|place| panic.contains(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panic_at(location: &str) -> CaughtPanic {
        CaughtPanic {
            message: "x".into(),
            location: Some(location.into()),
        }
    }

    #[test]
    fn it_is_upstreams_in_the_same_place_of_a_file_of_theirs() {
        let theirs = panic_at("codegen/src/isa/x64/abi.rs:7");
        let ours = panic_at("codegen/src/machinst/abi/multi_out/params.rs:7");
        assert!(is_upstreams(&theirs, Err::<(), _>(theirs.clone())));
        let elsewhere = panic_at("codegen/src/isa/x64/abi.rs:8");
        assert!(!is_upstreams(&theirs, Err::<(), _>(elsewhere)));
        assert!(!is_upstreams(&theirs, Ok(())));
        assert!(!is_upstreams(&ours, Err::<(), _>(ours.clone())));
    }

    #[test]
    fn our_files_are_told_from_others() {
        for file in ["multi_out.rs", "multi_out_finish.rs"] {
            let panic = format!("panicked: x (at codegen/src/{file}:7)");
            assert!(is_in_our_part(&panic));
        }
        assert!(is_in_our_part("panicked: x (at fuzz/src/run.rs:7)"));
        assert!(!is_in_our_part(
            "panicked: x (at codegen/src/isa/x64/abi.rs:7)"
        ));
    }
}
