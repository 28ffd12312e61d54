//! Whose a panic is, and which one. Cranelift panics on a few functions that have nothing to do with us.

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
        "abi/multi_out/",
        "multi_out_finish.rs:",
        "abi_locations.rs:",
        "fuzz/src/",
        "filetests/src/",
    ];
    ours.iter().any(|place| panic.contains(place))
}

/// Where a text says that there was a panic, as [`CaughtPanic`] prints it.
pub fn place(text: &str) -> Option<&str> {
    Some(text.rsplit_once("(at ")?.1.split_once(')')?.0)
}

/// What of the text of a finding is the same for other cases: how it begins, without numbers and before any program or list, and the
/// place of a panic that it is about.
pub fn kind(text: &str) -> (String, Option<&str>) {
    let first = text.split(['(', '[', '{', '`', '\n']).next();
    let first = first.unwrap_or_default().chars();
    (first.filter(|c| !c.is_ascii_digit()).collect(), place(text))
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
    fn findings_of_a_kind_differ_in_their_programs() {
        for (a, b, is_same) in [
            (
                "result Some(1) differs\nx",
                "result Some(2) differs\ny",
                true,
            ),
            (
                "%f1 does not verify\n  line 3",
                "%f0 does not verify\n  line 1",
                true,
            ),
            ("%f1 does not verify", "%f1 does not compile", false),
            (
                "x86_64: panicked: 7 (at a.rs:1)\nf",
                "x86_64: panicked: 8 (at a.rs:1)\ng",
                true,
            ),
            (
                "x86_64: panicked: 7 (at a.rs:1)\nf",
                "x86_64: panicked: 7 (at a.rs:2)\nf",
                false,
            ),
        ] {
            assert_eq!(kind(a) == kind(b), is_same, "{a}, and {b}");
        }
    }

    #[test]
    fn our_files_are_told_from_others() {
        for file in ["multi_out.rs", "multi_out_finish.rs"] {
            let panic = format!("panicked: x (at codegen/src/{file}:7)");
            assert!(is_in_our_part(&panic));
        }
        for file in ["fuzz/src/run.rs", "filetests/src/abi/c.rs"] {
            assert!(is_in_our_part(&format!("panicked: x (at {file}:7)")));
        }
        for theirs in ["isa/x64/abi.rs", "isa/x64/multi_out/abi.rs"] {
            let panic = format!("panicked: x (at codegen/src/{theirs}:7)");
            assert!(!is_in_our_part(&panic));
        }
        let ours = "panicked: x (at codegen/src/machinst/abi/multi_out/params.rs:7)";
        assert!(is_in_our_part(ours));
    }
}
