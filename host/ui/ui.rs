//! What does not compile, with what the compiler says. `TRYBUILD=overwrite` blesses it.

#[test]
fn mistakes_do_not_compile() {
    // trybuild has one more flag for the cases than for what they need, which Cargo would then build twice.
    let flags = "--cfg trybuild --verbose -Adead_code --diagnostic-width=140".replace(' ', "\x1f");
    // SAFETY: this is the only test, and nothing else reads the environment meanwhile.
    unsafe { std::env::set_var("CARGO_ENCODED_RUSTFLAGS", flags) };
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
