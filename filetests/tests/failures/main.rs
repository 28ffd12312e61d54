//! Every failure says where it is and what is wrong, whatever the command and the way to fail.

mod commands;
#[path = "../common/mod.rs"]
mod common;
mod subcommands;

use common::{Folder, status, stderr, stdout};

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
    let output = folder.run(arguments);
    assert_eq!(status(&output), 1, "{arguments:?}: {output:?}");
    let text = stdout(&output) + &stderr(&output);
    assert!(
        text.contains(place),
        "{arguments:?}: no `{place}` in {text}"
    );
    assert!(
        text.contains(reason),
        "{arguments:?}: no `{reason}` in {text}"
    );
}
