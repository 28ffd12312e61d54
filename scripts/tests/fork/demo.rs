//! A repository with a pin and a queue, small enough to be made for each test.

use std::fs;
use tempfile::TempDir;
use xtask::checkout::{State, build, state};
use xtask::fork::export::{Exported, export};
use xtask::fork::make::make;
use xtask::fork::save::save;
use xtask::git::{Commit, Git, Tree};
use xtask::pin::Pin;
use xtask::repo::Repo;

pub const LIB: &str = "//! Demo.\n\npub fn double(x: u32) -> u32 {\n    2 * x\n}\n\npub fn half() {}\n\npub fn one() -> u32 {\n    1\n}\n\npub const JOBS: u32 = 7;\n";
const AUTHOR: &str = "--author=Ann <ann@example.org>";
pub const TRAILERS: &str = "\n\nUpstream-Status: Pending [a test]\nDrop-When: never\nTest: this";

/// A repository with a pin on the crate `cranelift-demo`, whose sources lie beside it.
pub struct Demo {
    pub dir: TempDir,
    pub repo: Repo,
}

impl Demo {
    /// With this dependency, of which nothing is there yet.
    pub fn with_dependency(dependency: &str) -> Demo {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repo::at(&dir.path().join("repo"));
        let manifest = format!(
            "[package]\nname = \"pin\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\ncranelift-demo = {dependency}\n\n[package.metadata.fork]\ntree = \"\"\n\n\
             [package.metadata.fork.crates]\ncranelift-demo = \"cranelift/demo\"\n"
        );
        write(&repo.path("cranelift/pin/Cargo.toml"), &manifest);
        write(&repo.path("cranelift/pin/src/lib.rs"), "");
        Demo { dir, repo }
    }

    pub fn new() -> Demo {
        let demo = Demo::with_dependency("{ path = \"../../../demo\" }");
        let manifest =
            "[package]\nname = \"cranelift-demo\"\nversion = \"1.2.3\"\nedition = \"2024\"\n";
        for (path, text) in [
            ("demo/Cargo.toml", manifest),
            ("demo/Cargo.toml.orig", "not part of the fork"),
            ("demo/.cargo-ok", "not part of the fork"),
            ("demo/src/lib.rs", LIB),
            ("demo/src/other.rs", "// ünïcode\n"),
        ] {
            write(&demo.dir.path().join(path), text);
        }
        xtask::fork::pin::Pin {}.run(&demo.repo).unwrap();
        demo
    }

    pub fn made() -> Demo {
        let demo = Demo::new();
        build(&demo.repo, &demo.repo.checkout()).unwrap();
        demo
    }

    /// With two patches, the first of which adds a file.
    pub fn with_queue() -> Demo {
        let demo = Demo::made();
        demo.change(
            "src/lib.rs",
            &LIB.replace("pub fn half", "mod new;\npub fn halb"),
        );
        demo.change("src/new.rs", "//! New.\n");
        demo.commit(&format!("demo: add a file{TRAILERS}"));
        demo.change("src/other.rs", "// other\nfn last() {}");
        demo.commit(&format!("demo: change the other, ä{TRAILERS}"));
        demo.save();
        demo
    }

    pub fn git(&self) -> Git {
        Git::at(&self.repo.checkout())
    }

    pub fn change(&self, path: &str, text: &str) {
        write(
            &self.repo.checkout().join("cranelift/demo").join(path),
            text,
        );
    }

    pub fn commit(&self, message: &str) {
        self.git().run(&["add", "--all"]).unwrap();
        self.git()
            .run(&["commit", "--quiet", AUTHOR, "--message", message])
            .unwrap();
    }

    pub fn save(&self) {
        save(&self.repo, &self.repo.checkout(), false).unwrap();
    }

    pub fn state(&self) -> State {
        state(&self.repo, &self.repo.checkout()).unwrap()
    }

    pub fn save_error(&self) -> String {
        format!(
            "{:#}",
            save(&self.repo, &self.repo.checkout(), false).unwrap_err()
        )
    }

    pub fn make_error(&self) -> String {
        format!("{:#}", make(&self.repo, &self.repo.checkout()).unwrap_err())
    }

    pub fn edit(&self, path: &str, change: impl Fn(&str) -> String) {
        let path = self.repo.path(path);
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert_ne!(change(&text), text, "{}", path.display());
        write(&path, &change(&text));
    }

    /// All files of the repository but the checkout.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
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

pub fn write(path: &std::path::Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[track_caller]
pub fn contains(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "no `{part}` in: {error}");
    }
}

impl Demo {
    pub fn export(&self, to: &std::path::Path) -> anyhow::Result<Exported> {
        export(&self.repo, to, "P <p@example.org>")
    }

    /// A repository like upstream's, with a commit on top of the pinned sources.
    pub fn upstream(&self, path: &str, text: &str) -> Git {
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

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.repo.checkout().join("cranelift/demo").join(path)).unwrap();
    }

    pub fn chmod(&self, path: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.repo.checkout().join("cranelift/demo").join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Lets the first patch add another file than it did.
    pub fn edit_new(&self, path: &str) {
        let new = format!("cranelift/demo/{path}");
        fs::remove_file(self.repo.path("cranelift/demo/src/new.rs")).unwrap();
        self.edit(&new, |_| "// other\n".into());
        self.edit("cranelift/patches/demo-add-a-file.patch", |t| {
            t.replace("cranelift/demo/src/new.rs", &new)
        });
    }
}

/// Changes the first digit of the id before or after.
pub fn replace_id(text: &str, which: usize) -> String {
    let at = text.find("\nindex ").unwrap() + 7 + 42 * which;
    let digit = if text.as_bytes()[at] == b'0' {
        "1"
    } else {
        "0"
    };
    [&text[..at], digit, &text[at + 1..]].concat()
}
