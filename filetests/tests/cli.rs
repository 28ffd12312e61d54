//! The program `clif-util`: what it prints, and the status that it ends with.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

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

const PRECISE: &str = "\
test compile precise-output
target aarch64
target aarch64 has_lse

;; the first
function %f(i32) -> i32 {
block0(v0: i32):
    return v0
}
;; a note

; of old

function %g() {
block0:
    return
}

; VCode:
; of old
;; the end
";

const BLESSED: &str = "\
test compile precise-output
target aarch64
target aarch64 has_lse

;; the first
function %f(i32) -> i32 {
block0(v0: i32):
    return v0
}

; VCode:
; block0:
;   ret
;
; Disassembled:
; block0: ; offset 0x0
;   ret

;; a note

; of old

function %g() {
block0:
    return
}

; VCode:
; block0:
;   ret
;
; Disassembled:
; block0: ; offset 0x0
;   ret

;; the end
";

#[test]
fn status_is_0_when_all_pass() {
    let folder = Folder::new("all-pass");
    folder.write("a.clif", PASSING);
    let output = folder.run(&["test", "."]);
    assert_eq!(status(&output), 0, "{output:?}");
    let text = stdout(&output);
    assert!(
        text.starts_with("1 passed, 0 failed, 0 skipped ("),
        "{text}"
    );
    assert!(text.contains(" code cannot run on this "), "{text}");
}

#[test]
fn status_is_1_when_a_test_fails() {
    let folder = Folder::new("one-fails");
    folder.write("a.clif", PASSING);
    folder.write("b.clif", FAILING);
    folder.write("c.clif", "\0\u{1}");
    let output = folder.run(&["test", "-j1", "-v", "."]);
    assert_eq!(status(&output), 1, "{output:?}");
    let text = stdout(&output);
    let order = ["./a.clif", "FAIL ./b.clif:3: cat: ", "FAIL ./c.clif"];
    let places: Vec<_> = order.iter().map(|part| text.find(part).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    assert!(text.contains("\n1 passed, 2 failed, 0 skipped ("), "{text}");
    assert!(!text.contains('\x1b'), "colours in a pipe: {text}");
}

#[test]
fn status_is_2_for_what_cannot_be_read() {
    let folder = Folder::new("unreadable");
    folder.write("a.clif", PASSING);
    let output = folder.run(&["test", "a.clif", "none.clif"]);
    assert_eq!(status(&output), 2, "{output:?}");
    assert!(stdout(&output).contains("FAIL none.clif: cannot read it"));
    let output = folder.run(&["test", "-"]);
    assert_eq!(
        status(&output),
        2,
        "the standard input is no test: {output:?}"
    );
    for usage in [&["test"][..], &["no-such-command"], &["test", "-j0", "."]] {
        assert_eq!(status(&folder.run(usage)), 2, "{usage:?}");
    }
    let output = folder
        .command(&["test", "a.clif"])
        .env("CRANELIFT_FILETESTS_THREADS", "many")
        .output()
        .unwrap();
    assert_eq!(status(&output), 2, "{output:?}");
    assert!(stderr(&output).contains("CRANELIFT_FILETESTS_THREADS must be a positive number"));
}

#[cfg(unix)]
#[test]
fn a_pipe_in_a_folder_is_not_read() {
    let folder = Folder::new("pipe");
    folder.write("a.clif", PASSING);
    let made = Command::new("mkfifo")
        .arg(folder.0.path().join("b.clif"))
        .status();
    assert!(made.unwrap().success());
    let output = folder.run(&["test", "."]);
    assert_eq!(status(&output), 2, "{output:?}");
    assert!(stdout(&output).contains("FAIL ./b.clif: not a regular file"));
}

#[test]
fn rust_log_makes_the_compiler_talk() {
    let folder = Folder::new("log");
    folder.write("a.clif", PASSING);
    let mut command = folder.command(&["test", "a.clif"]);
    assert_eq!(stderr(&command.output().unwrap()), "");
    let output = command.env("RUST_LOG", "info").output().unwrap();
    assert!(stderr(&output).contains("defining function"), "{output:?}");
}

#[test]
fn filter_target_and_list_select() {
    let folder = Folder::new("select");
    folder.write("a.clif", PASSING);
    folder.write("sub/b.clif", FAILING);
    folder.write("sub/no-test.txt", FAILING);
    folder.write("dir.d/c.clif", FAILING);
    let list = folder.run(&["test", "--list", "."]);
    assert_eq!(stdout(&list), "./a.clif\n./sub/b.clif\n");
    let list = folder.run(&["test", "--list", "--filter", "sub/", "."]);
    assert_eq!(stdout(&list), "./sub/b.clif\n");
    let output = folder.run(&["test", "--filter", "a.c", "."]);
    assert_eq!(status(&output), 0, "{output:?}");
    let output = folder.run(&["test", "--target", "pulley64", "."]);
    assert!(stdout(&output).starts_with("0 passed, 0 failed, 0 skipped (0 jobs ran, 0 skipped)"));
    let foreign = if cfg!(target_arch = "s390x") {
        "aarch64"
    } else {
        "s390x"
    };
    let output = folder.run(&["test", "--target", foreign, "."]);
    let text = stdout(&output);
    assert!(
        text.starts_with("0 passed, 0 failed, 1 skipped (0 jobs ran, 1 skipped)"),
        "{text}"
    );
}

#[test]
fn a_named_file_needs_no_extension() {
    let folder = Folder::new("extension");
    folder.write("a.txt", FAILING);
    assert_eq!(status(&folder.run(&["test", "a.txt"])), 1);
}

#[test]
fn bless_then_pass_then_nothing_changes() {
    let folder = Folder::new("bless");
    let path = folder.write("a.clif", PRECISE);
    let output = folder.run(&["test", "."]);
    assert_eq!(status(&output), 1, "{output:?}");
    assert!(stdout(&output).contains("\n  bless:  cargo clif-util test --bless ./a.clif  #"));
    assert_eq!(fs::read_to_string(&path).unwrap(), PRECISE);

    // A note with one `;` stands in the way, as the message says.
    let output = folder.run(&["test", "--bless", "."]);
    assert_eq!(status(&output), 1, "{output:?}");
    assert!(
        stdout(&output).contains("begin notes with `;;`"),
        "{output:?}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), PRECISE);

    let precise = PRECISE.replace("; of old\n\nfunction", ";; of old\n\nfunction");
    let blessed = BLESSED.replace("; of old\n\nfunction", ";; of old\n\nfunction");
    folder.write("a.clif", &precise);
    let output = folder.run(&["test", "--bless", "."]);
    assert_eq!(status(&output), 0, "{output:?}");
    assert!(
        stdout(&output).contains("blessed 2 functions in ./a.clif"),
        "{output:?}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), blessed);
    assert_eq!(folder.names(), ["a.clif"]);

    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let output = folder
        .command(&["test", "."])
        .env("CRANELIFT_TEST_BLESS", "1")
        .output()
        .unwrap();
    assert_eq!(status(&output), 0, "{output:?}");
    assert!(!stdout(&output).contains("blessed"), "{output:?}");
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), modified);
    assert_eq!(status(&folder.run(&["test", "."])), 0);
}

/// Blessing changes expectations alone: whole files in the style of Windows, and mixed ones.
#[test]
fn blessing_keeps_line_endings() {
    let folder = Folder::new("bless-endings");
    let precise = PRECISE.replace("; of old\n\nfunction", ";; of old\n\nfunction");
    let blessed = BLESSED.replace("; of old\n\nfunction", ";; of old\n\nfunction");
    // The lines above the first function end otherwise than those of the functions.
    let mixed = |text: &str| {
        let start = text.find("function").unwrap();
        text[..start].to_owned() + &text[start..].replace('\n', "\r\n")
    };
    for (before, after) in [
        (precise.replace('\n', "\r\n"), blessed.replace('\n', "\r\n")),
        (mixed(&precise), mixed(&blessed)),
        (precise.trim_end().to_owned(), blessed.trim_end().to_owned()),
    ] {
        folder.write("a.clif", &before);
        let output = folder.run(&["test", "--bless", "a.clif"]);
        assert_eq!(status(&output), 0, "{output:?}");
        assert_eq!(folder.read("a.clif"), after);
        let output = folder.run(&["test", "a.clif"]);
        assert_eq!(status(&output), 0, "{output:?}");
    }
}

#[test]
fn bless_refuses_two_different_outputs() {
    let folder = Folder::new("bless-twice");
    let text = PRECISE
        .replace("aarch64 has_lse", "riscv64")
        .replace("; of old", "");
    let path = folder.write("a.clif", &text);
    let output = folder.run(&["test", "--bless", "."]);
    // The functions above are the same on both; one that is not:
    assert_eq!(status(&output), 0, "{output:?}");
    let text = text.replace("    return v0\n", "    v1 = iadd v0, v0\n    return v1\n");
    folder.write("a.clif", &text);
    let output = folder.run(&["test", "--bless", "."]);
    assert_eq!(status(&output), 1, "{output:?}");
    assert!(stdout(&output).contains("different outputs"), "{output:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn other_values_of_the_variable_do_not_bless() {
    let folder = Folder::new("bless-variable");
    let path = folder.write("a.clif", PRECISE);
    for value in ["0", "true", ""] {
        let output = folder
            .command(&["test", "."])
            .env("CRANELIFT_TEST_BLESS", value)
            .output()
            .unwrap();
        assert_eq!(status(&output), 1, "{output:?}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), PRECISE);
}

#[test]
fn timings_show_files_and_passes() {
    let folder = Folder::new("timings");
    folder.write("a.clif", PASSING);
    let text = stdout(&folder.run(&["test", "--timings", "a.clif"]));
    assert!(text.contains("\nslow: 0."), "{text}");
    assert!(text.contains("Parsing textual Cranelift IR"), "{text}");
}

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

/// ABI.md section 10 has a function, and what becomes of it.
#[test]
fn compile_prints_explicit_out_pointers() {
    let text = include_str!("../../ABI.md");
    let (_, section) = text
        .split_once("\n## 10. What the compiler makes of it\n")
        .unwrap();
    let mut blocks = section.split("```text\n").skip(1);
    let mut block = || blocks.next().unwrap().split("```").next().unwrap();
    let (written, explicit) = (block(), block());
    let folder = Folder::new("compile-out-pointers");
    let output = folder.run_with_input(&["compile", "--target", "x86_64", "-p"], written);
    assert_eq!(
        (status(&output), stdout(&output).trim_end()),
        (0, explicit.trim_end()),
        "{output:?}"
    );
}

#[test]
fn compile_prints_and_writes() {
    let folder = Folder::new("compile");
    let function = "function %f(i32) -> i32 system_v {\n    fn0 = %g(i32) -> i32 system_v\n\
                    block0(v0: i32):\n    v1 = call fn0(v0)\n    trapz v1, user7\n    return v1\n}\n";
    let output = folder.run_with_input(&["compile", "--target", "x86_64"], function);
    assert_eq!(
        (status(&output), stdout(&output)),
        (0, String::new()),
        "{output:?}"
    );
    let output = folder.run_with_input(&["compile", "--target", "x86_64", "-pD", "-"], function);
    let text = stdout(&output);
    for part in [
        "function %f(i32) -> i32 system_v {\n",
        "\n.byte 85, 72, 137, 229, ",
        "\nDisassembly of ",
        " bytes <%f>:\n   0:  55 ",
        "pushq %rbp\n",
        "\nreloc_external: Abs8 %g 0 at 0x",
        "\ntrap: user7 at 0x",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    for target in ["aarch64", "riscv64", "s390x", "pulley64"] {
        let output = folder.run_with_input(&["compile", "--target", target, "-D", "-"], function);
        assert!(stdout(&output).contains("Disassembly of "), "{output:?}");
    }

    let object = folder.0.path().join("a.o");
    let arguments = ["compile", "--target", "x86_64-linux", "-o", "a.o", "-"];
    let output = folder.run_with_input(&arguments, function);
    assert_eq!(status(&output), 0, "{output:?}");
    let bytes = fs::read(object).unwrap();
    assert_eq!(&bytes[..4], b"\x7fELF");
    let contains = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
    assert!(contains(b"\0%f\0") && contains(b"\0g\0"));

    let file_target = format!("test compile\nset opt_level=speed\ntarget aarch64\n{function}");
    let output = folder.run_with_input(&["compile", "--target", "", "-D"], &file_target);
    assert!(stdout(&output).contains("ret\n"), "{output:?}");
    let output = folder.run_with_input(&["compile", "--target", "pulley64be", "-D"], function);
    assert_eq!(status(&output), 1, "{output:?}");
    assert!(stderr(&output).contains("there is no disassembler for pulley64be"));

    let arguments = [
        "compile",
        "--target",
        "x86_64-linux",
        "--c-names",
        "-o",
        "a.o",
    ];
    assert_eq!(status(&folder.run_with_input(&arguments, function)), 0);
    let bytes = fs::read(folder.0.path().join("a.o")).unwrap();
    assert!(bytes.windows(3).any(|window| window == b"\0f\0"));
    let invalid = function.replace("return v1", "return");
    let output = folder.run_with_input(&["compile", "--target", "x86_64"], &invalid);
    let place = "error: -:6: compile (x86_64): %f does not verify\n  line 6: inst2 (return): ";
    assert!(stderr(&output).contains(place), "{output:?}");
    assert!(
        stderr(&output).contains("arguments of return must match"),
        "{output:?}"
    );
}

#[test]
fn a_wrong_target_is_a_wrong_command_line() {
    let folder = Folder::new("targets");
    folder.write(
        "a.clif",
        "test compile\ntarget x86_64\nfunction %a() {\nblock0: return\n}\n",
    );
    folder.write(
        "b.clif",
        "test compile\ntarget aarch64\nfunction %b() {\nblock0: return\n}\n",
    );
    folder.write("c.clif", "function %c() {\nblock0: return\n}\n");
    for (arguments, message) in [
        (
            "compile --target x87 a.clif",
            "in the target and its settings",
        ),
        (
            "compile --target aarch64_be a.clif",
            "does not have the target `aarch64_be`",
        ),
        (
            "abi --target aarch64_be a.clif",
            "does not have the target `aarch64_be`",
        ),
        (
            "bugpoint a.clif aarch64_be",
            "does not have the target `aarch64_be`",
        ),
        ("bugpoint a.clif x87", "in the target and its settings"),
        ("pass a.clif x87 compile", "in the target and its settings"),
        ("pass a.clif x86_64 nosuch", "`nosuch`"),
        ("test --target x87 a.clif", "`x87` is no target triple"),
        (
            "compile --target x86_64 --set nonsense a.clif",
            "unknown setting 'nonsense'",
        ),
        (
            "compile --target= --set is_pic a.clif",
            "--set needs a --target",
        ),
        (
            "compile --target= c.clif",
            "has no target; give one with --target",
        ),
        ("abi c.clif", "has no target; give one with --target"),
        (
            "compile --target= -o x.o a.clif b.clif",
            "an object file has one target",
        ),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = folder.run(&arguments);
        assert_eq!(status(&output), 2, "{arguments:?}: {output:?}");
        assert!(
            stderr(&output).contains(message),
            "{arguments:?}: {output:?}"
        );
    }
    assert!(!folder.0.path().join("x.o").exists());
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
            "abi a.clif",
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

#[test]
fn a_file_is_blessed_for_all_its_targets() {
    let folder = Folder::new("bless-target");
    let source = PRECISE.replace("aarch64 has_lse", "x86_64");
    folder.write("a.clif", &source);
    let failed = stdout(&folder.run(&["test", "--target", "x86_64", "a.clif"]));
    assert!(failed.contains("test --target x86_64 a.clif\n"), "{failed}");
    assert!(failed.contains("test --bless a.clif "), "{failed}");
    let output = folder.run(&["test", "--bless", "--target", "x86_64", "a.clif"]);
    assert_eq!(status(&output), 1, "{output:?}");
    assert!(
        stdout(&output).contains("--target leaves out"),
        "{output:?}"
    );
    assert_eq!(folder.read("a.clif"), source);
    // And one that is given three times, once.
    let source =
        "test compile precise-output\ntarget aarch64\n\nfunction %f() {\nblock0:\n    return\n}\n";
    folder.write("a.clif", source);
    let output = folder.run(&["test", "-j3", "--bless", "a.clif", "a.clif", "./a.clif"]);
    assert_eq!(status(&output), 0, "{output:?}");
    let passed = folder.run(&["test", "a.clif"]);
    assert_eq!(status(&passed), 0, "{passed:?}");
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
fn a_signature_is_compared_in_every_setting() {
    let folder = Folder::new("signature");
    let run = |args: &[&str]| {
        let only = ["--target=x86_64", "--compiler=gcc", "--direction=calls-c"];
        folder.run(&[&["c-abi"], args, &only[..]].concat())
    };
    let compare = |signature| run(&["--signature", signature]);
    for wrong in ["(i8) -> i8", "(i8) -> i8 system_v", "(i0)"] {
        assert_eq!(status(&compare(wrong)), 2, "{wrong}");
    }
    let output = compare("(i8 sext) -> i8, f64 system_v_multi_out");
    let text = stdout(&output);
    if text.contains("is missing: install") {
        println!("skipped: {text}");
        return;
    }
    // Four settings, directly and by address.
    assert!(text.contains("\n8 passed, 0 failed"), "{output:?}");
    assert_eq!(status(&output), 0);
    let seed = |args: &[&str]| {
        let text = stdout(&run(&[&["--count=1"], args].concat()));
        let (_, rest) = text.split_once(" skipped: seed ").unwrap_or_default();
        rest.split(',').next().unwrap_or_default().to_owned()
    };
    assert_eq!(seed(&["--seed=7"]), "7");
    assert_ne!(seed(&[]), seed(&[]), "a campaign finds something new");
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

/// A folder for the files of one run of a test.
struct Folder(TempDir);

impl Folder {
    fn new(name: &str) -> Self {
        Folder(TempDir::with_prefix_in(name, env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clif-util"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("CRANELIFT_TEST_BLESS")
            .env_remove("CRANELIFT_FILETESTS_THREADS")
            .env_remove("RUST_LOG");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with_input(arguments, "")
    }

    fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }
}

fn status(output: &Output) -> i32 {
    output
        .status
        .code()
        .expect("the program must not be killed")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
