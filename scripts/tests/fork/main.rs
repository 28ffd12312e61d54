//! The fork's commands on a small upstream: make, change, save, rehearse, and every refusal. Nothing here needs the network.

mod demo;
mod export;
mod rehearse;
mod save;

use demo::{Demo, contains, replace_id, write};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use xtask::checkout::State;
use xtask::fork::make::{make, patch_lines};
use xtask::fork::save::save;
use xtask::git::Git;
use xtask::pin::Pin;

#[test]
fn an_empty_queue_is_the_pin() {
    let demo = Demo::new();
    assert_eq!(demo.state(), State::Absent);
    contains(
        &make(&demo.repo, &demo.repo.checkout()).unwrap(),
        &["made", "cranelift-demo 1.2.3", "0 patches"],
    );
    assert_eq!(demo.state(), State::Fresh);
    contains(
        &make(&demo.repo, &demo.repo.checkout()).unwrap(),
        &["fresh"],
    );
    let files = demo.git().text(&["ls-files"]).unwrap();
    assert_eq!(
        files,
        "cranelift/demo/Cargo.toml\ncranelift/demo/src/lib.rs\ncranelift/demo/src/other.rs"
    );
    assert_eq!(
        demo.git().text(&["log", "--format=%s"]).unwrap(),
        "pin: cranelift-demo 1.2.3"
    );
    let info = fs::read_to_string(
        demo.repo
            .checkout()
            .join("made-by-cargo-xtask-fork-make/lib.rs"),
    )
    .unwrap();
    contains(
        &info,
        &["PIN: &str = \"cranelift-demo 1.2.3\"", "PATCHES: usize = 0"],
    );
}

#[test]
fn make_then_save_changes_no_byte_and_ids_are_the_same_everywhere() {
    let demo = Demo::with_queue();
    let before = demo.files();
    let names: Vec<_> = before.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"cranelift/demo/src/new.rs"), "{names:?}");
    assert!(
        names.contains(&"cranelift/patches/demo-change-the-other.patch"),
        "{names:?}"
    );
    assert_eq!(demo.state(), State::Fresh);
    let (one, two) = (demo.dir.path().join("one"), demo.dir.path().join("two"));
    for dir in [&one, &two] {
        make(&demo.repo, dir).unwrap();
        save(&demo.repo, dir, false).unwrap();
        assert_eq!(demo.files(), before);
    }
    let id = |dir: &PathBuf, what: &str| Git::at(dir).text(&["rev-parse", what]).unwrap();
    assert_eq!(id(&one, "HEAD"), id(&two, "HEAD"));
    assert_eq!(
        id(&one, "HEAD^{tree}"),
        id(&demo.repo.checkout(), "HEAD^{tree}")
    );
    assert_eq!(
        fs::read(one.join("cranelift/demo/src/other.rs")).unwrap(),
        b"// other\nfn last() {}"
    );
    contains(
        &patch_lines(&Pin::read(&demo.repo).unwrap(), &one),
        &["[patch.crates-io]\ncranelift-demo = { path = \"/"],
    );
}

#[test]
fn no_patch_holds_a_context_line_or_the_text_of_a_new_file() {
    let demo = Demo::with_queue();
    for (name, bytes) in demo
        .files()
        .iter()
        .filter(|(name, _)| name.ends_with(".patch"))
    {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let hunks = text.split_once("\n---\n").unwrap().1;
        assert!(
            hunks.lines().all(|line| !line.starts_with(' ')),
            "{name}:\n{text}"
        );
        assert!(!text.contains("New."), "{name}:\n{text}");
    }
}

#[test]
fn a_changed_queue_is_stale_and_made_anew_with_old_times() {
    let demo = Demo::with_queue();
    let time = |path: &str| {
        fs::metadata(demo.repo.checkout().join(path))
            .unwrap()
            .modified()
            .unwrap()
    };
    let (lib, new) = (
        time("cranelift/demo/src/lib.rs"),
        time("cranelift/demo/src/new.rs"),
    );
    std::thread::sleep(std::time::Duration::from_millis(20));
    demo.edit("cranelift/demo/src/new.rs", |_| "//! Newer.\n".into());
    assert_eq!(demo.state(), State::Stale);
    contains(
        &make(&demo.repo, &demo.repo.checkout()).unwrap(),
        &["stale", "2 patches"],
    );
    assert_eq!(time("cranelift/demo/src/lib.rs"), lib);
    assert_ne!(time("cranelift/demo/src/new.rs"), new);
    assert_eq!(demo.state(), State::Fresh);
    assert_eq!(demo.git().text(&["status", "--porcelain"]).unwrap(), "");
}

#[test]
fn unsaved_work_is_never_overwritten() {
    let demo = Demo::with_queue();
    demo.change("src/lib.rs", "// work\n");
    demo.change("src/untracked.rs", "");
    contains(
        &demo.make_error(),
        &[
            "src/lib.rs",
            "src/untracked.rs",
            "fork save`",
            "fork discard`",
        ],
    );
    demo.commit("wip");
    contains(&demo.make_error(), &["wip"]);
    demo.git().run(&["branch", "aside"]).unwrap();
    demo.git()
        .run(&["reset", "--quiet", "--hard", "HEAD^"])
        .unwrap();
    assert_eq!(demo.state(), State::Fresh);
    demo.edit("cranelift/demo/src/new.rs", |_| "changed\n".into());
    contains(&demo.make_error(), &["commit on refs/heads/aside", "wip"]);
    demo.git().run(&["branch", "-D", "aside"]).unwrap();
    demo.change("src/lib.rs", "// stashed\n");
    demo.git().run(&["stash"]).unwrap();
    contains(&demo.make_error(), &["refs/stash"]);
    demo.git().run(&["stash", "drop"]).unwrap();
    demo.git()
        .run(&["reset", "--quiet", "--hard", "HEAD^"])
        .unwrap();
    contains(&demo.make_error(), &["commits dropped"]);
    xtask::fork::discard::Discard {}.run(&demo.repo).unwrap();
    assert_eq!(demo.state(), State::Fresh);
    assert_eq!(
        fs::read(demo.repo.checkout().join("cranelift/demo/src/new.rs")).unwrap(),
        b"changed\n"
    );
}

#[test]
fn a_rebase_in_progress_stops_make_and_save() {
    let demo = Demo::with_queue();
    let mut rebase = demo.git().command(&["rebase", "--interactive", "pin"]);
    let status = rebase
        .env("GIT_SEQUENCE_EDITOR", "sed -i 1s/^pick/edit/")
        .status()
        .unwrap();
    assert!(status.success());
    contains(
        &demo.make_error(),
        &["rebase is in progress", "git rebase --abort"],
    );
    contains(&demo.save_error(), &["rebase is in progress"]);
}

#[test]
fn an_interrupted_make_is_mended() {
    let demo = Demo::with_queue();
    let (checkout, old) = (
        demo.repo.checkout(),
        demo.repo.path("cranelift/.checkout.old"),
    );
    fs::rename(&checkout, &old).unwrap();
    write(&demo.repo.path("cranelift/.checkout.new/half"), "");
    contains(&make(&demo.repo, &checkout).unwrap(), &["fresh"]);
    demo.edit("cranelift/demo/src/new.rs", |_| "changed\n".into());
    contains(&make(&demo.repo, &checkout).unwrap(), &["stale"]);
    assert!(!old.exists());
    assert!(!demo.repo.path("cranelift/.checkout.new").exists());
}

#[test]
fn a_damaged_checkout_is_mended_by_the_command_that_the_error_names() {
    let demo = Demo::with_queue();
    let checkout = demo.repo.checkout();
    fs::remove_dir_all(checkout.join("made-by-cargo-xtask-fork-make")).unwrap();
    assert_eq!(demo.state(), State::Stale);
    contains(&make(&demo.repo, &checkout).unwrap(), &["stale"]);
    assert_eq!(demo.state(), State::Fresh);
    fs::remove_file(checkout.join(".git/HEAD")).unwrap();
    contains(&demo.make_error(), &["git", "failed in"]);
    xtask::fork::discard::Discard {}.run(&demo.repo).unwrap();
    assert_eq!(demo.state(), State::Fresh);
}

#[test]
fn a_foreign_folder_is_refused() {
    let demo = Demo::made();
    let dir = demo.dir.path().join("mine");
    write(&dir.join("file"), "");
    contains(
        &format!("{:#}", make(&demo.repo, &dir).unwrap_err()),
        &["is not a fork made by"],
    );
    fs::remove_file(dir.join("file")).unwrap();
    make(&demo.repo, &dir).unwrap();
}

#[test]
fn wrong_sources_are_refused() {
    let demo = Demo::new();
    write(&demo.dir.path().join("demo/src/other.rs"), "// another\n");
    contains(
        &demo.make_error(),
        &[
            "cranelift-demo 1.2.3",
            "have git tree",
            "cargo xtask fork pin",
        ],
    );
    demo.edit("cranelift/pin/Cargo.lock", |lock| {
        lock.replace("cranelift-demo", "other")
    });
    contains(
        &demo.make_error(),
        &["Cargo.lock lacks `cranelift-demo`", "cargo xtask fork pin"],
    );
}

#[test]
fn make_refuses_a_damaged_queue_and_touches_nothing() {
    type Change = fn(&Demo);
    const PATCH: &str = "cranelift/patches/demo-add-a-file.patch";
    const SERIES: &str = "cranelift/patches/series";
    let cases: [(&str, Change, &[&str]); 14] = [
        (
            "context",
            |d| d.edit(PATCH, |t| t.replace("+mod new;", " }\n+mod new;")),
            &[PATCH, "context lines", "git checkout"],
        ),
        (
            "old id",
            |d| d.edit(PATCH, |t| replace_id(t, 0)),
            &[PATCH, "lib.rs`", "before the change should have id"],
        ),
        (
            "new id",
            |d| d.edit(PATCH, |t| replace_id(t, 1)),
            &[PATCH, "lib.rs`", "after the change should have id"],
        ),
        (
            "removed line",
            |d| d.edit(PATCH, |t| t.replace("-pub fn half", "-pub fn calf")),
            &[PATCH, "lib.rs", "patch does not apply"],
        ),
        (
            "no such file",
            |d| d.edit(PATCH, |t| t.replace("src/lib.rs", "src/lob.rs")),
            &["there is no", "lob.rs"],
        ),
        (
            "dots",
            |d| {
                d.edit(PATCH, |t| {
                    t.replace("cranelift/demo/src/lib.rs", "../lib.rs")
                })
            },
            &["../lib.rs", "not allowed"],
        ),
        (
            "new dots",
            |d| d.edit(PATCH, |t| t.replace("file: cranelift/demo", "file: ..")),
            &["not allowed"],
        ),
        (
            "elsewhere",
            |d| {
                d.edit(PATCH, |t| {
                    t.replace("file: cranelift/demo", "file: cranelift/pin")
                })
            },
            &["in no crate"],
        ),
        (
            "overwrites",
            |d| d.edit_new("src/other.rs"),
            &["in the way of upstream's files"],
        ),
        (
            "folder over file",
            |d| d.edit_new("src/other.rs/x.rs"),
            &["in the way of upstream's files"],
        ),
        (
            "twice",
            |d| d.edit(SERIES, |t| format!("{t}demo-add-a-file.patch\n")),
            &["line 3", "twice"],
        ),
        (
            "missing",
            |d| d.edit(SERIES, |t| format!("{t}x.patch\n")),
            &["line 3", "there is no"],
        ),
        (
            "path",
            |d| d.edit(SERIES, |t| format!("{t}../x.patch\n")),
            &["line 3", "is not the name of a patch"],
        ),
        (
            "extra",
            |d| d.edit(SERIES, |_| "demo-add-a-file.patch\n".into()),
            &["demo-change-the-other.patch is not in"],
        ),
    ];
    for (name, change, expected) in cases {
        let demo = Demo::with_queue();
        change(&demo);
        let head = demo.git().text(&["rev-parse", "HEAD"]).unwrap();
        contains(&format!("{name}: {}", demo.make_error()), expected);
        assert_eq!(
            demo.git().text(&["rev-parse", "HEAD"]).unwrap(),
            head,
            "{name}"
        );
        assert_eq!(
            demo.git().text(&["status", "--porcelain"]).unwrap(),
            "",
            "{name}"
        );
    }
}

#[test]
fn files_of_no_patch_and_links_are_refused() {
    let demo = Demo::with_queue();
    demo.edit("cranelift/demo/src/stray.rs", |_| "\n".into());
    contains(&demo.make_error(), &["stray.rs belongs to no patch"]);
    fs::remove_file(demo.repo.path("cranelift/demo/src/stray.rs")).unwrap();
    let (real, link) = (
        demo.dir.path().join("elsewhere"),
        demo.repo.path("cranelift/demo"),
    );
    fs::rename(&link, &real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    demo.edit("cranelift/demo/src/new.rs", |_| "changed\n".into());
    contains(&demo.make_error(), &["leads through a link"]);
}

#[test]
fn git_hooks_and_configuration_do_not_matter() {
    let demo = Demo::with_queue();
    let dir = demo.dir.path().join("hook");
    make(&demo.repo, &dir).unwrap();
    let expected = Git::at(&dir).text(&["rev-parse", "HEAD"]).unwrap();
    let home = demo.dir.path().join("home");
    write(
        &home.join(".gitconfig"),
        "[core]\n autocrlf = true\n[commit]\n gpgsign = true\n[diff]\n noprefix = true\n",
    );
    write(&home.join(".config/git/ignore"), "*.rs\n");
    write(&home.join(".config/git/attributes"), "*.rs eol=crlf\n");
    fs::remove_dir_all(&dir).unwrap();
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.unwrap_or_else(|| std::env::home_dir().unwrap().join(".cargo"));
    let status = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["fork", "make", "--to"])
        .arg(&dir)
        .env("CARGO_MANIFEST_DIR", demo.repo.path("scripts"))
        .env("HOME", &home)
        .env("CARGO_HOME", cargo_home)
        .envs([
            ("GIT_DIR", "/nowhere"),
            ("GIT_INDEX_FILE", "/nowhere/index"),
            ("GIT_AUTHOR_DATE", "no date"),
        ])
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(
        Git::at(&dir).text(&["rev-parse", "HEAD"]).unwrap(),
        expected
    );
}
