//! The fork's commands on a small upstream: make, change, save, and every refusal. Nothing here needs the network.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;
use xtask::checkout::{State, build, state};
use xtask::fork::export::{Exported, apply, export};
use xtask::fork::make::{make, patch_lines};
use xtask::fork::save::save;
use xtask::git::{Commit, Git, Tree};
use xtask::pin::Pin;
use xtask::repo::Repo;

const LIB: &str = "//! Demo.\n\npub fn one() {}\n\npub fn two() {}\n";
const TRAILERS: &str = "\n\nUpstream-Status: Pending [a test]\nDrop-When: never\nTest: this";

/// A repository with a pin on the crate `cranelift-demo`, whose sources lie beside it.
struct Demo {
    dir: TempDir,
    repo: Repo,
}

impl Demo {
    fn new() -> Demo {
        let dir = tempfile::tempdir().unwrap();
        let demo = Demo {
            repo: Repo::at(&dir.path().join("repo")),
            dir,
        };
        let manifest =
            "[package]\nname = \"cranelift-demo\"\nversion = \"1.2.3\"\nedition = \"2024\"\n";
        for (path, text) in [
            ("demo/Cargo.toml", manifest),
            ("demo/Cargo.toml.orig", "not part of the fork"),
            ("demo/.cargo-ok", "not part of the fork"),
            ("demo/src/lib.rs", LIB),
            ("demo/src/other.rs", "// ünïcode\n"),
            (
                "repo/cranelift/pin/Cargo.toml",
                "[package]\nname = \"pin\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
                 [dependencies]\ncranelift-demo = { path = \"../../../demo\" }\n\n\
                 [package.metadata.fork]\ntree = \"\"\n\n\
                 [package.metadata.fork.crates]\ncranelift-demo = \"cranelift/demo\"\n",
            ),
            ("repo/cranelift/pin/src/lib.rs", ""),
        ] {
            write(&demo.dir.path().join(path), text);
        }
        xtask::fork::pin::Pin {}.run(&demo.repo).unwrap();
        demo
    }

    fn made() -> Demo {
        let demo = Demo::new();
        build(&demo.repo, &demo.repo.checkout()).unwrap();
        demo
    }

    /// With two patches, the first of which adds a file.
    fn with_queue() -> Demo {
        let demo = Demo::made();
        demo.change(
            "src/lib.rs",
            &LIB.replace("pub fn two", "mod new;\npub fn zwei"),
        );
        demo.change("src/new.rs", "//! New.\n");
        demo.commit(&format!("demo: add a file{TRAILERS}"));
        demo.change("src/other.rs", "// other\nfn last() {}");
        demo.commit(&format!("demo: change the other, ä{TRAILERS}"));
        demo.save();
        demo
    }

    fn git(&self) -> Git {
        Git::at(&self.repo.checkout())
    }

    fn change(&self, path: &str, text: &str) {
        write(
            &self.repo.checkout().join("cranelift/demo").join(path),
            text,
        );
    }

    fn commit(&self, message: &str) {
        self.git().run(&["add", "--all"]).unwrap();
        self.git()
            .run(&["commit", "--quiet", "--message", message])
            .unwrap();
    }

    fn save(&self) {
        save(&self.repo, &self.repo.checkout(), false).unwrap();
    }

    fn state(&self) -> State {
        state(&self.repo, &self.repo.checkout()).unwrap()
    }

    fn save_error(&self) -> String {
        format!(
            "{:#}",
            save(&self.repo, &self.repo.checkout(), false).unwrap_err()
        )
    }

    fn make_error(&self) -> String {
        format!("{:#}", make(&self.repo, &self.repo.checkout()).unwrap_err())
    }

    fn edit(&self, path: &str, change: impl Fn(&str) -> String) {
        let path = self.repo.path(path);
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert_ne!(change(&text), text, "{}", path.display());
        write(&path, &change(&text));
    }

    /// All files of the repository but the checkout.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let root = self.repo.path("");
        let files = xtask::repo::files_below(&root).unwrap();
        let files = files
            .into_iter()
            .filter(|f| !f.starts_with("cranelift/checkout/"));
        files
            .map(|f| (f.clone(), fs::read(root.join(f)).unwrap()))
            .collect()
    }
}

fn write(path: &std::path::Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[track_caller]
fn contains(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "no `{part}` in: {error}");
    }
}

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
            |d| d.edit(PATCH, |t| t.replace("-pub fn two", "-pub fn too")),
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

impl Demo {
    fn export(&self, to: &std::path::Path) -> anyhow::Result<Exported> {
        export(&self.repo, to, "P <p@example.org>")
    }

    /// A repository like upstream's, with a commit on top of the pinned sources.
    fn upstream(&self, path: &str, text: &str) -> Git {
        let pin = Pin::read(&self.repo).unwrap();
        let commit = |message: &str, files: Tree| Commit {
            author: "Up <up@example.org>".into(),
            date: "Sat, 1 Jan 2000 00:00:00 +0000".into(),
            message: message.into(),
            files,
        };
        let git = Git::init(&self.dir.path().join("upstream")).unwrap();
        let change = Tree::from([(path.to_string(), text.as_bytes().to_vec())]);
        let commits = [
            commit("upstream", pin.sources(&self.repo).unwrap()),
            commit("unrelated", change),
        ];
        git.import(&commits).unwrap();
        git
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.repo.checkout().join("cranelift/demo").join(path)).unwrap();
    }

    fn chmod(&self, path: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.repo.checkout().join("cranelift/demo").join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Lets the first patch add another file than it did.
    fn edit_new(&self, path: &str) {
        let new = format!("cranelift/demo/{path}");
        fs::remove_file(self.repo.path("cranelift/demo/src/new.rs")).unwrap();
        self.edit(&new, |_| "// other\n".into());
        self.edit("cranelift/patches/demo-add-a-file.patch", |t| {
            t.replace("cranelift/demo/src/new.rs", &new)
        });
    }
}

/// Changes the first digit of the id before or after.
fn replace_id(text: &str, which: usize) -> String {
    let at = text.find("\nindex ").unwrap() + 7 + 42 * which;
    let digit = if text.as_bytes()[at] == b'0' {
        "1"
    } else {
        "0"
    };
    [&text[..at], digit, &text[at + 1..]].concat()
}
