//! `clif-util compile`.

use super::*;

/// ABI.md section 10 has a function, and what becomes of it.
#[test]
fn compile_prints_explicit_out_pointers() {
    let text = include_str!("../../../ABI.md");
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
