//! The subcommands of `clif-util`: what they refuse, with file, line, function and target.

use super::common::{Folder, stdout};

/// All of them, with arguments. Each reads its file before it does anything.
const READING: [(&str, &str); 11] = [
    ("test", "test a.clif"),
    ("pass", "pass a.clif x86_64 compile"),
    ("run", "run a.clif"),
    ("interpret", "interpret a.clif"),
    ("compile", "compile --target x86_64 a.clif"),
    ("compile", "compile --target x86_64-linux -o a.o a.clif"),
    ("abi", "abi a.clif"),
    ("abi", "abi --lang c a.clif"),
    ("bugpoint", "bugpoint a.clif x86_64"),
    ("cat", "cat a.clif"),
    ("print-cfg", "print-cfg a.clif"),
];

/// What cannot be read: text, line, and what is said.
const UNREADABLE: [(&str, &str, &str); 4] = [
    ("    return v7\n", "7: %a: ", "undefined operand value v7"),
    (
        "    v7 = splat.dt5 v0\n    return\n",
        "7: %a: ",
        "the reader panicked: ",
    ),
    ("    jump block225322254\n", "7:10: %a: ", "is too large"),
    (
        "}\nfunction %b() {\n    fn0 = userextname5()\nblock0:\n    return\n",
        "9: %b: ",
        "is not declared",
    ),
];

#[test]
fn every_subcommand_says_where_it_cannot_read() {
    let folder = Folder::new("reading");
    let help = stdout(&folder.run(&["--help"]));
    let commands = help
        .split("Commands:\n")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    for line in commands.lines() {
        let name = line.split_whitespace().next().unwrap();
        let is_known = READING.iter().any(|(known, _)| *known == name);
        assert!(is_known || name == "help", "`{name}` has no row");
    }
    for (_, arguments) in READING {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        for (body, place, says) in UNREADABLE {
            let text = "test cat\ntarget x86_64\n\n;; a\nfunction %a(i64) {\nblock0(v0: i64):\n";
            folder.write("a.clif", &format!("{text}{body}}}\n"));
            super::check(&folder, &arguments, &format!(" a.clif:{place}"), says);
        }
    }
}

const PLAIN: &str = "function %a(i64) -> i64 system_v {\nblock0(v0: i64):\n    return v0\n}\n";
const SMIN: &str = "function %a(i128, i128) -> i128, i8 system_v_multi_out {\nblock0(v0: i128, v1: i128):\n    \
                    v2 = smin v0, v1\n    v3 = iconst.i8 1\n    \
                    return v2, v3\n}\n";

/// Arguments, function, place and function, and what is said.
const REFUSED: [(&str, &str, &str, &str); 16] = [
    (
        "compile --target x86_64 a.clif",
        SMIN,
        "a.clif:1: compile (x86_64): %a ",
        "Unsupported",
    ),
    (
        "compile --target aarch64 a.clif",
        SMIN,
        "a.clif:1: compile (aarch64): %a: the compiler panicked: ",
        "isle.rs",
    ),
    (
        "compile --target pulley64be -D a.clif",
        PLAIN,
        "a.clif:1: compile (pulley64be): %a: ",
        "there is no disassembler",
    ),
    (
        "compile --target pulley64 -o a.o a.clif",
        PLAIN,
        "a.clif:1: compile (pulley64): ",
        "cannot write object files for this target",
    ),
    (
        "compile --target x86_64-linux -o a.o b.clif a.clif",
        PLAIN,
        "a.clif:1: compile (x86_64-unknown-linux): %a is defined twice",
        "",
    ),
    (
        "compile --target x86_64-linux -o a.o a.clif",
        "\nfunction %a() system_v {\n    fn0 = u0:5()\nblock0:\n    return\n}\n",
        "a.clif:2: compile (x86_64-unknown-linux): %a: fn0 refers to u0:5, which is defined nowhere",
        "",
    ),
    (
        "compile --target x86_64-linux -o a.o a.clif",
        "\nfunction %a() system_v {\n    gv0 = symbol %b\n    fn0 = %b()\nblock0:\n    return\n}\n",
        "a.clif:2: compile (x86_64-unknown-linux): %a: gv0: ",
        "",
    ),
    (
        "pass a.clif x86_64 compile",
        SMIN,
        "a.clif:1: compile (x86_64): %a ",
        "Unsupported",
    ),
    (
        "pass a.clif aarch64 compile",
        SMIN,
        "a.clif:1: compile (aarch64): ",
        "%a for aarch64: panicked",
    ),
    (
        "run a.clif",
        "function %a() -> i8 system_v {\nblock0:\n    v0 = iconst.i8 1\n    return v0\n}\n; run: %a() == 2\n",
        "a.clif:6: run: ",
        "Failed test: run: %a() == 2, actual: 1",
    ),
    (
        "run a.clif",
        "function %a() system_v {\nblock0:\n    trap user1\n}\n; run: %b() == []\n",
        "a.clif:5: run: crashed with ",
        "while executing `run: %b() == []` for %a",
    ),
    (
        "run --timeout 2 a.clif",
        "function %a() system_v {\nblock0:\n    jump block1\nblock1:\n    jump block1\n}\n; run: %b() == []\n",
        "a.clif:7: run: did not end within 2 seconds",
        "it was last executing `run: %b() == []` for %a",
    ),
    (
        "interpret a.clif",
        "function %a() system_v {\nblock0:\n    return\n}\n; run: %b() == []\n",
        "a.clif:5: interpret: %a: `run: %b() == []`: ",
        "there is no function %b",
    ),
    (
        "interpret --timeout 2 a.clif",
        "function %a() system_v {\nblock0:\n    jump block1\nblock1:\n    jump block1\n}\n; run: %a() == []\n",
        "a.clif:7: interpret: did not end within 2 seconds",
        "for %a",
    ),
    (
        "abi --target x86_64 --lang c a.clif",
        "\nfunction %a() fast {\nblock0:\n    return\n}\n",
        "a.clif:2: %a: x86_64: ",
        "C has no `fast` convention",
    ),
    (
        "abi --target s390x a.clif",
        "\nfunction %a(i8x8) -> i8, i8 system_v_multi_out {\nblock0(v0: i8x8):\n    \
         v1 = iconst.i8 0\n    return v1, v1\n}\n",
        "a.clif:2: %a\n",
        "\n  s390x\n    error: Unsupported feature: ",
    ),
];

/// `cat` and `print-cfg` refuse nothing that can be read.
#[test]
fn every_refusal_of_a_subcommand_names_file_line_function_and_target() {
    let folder = Folder::new("refusing");
    folder.write("b.clif", PLAIN);
    for (arguments, function, place, says) in REFUSED {
        folder.write("a.clif", function);
        let arguments: Vec<&str> = arguments.split(' ').collect();
        super::check(&folder, &arguments, place, says);
    }
    assert!(!folder.0.path().join("a.o").exists());
}
