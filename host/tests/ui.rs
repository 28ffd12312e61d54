//! What does not compile, with what the compiler says. `TRYBUILD=overwrite` blesses it.

#[test]
fn mistakes_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
