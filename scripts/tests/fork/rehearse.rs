//! `cargo xtask fork rehearse` on a small upstream with releases beside the pinned one.

use crate::demo::{Demo, LIB, TRAILERS, write};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use xtask::checkout::build;
use xtask::fork::save::save;
use xtask::git::Git;

const PINNED: &str = "0.1.0";

/// What the tests of rehearsals need beyond others.
impl Demo {
    /// With these releases of the crate beside the pinned one, as version and text, two patches, and a workspace with a program
    /// `clif-util`.
    fn with_releases(releases: &[(&str, &str)]) -> Demo {
        let demo = Demo::with_dependency("\"=0.1.0\"");
        let write = |path: &str, text: &str| write(&demo.dir.path().join(path), text);
        write(
            ".cargo/config.toml",
            "[source.crates-io]\nreplace-with = \"shelf\"\n[source.shelf]\ndirectory = \"shelf\"\n",
        );
        for (version, lib) in releases.iter().chain(&[(PINNED, LIB)]) {
            let manifest = format!(
                "[package]\nname = \"cranelift-demo\"\nversion = \"{version}\"\nedition = \"2024\"\n\n\
                 [features]\nall-arch = []\ndisas = []\n"
            );
            let folder = format!("shelf/cranelift-demo-{version}");
            write(&format!("{folder}/Cargo.toml"), &manifest);
            write(&format!("{folder}/src/lib.rs"), lib);
            write(&format!("{folder}/src/other.rs"), "// other\n");
            write(&format!("{folder}/.cargo-checksum.json"), "{\"files\":{}}");
        }
        for (path, text) in [
            (
                "Cargo.toml",
                "[workspace]\nresolver = \"3\"\n\
                 members = [\"cranelift/checkout/made-by-cargo-xtask-fork-make\", \"filetests\", \"more\"]\n\
                 exclude = [\"cranelift\", \"target\"]\n\n[workspace.dependencies]\n\
                 cranelift-demo = { version = \"=0.1.0\", features = [\"disas\"] }\n\n\
                 [patch.crates-io]\ncranelift-demo = { path = \"cranelift/checkout/cranelift/demo\" }\n",
            ),
            (
                "filetests/Cargo.toml",
                "[package]\nname = \"filetests\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                 [[bin]]\nname = \"clif-util\"\npath = \"main.rs\"\n\n\
                 [dependencies]\ncranelift-demo.workspace = true\n\
                 fork-info = { path = \"../cranelift/checkout/made-by-cargo-xtask-fork-make\" }\n",
            ),
            (
                "filetests/main.rs",
                "fn main() {\n    if std::env::args().any(|arg| arg.ends_with(\"findings.d\")) {\n        \
                 println!(\"FAIL filetests/tests/findings.d/a.clif:1: cat\");\n    }\n    \
                 println!(\"{} passed, 0 failed, 0 skipped\", cranelift_demo::JOBS);\n    \
                 assert!(fork_info::PIN.starts_with(\"cranelift-demo 0.\"));\n}\n",
            ),
            ("filetests/tests/findings.d/a.clif", ""),
            ("filetests/tests/findings.d/b.clif", ""),
            // A member that the harness does not need.
            (
                "more/Cargo.toml",
                "[package]\nname = \"more\"\nversion = \"0.0.0\"\nedition = \"2024\"\n",
            ),
            ("more/src/lib.rs", ""),
        ] {
            write(&format!("repo/{path}"), text);
        }
        xtask::fork::pin::Pin {}.run(&demo.repo).unwrap();
        build(&demo.repo, &demo.repo.checkout()).unwrap();
        let hooked = LIB.replace("}\n\npub fn half", "}\n\nmod new;\npub fn half");
        demo.change("src/lib.rs", &hooked);
        demo.change("src/new.rs", NEW);
        demo.commit(&format!("demo: add a file{TRAILERS}"));
        demo.change("src/other.rs", "// other\n// ours\n");
        demo.commit(&format!("demo: change the other{TRAILERS}"));
        demo.save();
        demo
    }

    fn rehearse(&self, versions: &[&str]) -> Rehearsed {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["fork", "rehearse"])
            .args(versions)
            .env("CARGO_MANIFEST_DIR", self.repo.path("scripts"))
            .env_remove("CARGO_TARGET_DIR")
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Rehearsed {
            status: status.code(),
            text: text(stdout) + &text(stderr),
        }
    }

    fn result(&self, version: &str) -> PathBuf {
        let folder = format!("target/rehearse/{version}/cranelift/checkout");
        self.repo.path(&folder)
    }
}

const NEW: &str = "#[test]\nfn four() {\n    assert_eq!(crate::double(2), 4);\n}\n\n\
    #[allow(dead_code)]\nfn six() -> u32 {\n    crate::double(3)\n}\n\n\
    #[cfg(feature = \"disas\")]\npub fn one() -> u32 {\n    crate::one()\n}\n";

struct Rehearsed {
    status: Option<i32>,
    text: String,
}

impl Rehearsed {
    #[track_caller]
    fn ends(&self, status: i32, parts: &[&str]) {
        assert_eq!(self.status, Some(status), "{}", self.text);
        // The columns of the table are as wide as need be.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in parts {
            assert!(
                words(&self.text).contains(&words(part)),
                "no `{part}` in: {}",
                self.text
            );
        }
    }
}

#[test]
fn hooks_are_found_where_lines_have_moved_and_series_are_found() {
    let moved = LIB.replace(
        "//! Demo.\n",
        "//! Demo.\n\n/// New.\npub fn triple(x: u32) -> u32 {\n    3 * x\n}\n",
    );
    let demo = Demo::with_releases(&[("0.2.0", "an old one"), ("0.2.1", &moved), ("0.4.0", LIB)]);
    let done = demo.rehearse(&[]);
    done.ends(
        0,
        &[
            "0.2.1 demo-add-a-file.patch applies, builds",
            "0.2.1 demo-change-the-other.patch applies",
            "0.2.1 unit tests 1 passed, 0 failed",
            "0.2.1 clif-util builds",
            "0.2.1 filetests 7 passed, 0 failed",
            "0.2.1 findings 1 of 2, without b.clif",
            "0.4.0 filetests 7 passed, 0 failed",
            "the queue of cranelift-demo 0.1.0 does not fail on 0.2.1, 0.4.0",
        ],
    );
    assert!(!done.text.contains("0.2.0"), "{}", done.text);
    let log = Git::at(&demo.result("0.2.1")).text(&["log", "--format=%an: %s", "pin.."]);
    assert_eq!(
        log.unwrap(),
        "Ann: demo: change the other\nAnn: demo: add a file"
    );
    let lib = fs::read_to_string(demo.result("0.2.1").join("cranelift/demo/src/lib.rs")).unwrap();
    assert!(lib.contains("triple") && lib.contains("mod new;"), "{lib}");
}

/// As cranelift/README.md says.
#[test]
fn a_rehearsed_release_is_the_base_to_move_to() {
    let demo = Demo::with_releases(&[("0.2.0", &LIB.replace("//! Demo.\n", "//! Demo.\n//!\n"))]);
    demo.rehearse(&["0.2.0"])
        .ends(0, &["does not fail on 0.2.0"]);
    let manifest = demo.repo.path("cranelift/pin/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    write(&manifest, &text.replace("=0.1.0", "=0.2.0"));
    xtask::fork::pin::Pin {}.run(&demo.repo).unwrap();
    let git = Git::at(&demo.repo.checkout());
    let from = "../../target/rehearse/0.2.0/cranelift/checkout";
    git.run(&["fetch", "--quiet", from, "pin"]).unwrap();
    git.run(&["rebase", "--quiet", "--onto", "FETCH_HEAD", "pin"])
        .unwrap();
    git.run(&["tag", "--force", "pin", "FETCH_HEAD"]).unwrap();
    save(&demo.repo, &demo.repo.checkout(), true).unwrap();
    let state = xtask::checkout::state(&demo.repo, &demo.repo.checkout());
    assert_eq!(state.unwrap(), xtask::checkout::State::Fresh);
    let tree = |dir: &Path| Git::at(dir).text(&["rev-parse", "HEAD^{tree}"]).unwrap();
    assert_eq!(tree(&demo.repo.checkout()), tree(&demo.result("0.2.0")));
}

#[test]
fn a_conflict_is_shown_with_upstreams_lines() {
    let other = LIB.replace("}\n\npub fn half", "}\n\n/// Upstream's line.\npub fn half");
    let demo = Demo::with_releases(&[("0.2.0", &other)]);
    demo.rehearse(&["0.2"]).ends(
        1,
        &[
            "+/// Upstream's line.",
            "mod new;",
            "0.2.0 demo-add-a-file.patch conflicts in cranelift/demo/src/lib.rs",
            "0.2.0 demo-change-the-other.patch applies, not built",
            "0.2.0 tests not tried",
            "error: the queue of cranelift-demo 0.1.0 fails on 0.2.0",
        ],
    );
    let git = Git::at(&demo.result("0.2.0"));
    assert_eq!(
        git.text(&["status", "--porcelain", "--untracked-files=no"])
            .unwrap(),
        ""
    );
}

#[test]
fn a_commit_that_does_not_build_is_shown_with_upstreams_lines() {
    let other = LIB.replace("double(x: u32)", "double(x: &u32)");
    let demo = Demo::with_releases(&[("0.2.0", &other)]);
    demo.rehearse(&["0.2.0"]).ends(
        1,
        &[
            "pub fn double(x: &u32) -> u32 {",
            "0.2.0 demo-add-a-file.patch does not build: src/new.rs:8: mismatched types",
            "0.2.0 demo-change-the-other.patch applies, not built",
            "fails on 0.2.0",
        ],
    );
}

#[test]
fn unit_tests_that_fail_fail_the_release() {
    let demo = Demo::with_releases(&[("0.2.0", &LIB.replace("2 * x", "3 * x"))]);
    demo.rehearse(&["0.2.0"]).ends(
        1,
        &[
            "0.2.0 unit tests 0 passed, 1 failed",
            "0.2.0 filetests 7 passed",
        ],
    );
}

#[test]
fn a_harness_that_other_changes_break_is_no_failure_of_the_queue() {
    let demo = Demo::with_releases(&[("0.2.0", &LIB.replace("JOBS", "TASKS"))]);
    demo.rehearse(&["0.2.0"]).ends(
        0,
        &[
            "cannot find value `JOBS` in crate `cranelift_demo`, for which the queue is not to blame",
            "does not fail on 0.2.0",
        ],
    );
}

#[test]
fn a_harness_that_the_patches_break_is_a_failure() {
    let demo = Demo::with_releases(&[("0.2.0", &LIB.replace("one()", "one(_: u32)"))]);
    let done = demo.rehearse(&["0.2.0"]);
    done.ends(
        1,
        &[
            "0.2.0 unit tests 1 passed",
            "0.2.0 clif-util does not build: cranelift/checkout/cranelift/demo/src/new.rs:",
        ],
    );
    assert!(!done.text.contains("not to blame"), "{}", done.text);
}

#[test]
fn wrong_versions_are_refused() {
    let demo = Demo::with_releases(&[]);
    demo.rehearse(&[])
        .ends(0, &["there is no release after cranelift-demo 0.1.0"]);
    demo.rehearse(&["newest"])
        .ends(1, &["`newest` is neither a release"]);
    demo.rehearse(&["0.9"])
        .ends(1, &["cannot find `~0.9` of cranelift-demo", "0.1.0"]);
}
