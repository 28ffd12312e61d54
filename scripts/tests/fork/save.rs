//! What `cargo xtask fork save` writes and refuses.

use crate::demo::{Demo, TRAILERS, contains, write};
use std::fs;
use xtask::checkout::State;
use xtask::fork::save::save;

#[test]
fn a_queue_that_cannot_be_read_is_replaced_by_force_only() {
    let demo = Demo::with_queue();
    let before = demo.files();
    demo.edit("cranelift/patches/demo-add-a-file.patch", |text| {
        format!("<<<<<<<\n{text}")
    });
    demo.edit("cranelift/demo/src/stray.rs", |_| "// of no patch\n".into());
    contains(&demo.save_error(), &["--force"]);
    save(&demo.repo, &demo.repo.checkout(), true).unwrap();
    assert_eq!(demo.files(), before);
    assert_eq!(demo.state(), State::Fresh);
}

#[test]
fn save_refuses_what_the_queue_cannot_hold() {
    type Change = fn(&Demo);
    let cases: [(&str, Change, &[&str]); 14] = [
        (
            "dirty",
            |d| d.change("src/lib.rs", ""),
            &["not committed", "lib.rs"],
        ),
        (
            "no trailers",
            |d| (d.change("x", ""), d.commit("demo: x")).1,
            &["(demo: x)", "`Upstream-Status:`", "reword"],
        ),
        (
            "subject",
            |d| (d.change("x", ""), d.commit(&format!("x{TRAILERS}"))).1,
            &["(x)", "area"],
        ),
        (
            "fixup",
            |d| (d.change("x", ""), d.commit("fixup! demo: x")).1,
            &["--autosquash pin"],
        ),
        (
            "separator",
            |d| {
                (
                    d.change("x", ""),
                    d.commit(&format!("demo: x\n\na\n---\nb{TRAILERS}")),
                )
                    .1
            },
            &["`---`"],
        ),
        (
            "new file twice",
            |d| {
                (
                    d.change("src/new.rs", "2"),
                    d.commit(&format!("demo: x{TRAILERS}")),
                )
                    .1
            },
            &[
                "(demo: x) changes `cranelift/demo/src/new.rs`",
                "--fixup",
                "`demo: add a file`",
            ],
        ),
        (
            "deletion",
            |d| {
                (
                    d.remove("src/lib.rs"),
                    d.commit(&format!("demo: x{TRAILERS}")),
                )
                    .1
            },
            &["deletes upstream's"],
        ),
        (
            "binary",
            |d| (d.change("x", "\0"), d.commit(&format!("demo: x{TRAILERS}"))).1,
            &["is binary"],
        ),
        (
            "mode",
            |d| {
                (
                    d.chmod("src/lib.rs"),
                    d.commit(&format!("demo: x{TRAILERS}")),
                )
                    .1
            },
            &["mode 100644"],
        ),
        (
            "outside",
            |d| {
                (
                    write(&d.repo.checkout().join("x"), ""),
                    d.commit(&format!("demo: x{TRAILERS}")),
                )
                    .1
            },
            &["`x` is in no crate"],
        ),
        (
            "dot file",
            |d| (d.change(".x", ""), d.commit(&format!("demo: x{TRAILERS}"))).1,
            &["not allowed in the queue"],
        ),
        (
            "same name",
            |d| {
                (
                    d.change("x", ""),
                    d.commit(&format!("demo: add A file{TRAILERS}")),
                )
                    .1
            },
            &["two commits give the file name demo-add-a-file.patch"],
        ),
        (
            "empty",
            |d| {
                d.git()
                    .run(&[
                        "commit",
                        "--quiet",
                        "--allow-empty",
                        "--message",
                        &format!("demo: x{TRAILERS}"),
                    ])
                    .unwrap()
            },
            &["changes nothing"],
        ),
        (
            "all gone",
            |d| d.git().run(&["reset", "--quiet", "--hard", "pin"]).unwrap(),
            &["delete every patch", "--force"],
        ),
    ];
    let demo = Demo::with_queue();
    let before = demo.files();
    let head = demo.git().text(&["rev-parse", "HEAD"]).unwrap();
    for (name, change, expected) in cases {
        change(&demo);
        let error = demo.save_error();
        contains(&format!("{name}: {error}"), expected);
        assert_eq!(demo.files(), before, "{name}");
        demo.git()
            .run(&["reset", "--quiet", "--hard", &head])
            .unwrap();
        demo.git()
            .run(&["clean", "--quiet", "--force", "-d"])
            .unwrap();
    }
    demo.save();
    assert_eq!(demo.files(), before);
}

#[test]
fn save_refuses_merges_and_a_moved_pin() {
    let demo = Demo::with_queue();
    demo.git()
        .run(&["switch", "--quiet", "--create", "side", "pin"])
        .unwrap();
    demo.change("src/side.rs", "");
    demo.commit(&format!("demo: side{TRAILERS}"));
    demo.git().run(&["switch", "--quiet", "fork"]).unwrap();
    demo.git()
        .run(&["merge", "--quiet", "--no-edit", "side"])
        .unwrap();
    contains(&demo.save_error(), &["not one line"]);
    demo.git()
        .run(&["reset", "--quiet", "--hard", "HEAD^"])
        .unwrap();
    demo.git().run(&["tag", "--force", "pin", "HEAD"]).unwrap();
    contains(&demo.save_error(), &["tag `pin`", "git tag -f pin"]);
    demo.git().run(&["tag", "--delete", "pin"]).unwrap();
    contains(&demo.save_error(), &["no tag `pin`"]);
}

#[test]
fn save_does_not_undo_a_queue_that_changed_meanwhile() {
    let demo = Demo::with_queue();
    demo.edit("cranelift/demo/src/new.rs", |_| "someone else's\n".into());
    contains(&demo.save_error(), &["has changed since", "--force"]);
    save(&demo.repo, &demo.repo.checkout(), true).unwrap();
    assert_eq!(
        fs::read(demo.repo.path("cranelift/demo/src/new.rs")).unwrap(),
        b"//! New.\n"
    );
}

#[test]
fn save_removes_what_it_owned_and_nothing_else() {
    let demo = Demo::with_queue();
    demo.edit("cranelift/README.md", |_| "kept".into());
    demo.git()
        .run(&["reset", "--quiet", "--hard", "pin"])
        .unwrap();
    demo.change("src/more.rs", "more\n");
    demo.commit(&format!("demo: more{TRAILERS}"));
    demo.save();
    let names: Vec<_> = demo
        .files()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|n| !n.contains("pin/"))
        .collect();
    assert_eq!(
        names,
        [
            "README.md",
            "demo/src/more.rs",
            "patches/demo-more.patch",
            "patches/series"
        ]
        .map(|f| format!("cranelift/{f}"))
    );
}
