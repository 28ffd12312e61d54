//! The table: each command of `test` × each way to fail.
//!
//! A cell has a function and where its failure is, or says why there is none. What is not about one command
//! alone is asked of all.

use super::common::{Folder, stdout};
use clap::ValueEnum;
use filetests::command;
use std::collections::BTreeMap;
use std::env::consts::ARCH;

/// How something can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Way {
    /// The header asks for what the command does not have.
    BadOption,
    /// The header lacks a target.
    NoTarget,
    /// The reader refuses the text.
    Reader,
    /// The reader panics.
    ReaderPanic,
    /// The reader does not end.
    ReaderEndless,
    /// A number would make the reader take all memory.
    Number,
    /// A number stands for no name.
    Name,
    /// The verifier refuses the function.
    Verifier,
    /// The verifier panics.
    VerifierPanic,
    /// The command does not end, or the verifier before it.
    Endless,
    /// The compiler refuses the function.
    Unsupported,
    /// The compiler panics.
    CompilerPanic,
    /// A fatal signal.
    Signal,
    /// The output does not match the directives.
    Mismatch,
    /// A directive cannot be read.
    Directive,
    /// The output is not exactly that of the file, or there is one where there must be none.
    Expectation,
    /// A comment claims what is not so.
    Claim,
    /// A call has another result.
    Value,
    /// A call traps.
    Trap,
    /// The functions do not go together.
    Names,
    /// The C compiler refuses the C.
    Compiler,
    /// The linker misses a symbol.
    Linker,
    /// The C program prints something else.
    Output,
    /// The C program has another exit status.
    Status,
}

use Way::*;

/// A cell of the table.
enum Cell {
    /// `test COMMAND`, a target and a blank line come before the function, which begins in line 4. The
    /// failure is in the line, and says the text.
    Fails(String, usize, &'static str),
    /// As above, with options of the command and a target.
    With(
        &'static str,
        &'static str,
        &'static str,
        usize,
        &'static str,
    ),
    /// Why a command cannot fail so.
    Never(&'static str),
}

pub const VERIFYING: [&str; 10] = [
    "alias-analysis",
    "c-abi",
    "compile",
    "domtree",
    "inline",
    "interpret",
    "optimize",
    "run",
    "safepoint",
    "unwind",
];
const COMPILING: [&str; 4] = ["c-abi", "compile", "run", "unwind"];
const MATCHING: [&str; 9] = [
    "alias-analysis",
    "cat",
    "compile",
    "domtree",
    "inline",
    "optimize",
    "print-cfg",
    "safepoint",
    "unwind",
];
const CALLING: [&str; 2] = ["interpret", "run"];
const WITH_TARGET: [&str; 6] = ["c-abi", "compile", "inline", "optimize", "run", "unwind"];

const PLAIN: &str = "function %a(i64) -> i64 {\nblock0(v0: i64):\n    return v0\n}\n";
const C: &str = ";; c: int main(void) { return 0; }\n";
const SMIN: &str = "function %a(i128, i128) -> i128, i8 system_v_multi_out {\n\
                    block0(v0: i128, v1: i128):\n    v2 = smin v0, v1\n    v3 = iconst.i8 1\n    \
                    return v2, v3\n}\n;; c: int main(void) { return 0; }\n";
const TRAP: &str = "function %a() {\nblock0:\n    trap user1\n}\n; run: %a() == []\n";

/// The cell of a command, or none if the table has a hole.
fn cell(command: &str, way: Way) -> Option<Cell> {
    let is = |commands: &[&str]| commands.contains(&command);
    let fails = |body: &str, line, says| Some(Cell::Fails(body.to_owned(), line, says));
    let never = |why| Some(Cell::Never(why));
    // New commands have to be put somewhere.
    if !is(&VERIFYING) && !is(&["cat", "print-cfg", "verifier"]) {
        return None;
    }
    match way {
        BadOption => Some(Cell::With(" loudly", "x86_64", PLAIN, 1, "`loudly`")),
        NoTarget if is(&WITH_TARGET) => Some(Cell::With("", "", PLAIN, 1, "needs a target")),
        NoTarget => never("it needs none"),
        Reader => fails(
            &PLAIN.replace("v0\n", "v7\n"),
            6,
            "undefined operand value v7",
        ),
        ReaderPanic => fails(
            &PLAIN.replace("    return", "    v1 = splat.dt5 v0\n    return"),
            6,
            "the reader panicked: Undeclared dynamic vector type",
        ),
        ReaderEndless => {
            let aliases: String = (1..200_000)
                .map(|n| format!(" v{n} -> v{}\n", n - 1))
                .collect();
            let body = PLAIN.replace("    return", &format!("{aliases}    return"));
            fails(
                &body,
                1,
                "did not end within 1 seconds of processor time; it was last parsing",
            )
        }
        Number => fails(
            &PLAIN.replace("v0\n", "v225322254\n"),
            6,
            "is too large for a file",
        ),
        Name => fails(
            &PLAIN.replace("block0", "    fn0 = userextname5()\nblock0"),
            5,
            "fn0 has the name userextname5, which is not declared",
        ),
        Verifier if !is(&["cat", "print-cfg"]) => fails(
            &PLAIN.replace("return v0", "nop"),
            5,
            "does not end in a terminator",
        ),
        Verifier | VerifierPanic if is(&["cat", "print-cfg"]) => never("it does not verify"),
        VerifierPanic => fails(
            &PLAIN.replace("block0", "    gv1 = load.i64 notrap aligned gv7\nblock0"),
            4,
            "verifying %a for x86_64: panicked: index out of bounds",
        ),
        Endless if is(&["cat", "print-cfg"]) => never("it takes no longer than reading"),
        Endless if is(&CALLING) => fails(
            "function %a() {\nblock0:\n    jump block1\nblock1:\n    jump block1\n}\n; run: %a() == []\n",
            10,
            "did not end within 1 seconds of processor time; it was last executing `run: %a() == []` for %a",
        ),
        Endless => {
            let values: String = (1..40_000)
                .map(|n| format!("    gv{n} = iadd_imm.i64 gv{}, 1\n", n - 1))
                .collect();
            let body = PLAIN
                .replace("(i64)", "(i64 vmctx)")
                .replace("block0", &format!("    gv0 = vmctx\n{values}block0"));
            fails(
                &body,
                4,
                "did not end within 1 seconds of processor time; it was last verifying %a for x86_64",
            )
        }
        Unsupported if is(&COMPILING) => Some(Cell::With(
            "",
            match command {
                "run" => "pulley64",
                _ => "x86_64",
            },
            SMIN,
            4,
            "%a does not compile: Unsupported feature: ",
        )),
        Unsupported if command == "interpret" => fails(
            "function %a() -> i64 {\nblock0:\n    v0 = get_stack_pointer.i64\n    return v0\n}\n\
             ; run: %a() == 1\n",
            9,
            "`run: %a() == 1`: the interpreter panicked: not implemented",
        ),
        CompilerPanic if command == "run" && ARCH != "x86_64" => {
            never("no function is known that makes this host's compiler panic")
        }
        CompilerPanic if command == "run" => fails(
            "function %a(f32) -> i8 {\nblock0(v0: f32):\n    v1 = fcvt_to_sint_sat.i8 v0\n    \
             return v1\n}\n",
            4,
            "compiling %a for ",
        ),
        CompilerPanic if is(&COMPILING) => Some(Cell::With(
            "",
            "aarch64",
            SMIN,
            4,
            "compiling %a for aarch64: panicked: called `Option::unwrap()` on a `None` value",
        )),
        Unsupported | CompilerPanic => never("it generates no code"),
        Signal if command == "run" => Some(Cell::With(
            "",
            ARCH,
            TRAP,
            8,
            "while executing `run: %a() == []` for %a",
        )),
        Signal if command == "interpret" => fails(
            "function %a() {\n    fn0 = %a()\nblock0:\n    call fn0()\n    return\n}\n\
             ; run: %a() == []\n",
            10,
            "crashed with SIGSEGV while executing `run: %a() == []` for %a",
        ),
        Signal if command == "c-abi" => fails(
            "function %a() {\nblock0:\n    trap user1\n}\n;; c: void a(void);\n\
             ;; c: int main(void) { a(); return 0; }\n",
            8,
            "%a: gcc -O0: the program ends by signal",
        ),
        Signal => never("it runs no code of the function, and none is known to crash it"),
        Mismatch if is(&MATCHING) => fails(
            &format!("{PLAIN}; check: nothing like this\n"),
            4,
            "filecheck of %a failed",
        ),
        Directive if is(&MATCHING) => fails(
            &format!("{PLAIN}; regex: nonsense\n"),
            8,
            "%a: filecheck directive is malformed",
        ),
        Directive if is(&CALLING) => fails(
            &format!("{PLAIN}; run: %a(\n"),
            8,
            "cannot read the directive `; run: %a(`",
        ),
        Directive if command == "c-abi" => fails(
            &format!("{PLAIN}{C};; exit: never\n"),
            9,
            "%a: `never` is no exit status",
        ),
        Mismatch | Directive => never("it has no directives but `error:`, which announce anything"),
        Expectation if is(&["compile", "inline", "optimize"]) => Some(Cell::With(
            " precise-output",
            "x86_64",
            "function %a() {\nblock0:\n    return\n}\n; nothing like this\n",
            4,
            "the output of %a is not what its comments expect",
        )),
        Expectation => never("it has no precise output"),
        Claim if command == "domtree" => fails(
            &PLAIN.replace("return v0", "return v0 ; dominates: block7"),
            6,
            "`block7` is no block of %a",
        ),
        Claim if command == "verifier" => fails(
            &PLAIN.replace("return v0", "return v0 ; error: nothing like this"),
            6,
            "line 6: no error at inst0 contains `nothing like this`",
        ),
        Claim if command == "compile" => Some(Cell::With(
            " expect-fail",
            "x86_64",
            PLAIN,
            4,
            "%a compiles, but `expect-fail` says",
        )),
        Claim => never("it reads no such comments"),
        Value if is(&CALLING) => Some(Cell::With(
            "",
            "pulley64",
            "function %a(i64) -> i64 {\nblock0(v0: i64):\n    return v0\n}\n\n; run: %a(1) == 2\n",
            9,
            "Failed test: run: %a(1) == 2, actual: 1",
        )),
        Trap if is(&CALLING) => Some(Cell::With(
            "",
            "pulley64",
            TRAP,
            8,
            "`run: %a() == []`: it trapped",
        )),
        Value | Trap => never("it calls nothing"),
        Names if is(&["c-abi", "interpret", "run"]) => {
            fails(&format!("{PLAIN}\n{PLAIN}{C}"), 9, "%a is defined twice")
        }
        Names => never("it looks at one function at a time, or at the last of its name"),
        Compiler if command == "c-abi" => fails(
            &format!("{PLAIN};; c: int main(void)\n;; c: {{ return nothing; }}\n"),
            8,
            "%a: gcc -O0: gcc fails",
        ),
        Linker if command == "c-abi" => fails(
            &format!("{PLAIN};; c: void missing(void);\n;; c: int main(void) {{ missing(); }}\n"),
            8,
            "%a: gcc -O0: ",
        ),
        Output if command == "c-abi" => fails(
            &format!("{PLAIN}{C};; out: 2\n"),
            8,
            "%a: gcc -O0: the program prints something else",
        ),
        Status if command == "c-abi" => fails(
            &format!("{PLAIN};; c: int main(void) {{ return 3; }}\n"),
            8,
            "%a: gcc -O0: the program ends by exit status: 3, not with status 0",
        ),
        Compiler | Linker | Output | Status => never("it has no C"),
        Verifier => None,
    }
}

/// What the report of a file must begin with, and say in its first line.
struct Demand {
    begins: String,
    says: &'static str,
    names_function: bool,
}

#[test]
fn every_failure_of_every_command_names_file_line_function_and_target() {
    let folder = Folder::new("commands");
    let mut demands = BTreeMap::new();
    for command in &command::names() {
        for &way in Way::value_variants() {
            let cell = cell(command, way).unwrap_or_else(|| panic!("a hole at {command}, {way:?}"));
            let (options, target, body, line, says) = match cell {
                Cell::Never(why) => {
                    assert!(!why.is_empty());
                    continue;
                }
                Cell::Fails(body, line, says) => ("", "x86_64", body, line, says),
                Cell::With(options, target, body, line, says) => {
                    (options, target, body.to_owned(), line, says)
                }
            };
            // Reading is done before any command, and this takes its time.
            if way == ReaderEndless && *command != "cat" {
                continue;
            }
            let name = match way {
                Endless | ReaderEndless => format!("endless/{command}-{way:?}.clif"),
                _ => format!("ending/{command}-{way:?}.clif"),
            };
            let target_line = match target {
                "" => String::new(),
                target => format!("target {target}"),
            };
            folder.write(
                &name,
                &format!("test {command}{options}\n{target_line}\n\n{body}"),
            );
            let is_in_job = !matches!(
                way,
                BadOption | NoTarget | Reader | ReaderPanic | ReaderEndless | Number | Name
            );
            let job = match WITH_TARGET.contains(command) {
                _ if !is_in_job => String::new(),
                true => format!("{command}{options} ({target}): "),
                false => format!("{command}{options}: "),
            };
            let column = if way == Number { "12: " } else { "" };
            let separator = if way == Number { "" } else { " " };
            let demand = Demand {
                begins: format!("{name}:{line}:{separator}{column}{job}"),
                says,
                names_function: !matches!(way, BadOption | NoTarget | ReaderEndless),
            };
            demands.insert(name, demand);
        }
    }
    // In processes of their own, as what has no end goes on until its process ends. These all at once, as each takes this long.
    let mut endless = folder.command(&["test", "endless", "--timeout=1"]);
    let all = command::names().len().to_string();
    endless.env("CRANELIFT_FILETESTS_THREADS", all);
    let output = [
        folder.run(&["test", "ending"]),
        endless.output().expect("clif-util"),
    ];
    let output = output
        .map(|output| format!("\n{}", stdout(&output)))
        .concat();
    let reports = output.split("\nFAIL ").skip(1).filter_map(|report| {
        let (name, _) = report.split_once(':')?;
        Some((name, report))
    });
    let reports: BTreeMap<_, _> = reports.collect();
    assert_eq!(reports.len(), demands.len());
    let mut problems = String::new();
    for (name, demand) in &demands {
        let report = reports[name.as_str()];
        let first = report.lines().next().unwrap_or_default();
        // Details follow in lines of their own.
        if !first.starts_with(&demand.begins)
            || !report.contains(demand.says)
            || demand.names_function && !first.contains("%a")
        {
            problems.push_str(&format!("\n{}…{}\n{report}", demand.begins, demand.says));
        }
    }
    assert!(problems.is_empty(), "{problems}");
}
