//! `cargo fuzz run host-calls`.

#![cfg_attr(
    all(fuzzing, any(target_arch = "x86_64", target_arch = "aarch64")),
    no_main
)]

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
multi_out_fuzz::target!(multi_out_fuzz::judges::host_calls::HostCalls);

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn main() -> std::process::ExitCode {
    eprintln!("host-calls: the oracle calls C by libffi on x86-64 and aarch64 alone");
    std::process::ExitCode::from(2)
}
