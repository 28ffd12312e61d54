//! `clif-util test`, and what it blesses.

use super::*;

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
    let mut command = folder.command(&["test", "a.clif"]);
    let output = command
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
    let made = std::process::Command::new("mkfifo")
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
    let mut command = folder.command(&["test", "."]);
    let output = command.env("CRANELIFT_TEST_BLESS", "1").output().unwrap();
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
        let mut command = folder.command(&["test", "."]);
        let output = command.env("CRANELIFT_TEST_BLESS", value).output().unwrap();
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
