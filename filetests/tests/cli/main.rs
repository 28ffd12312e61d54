//! The program `clif-util`: what it prints, and the status that it ends with.

#[path = "../common/mod.rs"]
mod common;
mod compile;
mod test_command;

use common::{Folder, status, stderr, stdout};
use std::fs;

const PASSING: &str = "\
test run
target x86_64
target aarch64
target riscv64
target s390x

function %f(i32) -> i32 {
block0(v0: i32):
    return v0
}
; run: %f(1) == 1
";

const FAILING: &str = "\
test cat

function %f() {
block0:
    return
}
; check: jump
";

#[test]
fn print_directives_come_in_order() {
    let folder = Folder::new("print");
    let function = "function %f(i32) -> i32, i8x4 system_v {\nblock0(v0: i32):\n    \
                    v1 = iconst.i8 -1\n    v2 = splat.i8x4 v1\n    return v0, v2\n}\n";
    for name in ["a", "b"] {
        let text = format!("test interpret\n\n{function}; print: %f(7)\n");
        folder.write(&format!("{name}.clif"), &text);
    }
    let text = stdout(&folder.run(&["test", "a.clif", "b.clif"]));
    assert!(
        text.starts_with("%f(7) -> [7, 0xffffffff]\n%f(7) -> [7, 0xffffffff]\n2 passed"),
        "{text}"
    );
}

#[test]
fn run_and_interpret_execute_directives() {
    let folder = Folder::new("run");
    let good = "test cat\n\nfunction %f(i32) -> i32 system_v {\nblock0(v0: i32):\n    return v0\n}\n; run: %f(1) == 1\n";
    folder.write("good", good);
    folder.write("sub/bad.any", &good.replace("== 1", "== 2"));
    folder.write(".hidden", "nonsense");
    for command in ["run", "interpret"] {
        let output = folder.run(&[command, "good"]);
        assert_eq!(status(&output), 0, "{output:?}");
        assert_eq!(stdout(&output), "");
        let output = folder.run(&[command, "-v", ".", "none"]);
        assert_eq!(status(&output), 1, "{output:?}");
        let text = stdout(&output);
        assert!(
            text.contains("Failed test: run: %f(1) == 2, actual: 1"),
            "{text}"
        );
        assert!(
            text.contains(&format!("repeat: cargo clif-util {command} ./sub/bad.any")),
            "{text}"
        );
        assert!(text.contains("1 passed, 1 failed, 0 skipped"), "{text}");
        assert!(stderr(&output).contains("skipping none: "));
        let output = folder.run_with_input(&[command, "-v", "-"], good);
        assert_eq!(status(&output), 0, "{output:?}");
        assert!(stdout(&output).contains("1 passed"), "{output:?}");
    }
    let here = "target pulley64\n";
    folder.write("good", &good.replacen("\n\n", &format!("\n{here}\n"), 1));
    let output = folder.run(&["run", "good"]);
    assert_eq!(status(&output), 1, "{output:?}");
    assert!(
        stdout(&output).contains("the file has no target for this host"),
        "{output:?}"
    );
}

#[test]
fn cat_and_print_cfg_reprint() {
    let folder = Folder::new("cat");
    let output = folder.run_with_input(
        &["cat", "-"],
        &format!("{FAILING}function %g() {{ block0: return }}"),
    );
    assert_eq!(
        stdout(&output),
        "function %f() fast {\nblock0:\n    return\n}\n\nfunction %g() fast {\nblock0:\n    return\n}\n"
    );
    let output = folder.run_with_input(&["print-cfg", "-"], FAILING);
    assert!(
        stdout(&output).starts_with("digraph \"%f\" {\n    {rank=min; block0}\n"),
        "{output:?}"
    );
    for command in ["cat", "print-cfg"] {
        let output =
            folder.run_with_input(&[command, "-"], "function %f() {\nblock0:\n    retrun\n}\n");
        assert_eq!(status(&output), 1, "{output:?}");
        assert!(stderr(&output).contains("error: -:3: "), "{output:?}");
        assert_eq!(status(&folder.run(&[command, "none"])), 2);
    }
}

#[test]
fn pass_replaces_commands_and_target() {
    let folder = Folder::new("pass");
    folder.write("a.clif", FAILING);
    let output = folder.run(&["pass", "-v", "a.clif", "x86_64", "compile", "verifier"]);
    assert_eq!(
        status(&output),
        1,
        "the directive is still there: {output:?}"
    );
    assert!(
        stdout(&output).contains("a.clif:3: compile (x86_64): filecheck of %f failed"),
        "{output:?}"
    );
    folder.write("a.clif", &FAILING.replace("; check: jump", ""));
    let output = folder.run(&["pass", "-v", ".", "aarch64 has_lse", "compile", "verifier"]);
    assert_eq!(status(&output), 0, "{output:?}");
    assert!(stdout(&output).contains("(2 jobs ran"), "{output:?}");
    let output = folder.run(&["pass", "a.clif", "", "domtree"]);
    assert_eq!(
        (status(&output), stdout(&output)),
        (0, String::new()),
        "{output:?}"
    );
    let output = folder.run(&["pass", "a.clif", "", "compile"]);
    assert!(
        stdout(&output).contains("`test compile` needs a target"),
        "{output:?}"
    );
    fs::create_dir(folder.0.path().join("empty")).unwrap();
    assert_eq!(status(&folder.run(&["pass", "empty", "", "cat"])), 2);
}

/// Memory is needed for all entities below a number.
#[test]
fn a_number_out_of_proportion_is_refused_by_every_subcommand() {
    let folder = Folder::new("numbers");
    for number in ["block225322254", "v225322254"] {
        let text = "test cat\ntarget x86_64\nfunction %f() {\nblock0:\n    jump NUMBER\nNUMBER:\n    return\n}\n";
        folder.write("a.clif", &text.replace("NUMBER", number));
        for arguments in [
            "test a.clif",
            "run a.clif",
            "interpret a.clif",
            "pass a.clif x86_64 compile",
            "compile --target x86_64 a.clif",
            "abi --target x86_64 a.clif",
            "abi --lang c a.clif",
            "bugpoint a.clif x86_64",
            "cat a.clif",
            "print-cfg a.clif",
        ] {
            let arguments: Vec<&str> = arguments.split(' ').collect();
            let output = folder.run(&arguments);
            assert_eq!(status(&output), 1, "{arguments:?}: {output:?}");
            let text = stdout(&output) + &stderr(&output);
            let message = format!("a.clif:5:10: %f: the number of `{number}` is too large");
            assert!(text.contains(&message), "{arguments:?}: {text}");
        }
    }
}

/// The reader fills gaps with references that have no signature.
#[test]
fn gaps_in_the_numbering_of_references_are_nothing() {
    let folder = Folder::new("gaps");
    folder.write(
        "a.clif",
        "test compile\ntarget x86_64\n\nfunction %f() system_v {\n    gv2 = symbol %data\n    \
         fn5 = %g(i32) system_v\nblock0:\n    v0 = iconst.i32 0\n    call fn5(v0)\n    return\n}\n",
    );
    let output = folder.run(&["abi", "a.clif"]);
    assert_eq!(status(&output), 0, "{output:?}");
    assert!(stdout(&output).contains("fn5 = %g in %f"), "{output:?}");
    let output = folder.run(&["compile", "--target", "", "-o", "a.o", "a.clif"]);
    assert_eq!(status(&output), 0, "{output:?}");
    assert_eq!(status(&folder.run(&["test", "a.clif"])), 0);
}

#[test]
fn a_target_selects_by_triple_or_architecture() {
    let folder = Folder::new("triples");
    folder.write(
        "a.clif",
        "test compile\ntarget x86_64\ntarget x86_64-windows\ntarget aarch64\n\
         function %f() {\nblock0: return\n}\n; check: nonsense\n",
    );
    let label = |target| {
        let output = folder.run(&["test", "--target", target, "a.clif"]);
        assert_eq!(status(&output), 1, "{output:?}");
        stdout(&output)
    };
    assert!(label("x86_64").contains(" compile (x86_64): "));
    let windows = label("x86_64-windows");
    assert!(
        windows.contains(" compile (x86_64-unknown-windows"),
        "{windows}"
    );
    assert!(
        windows.contains("--target x86_64-unknown-windows"),
        "{windows}"
    );
    let output = folder.run(&["test", "--target", "s390x", "a.clif"]);
    assert!(
        stdout(&output).contains("nothing has this target"),
        "{output:?}"
    );
}

/// The compiler is known to panic on 128-bit integers in x86-64 signatures without a setting.
#[test]
fn bugpoint_shrinks_what_crashes() {
    let folder = Folder::new("bugpoint");
    let function = "\
function %f(i64, i128) -> i64 system_v {
    ss0 = explicit_slot 8

block0(v0: i64, v1: i128):
    v2 = iadd v0, v0
    v3 = stack_addr.i64 ss0
    brif v2, block1(v2), block2

block1(v4: i64):
    v5 = iadd v4, v3
    return v5

block2:
    return v0
}
";
    folder.write(
        "a.clif",
        &format!("{function}\n{FAILING}").replace("test cat\n", ""),
    );
    let output = folder.run(&["bugpoint", "-v", "a.clif", "x86_64"]);
    assert_eq!(status(&output), 0, "{output:?}");
    assert_eq!(
        stdout(&output).split_once('\n').unwrap().1,
        "function %f(i128) system_v {\nblock0(v0: i128):\n    return\n}\n\
         ; 3 blocks and 6 instructions -> 1 blocks and 1 instructions\n"
    );
    assert!(stdout(&output).starts_with("; the compiler panicked: i128 args/return values not"));
    assert!(
        stderr(&output).contains("warning: a.clif:18: %f does not make the compiler panic"),
        "{output:?}"
    );
    let output = folder.run(&["bugpoint", "--limit", "1", "a.clif", "x86_64"]);
    assert!(
        stderr(&output).contains("the limit ended the reduction"),
        "{output:?}"
    );
}

/// The pass for NaNs panics.
#[test]
fn bugpoint_has_the_settings_of_the_file() {
    let folder = Folder::new("bugpoint-set");
    let function = "function %f(f32x2, f32x2) -> f32x2 system_v {
block0(v0: f32x2, v1: f32x2):
    v2 = fadd v0, v1
    return v2
}
";
    let set = "test compile\nset enable_nan_canonicalization=true\n\n";
    folder.write("a.clif", &format!("{set}{function}"));
    let target = "riscv64 has_v";
    let output = folder.run(&["bugpoint", "a.clif", target]);
    assert_eq!(status(&output), 0, "{output:?}");
    let off = "enable_nan_canonicalization=false";
    let output = folder.run(&["bugpoint", "--set", off, "a.clif", target]);
    assert_eq!(status(&output), 1, "{output:?}");
}

/// There is such a disk on Linux.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let folder = Folder::new("full");
    folder.write("a.clif", "function %f() {\nblock0:\n    return\n}\n");
    for arguments in [
        "cat a.clif",
        "print-cfg a.clif",
        "abi --target x86_64 a.clif",
        "compile -D --target x86_64 a.clif",
    ] {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let mut command = folder.command(&arguments.split(' ').collect::<Vec<_>>());
        let output = command.stdout(full).output().unwrap();
        assert_eq!(status(&output), 2, "{arguments}: {output:?}");
        assert!(
            stderr(&output).starts_with("error: failed printing to stdout: "),
            "{output:?}"
        );
    }
}

#[test]
fn bugpoint_says_why_there_is_nothing_to_shrink() {
    let folder = Folder::new("bugpoint-nothing");
    folder.write(
        "a.clif",
        "function %f(i64) -> i32 {\nblock0(v0: i64):\n    return v0\n}\n\n\
         function %g() {\nblock0:\n    return\n}\n",
    );
    let output = folder.run(&["bugpoint", "a.clif", "x86_64"]);
    assert_eq!(status(&output), 1, "{output:?}");
    assert_eq!(stdout(&output), "");
    for message in [
        "error: a.clif:3: %f does not verify\n  line 3: inst0 (return v0): result 0 has type i64, \
         must match function signature of i32\n",
        "warning: a.clif:6: %g does not make the compiler panic\n",
    ] {
        assert!(stderr(&output).contains(message), "{output:?}");
    }
    folder.write("b.clif", "function %g() {\nblock0:\n    return\n}\n");
    folder.write("c.clif", "");
    for file in ["b.clif", "c.clif"] {
        let output = folder.run(&["bugpoint", file, "x86_64"]);
        assert_eq!(status(&output), 1, "{output:?}");
        let message = format!("error: {file}: no function makes the compiler panic\n");
        assert!(stderr(&output).ends_with(&message), "{output:?}");
    }
    let output = folder.run(&["bugpoint", "missing.clif", "x86_64"]);
    assert_eq!(status(&output), 2, "{output:?}");
}

#[test]
fn help_teaches_by_examples() {
    let folder = Folder::new("help");
    let commands = [
        "bugpoint",
        "test",
        "pass",
        "run",
        "interpret",
        "compile",
        "cat",
        "print-cfg",
    ];
    for command in commands {
        let text = stdout(&folder.run(&[command, "--help"]));
        assert!(text.contains("Example"), "{text}");
        assert!(
            text.contains(&format!("cargo clif-util {command} ")),
            "{text}"
        );
    }
    let output = folder.run(&["souper-harvest", "--target", "x86_64"]);
    assert_eq!(status(&output), 1);
    assert!(
        stderr(&output).contains("is not part of this program"),
        "{output:?}"
    );
}
