//! What a process leaves that is killed goes when another one starts.
#![cfg(target_os = "linux")]

use oracles::toolchain::{CTarget, Compiler};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

fn start(folder: &Path, name: &str, statement: &str) -> Child {
    let path = folder.join(name);
    let text = format!(
        "test c-abi compilers=gcc opt=-O0\ntarget x86_64\n\n\
         function %f() system_v {{\nblock0:\n    return\n}}\n\
         ;; c: int main(void) {{ {statement} }}\n"
    );
    fs::write(&path, text).unwrap();
    Command::new(env!("CARGO_BIN_EXE_clif-util"))
        .arg("test")
        .arg(path)
        .env("TMPDIR", folder.join("tmp"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The folders that programs of this name are in.
fn folders(temporary: &Path, program: &str) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(temporary).unwrap().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.join(program).exists()).collect()
}

#[test]
fn a_killed_process_leaves_a_folder_to_the_next() {
    // Without the tools there is nothing to test; in continuous integration that is a failure.
    if let Err(missing) = CTarget::X86_64.check_tools(Compiler::Gcc) {
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        println!("skipped: {missing}");
        return;
    }
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).unwrap();

    let mut endless = start(folder.path(), "endless.clif", "for (;;);");
    // The output of the program, which has begun.
    while folders(&temporary, "program.stdout").is_empty() {
        assert_eq!(endless.try_wait().unwrap(), None, "it has an end");
        std::thread::sleep(Duration::from_millis(10));
    }
    let pass = || {
        let mut child = start(folder.path(), "returns.clif", "return 0;");
        assert!(child.wait().unwrap().success());
    };
    pass();
    assert_eq!(folders(&temporary, "program").len(), 1, "it is in use");

    endless.kill().unwrap();
    endless.wait().unwrap();
    assert_eq!(folders(&temporary, "program").len(), 1, "it is left");
    pass();
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
