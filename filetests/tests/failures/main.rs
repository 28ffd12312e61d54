//! Every failure says where it is and what is wrong, whatever the command and the way to fail.

mod commands;
mod subcommands;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// One entity of each kind that the verifier can find fault with: the line, the entity, and what is said.
const UNVERIFIED: [(&str, &str, &str); 5] = [
    (
        "function %a(i64 sret) -> i32, i32 system_v_multi_out {\nblock0(v0: i64):\n    \
         v1 = iconst.i32 0\n    return v1, v1\n}\n",
        "4",
        "function: Signature with `system_v_multi_out` ABI cannot have an `sret` parameter and results",
    ),
    (
        "function %a() {\n    gv0 = vmctx\n\nblock0:\n    return\n}\n",
        "5",
        "gv0: undeclared vmctx reference gv0",
    ),
    (
        "function %a() {\n    region0 = 1 \"a\"\n    region1 = 1 \"b\"\n\nblock0:\n    return\n}\n",
        "6",
        "region1: duplicate alias region user_id 1",
    ),
    (
        "function %a() {\nblock0:\n    nop\n}\n",
        "5",
        "block0: block does not end in a terminator instruction",
    ),
    (
        "function %a() {\nblock0:\n    jump block1\n\nblock1:\n    trap user1\n    return\n}\n",
        "9",
        "inst1 (trap user1): a terminator instruction was encountered before the end of block1",
    ),
];

/// The stock printer of verifier errors has no place for those about the function as a whole.
#[test]
fn what_the_verifier_says_is_printed_with_its_line_by_every_subcommand() {
    let folder = Folder::new("verifier");
    for (function, line, reason) in UNVERIFIED {
        let text = |command| format!("test {command}\ntarget x86_64\n\n{function}");
        for command in commands::VERIFYING.into_iter().chain(["verifier"]) {
            folder.write(&format!("{command}.clif"), &text(command));
            let file = format!("{command}.clif");
            for arguments in [vec!["test", &file], vec!["pass", &file, "x86_64", command]] {
                check(
                    &folder,
                    &arguments,
                    &format!("{file}:{line}: {command}"),
                    reason,
                );
            }
        }
        for arguments in [
            vec!["compile", "--target", "x86_64", "compile.clif"],
            vec![
                "compile",
                "--target",
                "x86_64-linux",
                "-o",
                "a.o",
                "compile.clif",
            ],
        ] {
            check(
                &folder,
                &arguments,
                &format!("compile.clif:{line}: compile (x86_64"),
                reason,
            );
        }
        folder.write(
            "here.clif",
            &text("cat").replace("target x86_64", ";; no target"),
        );
        for command in ["run", "interpret"] {
            let place = format!("here.clif:{line}: {command}: %a does not verify");
            check(&folder, &[command, "here.clif"], &place, reason);
        }
    }
}

fn check(folder: &Folder, arguments: &[&str], place: &str, reason: &str) {
    let text = folder.run(arguments);
    assert!(
        text.contains(place),
        "{arguments:?}: no `{place}` in {text}"
    );
    assert!(
        text.contains(reason),
        "{arguments:?}: no `{reason}` in {text}"
    );
}

/// A folder for the files of one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("failures")
            .join(name);
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs `clif-util`, which must fail, and gives what it prints.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .concat()
    }

    /// What `clif-util` prints.
    fn print(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.output(arguments).stdout).unwrap()
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clif-util"));
        command
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .unwrap()
    }
}
