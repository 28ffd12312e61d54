//! gdb finds its way through compiled functions, by their unwind information alone.
#![cfg(target_arch = "x86_64")]

use anyhow::{Context, Result, ensure};
use oracles::calls::config::Config;
use oracles::toolchain::CTarget;
use oracles::unwinding::chain::LINKS;
use oracles::unwinding::unwind;
use oracles::workshop::Workshop;
use std::process::Command;

/// gdb stops in a host function, and shows the frames that `UNWINDING.md` does.
#[test]
fn gdb_shows_every_compiled_frame() -> Result<()> {
    let workshop = Workshop::new()?;
    let program = unwind::build(&workshop, CTarget::X86_64, Config::SPEED)?;
    let output = Command::new("gdb")
        .args(["-nx", "-batch"])
        .args(
            unwind::GDB_COMMANDS
                .iter()
                .flat_map(|command| ["-ex", command]),
        )
        .arg(&program)
        .env_remove("DEBUGINFOD_URLS")
        .output()
        .context("gdb does not start: install gdb, or run `cargo xtask setup`")?;
    let text = String::from_utf8_lossy(&output.stdout);

    let links = |prefix: &'static str| {
        (0..LINKS)
            .rev()
            .map(move |index| format!("{prefix}_{index}"))
    };
    let name = |name: &str| [name.to_owned()];
    let want: Vec<String> = name("innermost")
        .into_iter()
        .chain(links("inner"))
        .chain(name("call_pinned"))
        .chain(name("middle"))
        .chain(links("outer"))
        .chain(name("call_pinned"))
        .chain(name("main"))
        .collect();
    // `#2  0x… in inner_4 ()`, or `#0  innermost (…) at …`. `call` may be inlined or not.
    let got: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("#0"))
        .filter(|line| line.starts_with('#'))
        .filter_map(|line| {
            let (before, _) = line.split_once(" (")?;
            before.split_whitespace().last()
        })
        .filter(|name| *name != "call")
        .collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(got[..want.len().min(got.len())], want, "{text}\n{errors}");
    for (index, register) in ["rbx", "rbp", "r12", "r13", "r14", "r15"]
        .iter()
        .enumerate()
    {
        let value = format!("{:#x}", 0x1111_1111_1111_1111 * (index as u64 + 1));
        let found = text
            .lines()
            .any(|line| line.split_whitespace().take(2).eq([*register, &value]));
        ensure!(found, "{register} is not {value}:\n{text}");
    }
    Ok(())
}
