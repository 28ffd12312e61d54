//! What `cargo xtask fork export` writes and refuses.

use crate::demo::{Demo, TRAILERS, contains, write};
use std::fs;
use xtask::fork::export::apply;
use xtask::git::Git;

#[test]
fn the_export_applies_to_upstream_and_gives_the_checkout() {
    let demo = Demo::with_queue();
    for (path, text) in [
        (
            "isa/x64/a.clif",
            ";; as ABI.md says, and b.clif,\n;; (see isa/c.clif).\ntest compile\n",
        ),
        ("isa/x64/notes.txt", "not a test\n"),
        ("runtests/named.clif", "test run\n"),
        ("runtests/other.clif", "test run\n"),
        ("exceptions/b.clif", "test run\n"),
        ("readme.clif", "test cat\n"),
    ] {
        demo.edit(&format!("filetests/filetests/{path}"), |_| text.into());
    }
    demo.edit("ABI.md", |_| "rules\n".into());
    demo.edit("cranelift/patches/demo-change-the-other.patch", |text| {
        let test = "Test: filetests/filetests/runtests/named.clif";
        text.replace("Test: this", test)
    });
    let upstream = demo.upstream("README.md", "unrelated\n");
    let to = demo.dir.path().join("export");
    let first = demo.export(&to).unwrap();
    assert_eq!(
        fs::read_dir(&to).unwrap().count(),
        5,
        "four patches and the marker"
    );
    let exported = demo.export(&to).unwrap();
    assert_eq!(
        exported.patches, first.patches,
        "an export replaces another"
    );
    assert_eq!(exported.filetests, 3);
    let left_out: Vec<_> = exported.left_out.iter().map(|(path, _)| path).collect();
    assert_eq!(
        left_out,
        [
            "filetests/filetests/exceptions/b.clif",
            "filetests/filetests/readme.clif"
        ]
    );
    apply(&exported.patches, &demo.dir.path().join("upstream")).unwrap();
    let tree = |git: &Git, path: &str| git.text(&["rev-parse", &format!("HEAD:{path}")]).unwrap();
    assert_eq!(
        tree(&upstream, "cranelift/demo"),
        tree(&demo.git(), "cranelift/demo")
    );
    let log = [
        "log",
        "--reverse",
        "--name-only",
        "--format=%n%an: %s",
        "-4",
    ];
    let log = upstream.text(&log).unwrap();
    let log: Vec<_> = log.lines().filter(|line| !line.is_empty()).collect();
    let expected = [
        "P: demo: add a file",
        "cranelift/demo/src/lib.rs",
        "cranelift/demo/src/new.rs",
        "P: demo: change the other, ä",
        "cranelift/demo/src/other.rs",
        "cranelift/filetests/filetests/runtests/system-v-multi-out-named.clif",
        "P: filetests: system_v_multi_out, isa/x64",
        "cranelift/docs/system-v-multi-out.md",
        "cranelift/filetests/filetests/isa/x64/system-v-multi-out-a.clif",
        "P: filetests: system_v_multi_out, runtests",
        "cranelift/filetests/filetests/runtests/system-v-multi-out-other.clif",
    ];
    assert_eq!(log, expected);
    let message = upstream
        .text(&["log", "-1", "--format=%B", "HEAD~2"])
        .unwrap();
    assert_eq!(
        message,
        "demo: change the other, ä\n\nSigned-off-by: P <p@example.org>"
    );
    let show = |path: &str| upstream.text(&["show", &format!("HEAD:{path}")]).unwrap();
    assert_eq!(show("cranelift/docs/system-v-multi-out.md"), "rules");
    contains(
        &show("cranelift/filetests/filetests/isa/x64/system-v-multi-out-a.clif"),
        &[
            "as cranelift/docs/system-v-multi-out.md says, and system-v-multi-out-b.clif,",
            "(see isa/system-v-multi-out-c.clif).",
        ],
    );
}

#[test]
fn an_export_refuses_a_test_that_it_does_not_have() {
    let demo = Demo::with_queue();
    demo.edit("filetests/filetests/exceptions/b.clif", |_| {
        "test run\n".into()
    });
    demo.edit("cranelift/patches/demo-change-the-other.patch", |text| {
        text.replace("Test: this", "Test: filetests/filetests/exceptions/b.clif")
    });
    let to = demo.dir.path().join("export");
    let error = format!("{:#}", demo.export(&to).err().unwrap());
    contains(
        &error,
        &[
            "demo-change-the-other.patch",
            "exceptions/b.clif",
            "names no filetest",
        ],
    );
    assert!(!to.exists());
}

#[test]
fn an_export_onto_a_clone_that_lacks_objects_says_so() {
    let demo = Demo::with_queue();
    let patches = demo
        .export(&demo.dir.path().join("export"))
        .unwrap()
        .patches;
    let upstream = demo.upstream("cranelift/demo/src/other.rs", "// rewritten\n");
    let dir = demo.dir.path().join("shallow");
    let from = format!("file://{}", demo.dir.path().join("upstream").display());
    let to = dir.to_str().unwrap();
    upstream
        .run(&["clone", "--quiet", "--depth=1", &from, to])
        .unwrap();
    contains(
        &format!("{:#}", apply(&patches, &dir).unwrap_err()),
        &["lacks", "git fetch --unshallow", "as it was before"],
    );
}

#[test]
fn an_export_that_does_not_apply_leaves_upstream_alone() {
    let demo = Demo::with_queue();
    let upstream = demo.upstream("cranelift/demo/src/other.rs", "// rewritten\n");
    let head = upstream.text(&["rev-parse", "HEAD"]).unwrap();
    let patches = demo
        .export(&demo.dir.path().join("export"))
        .unwrap()
        .patches;
    let dir = demo.dir.path().join("upstream");
    let error = format!("{:#}", apply(&patches, &dir).unwrap_err());
    contains(&error, &["0002-demo-change-the-other", "as it was before"]);
    assert_eq!(upstream.text(&["rev-parse", "HEAD"]).unwrap(), head);
    assert_eq!(upstream.text(&["status", "--porcelain"]).unwrap(), "");
    write(&dir.join("cranelift/demo/src/lib.rs"), "dirty");
    contains(
        &format!("{:#}", apply(&patches, &dir).unwrap_err()),
        &["has changes", "lib.rs"],
    );
    contains(
        &format!("{:#}", apply(&patches, demo.dir.path()).unwrap_err()),
        &["is not a git checkout"],
    );
}

#[test]
fn an_export_refuses_manifests_and_foreign_folders() {
    let demo = Demo::with_queue();
    contains(
        &format!("{:#}", demo.export(demo.dir.path()).err().unwrap()),
        &["no export wrote"],
    );
    demo.change("Cargo.toml", "[package]\nname = \"x\"\n");
    demo.commit(&format!("demo: change the manifest{TRAILERS}"));
    demo.save();
    let to = demo.dir.path().join("export");
    contains(
        &format!("{:#}", demo.export(&to).err().unwrap()),
        &["demo-change-the-manifest.patch", "Cargo.toml"],
    );
    assert!(!to.exists());
}
