//! What is compared between runtimes of WebAssembly. The program for Wasmer, which is in a workspace of its own, has this file too.

use std::fmt::Write as _;

/// Numbers of results.
pub const COUNTS: [usize; 5] = [2, 4, 8, 16, 26];

/// Calls in one iteration of a module's loop.
pub const CALLS: usize = 4;

/// Who calls whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A loop in a module calls a host function.
    Import,
    /// A loop of the host's calls a function of a module.
    Export,
}

/// Passes each of [`COUNTS`], with as many names, to a macro.
macro_rules! each_count {
    ($then:ident $($args:tt)*) => {
        $then! { [$($args)*]
            2: a b;
            4: a b c d;
            8: a b c d e f g h;
            16: a b c d e f g h i j k l m n o p;
            26: a b c d e f g h i j k l m n o p q r s t u v w x y z;
        }
    };
}
pub(crate) use each_count;

/// The type of a result.
macro_rules! int {
    ($name:ident) => {
        i64
    };
}
pub(crate) use int;

/// What a host function returns. No vectors of 128 bits are rotated lane by lane, so each result is stored by itself: a caller that loads
/// one from among results stored together waits for it, and that is the vectorizer's doing, not the call's.
#[inline(always)]
pub fn results<const N: usize>(argument: i64) -> [i64; N] {
    std::array::from_fn(|index| argument.rotate_left(index as u32))
}

/// What a caller makes of it, for the next call.
#[inline(always)]
pub fn fold<const N: usize>(results: [i64; N]) -> i64 {
    let mut state = results[0];
    for (index, result) in results.into_iter().enumerate().skip(1) {
        state = match index % 2 {
            0 => state ^ result,
            _ => state.wrapping_add(result),
        };
    }
    state
}

/// A module in the text format. It begins with some functions, so that its code lies elsewhere in each placement.
pub fn module(way: Way, count: usize, placement: usize) -> String {
    let results = "i64 ".repeat(count);
    let front = "(func)".repeat(placement);
    if way == Way::Export {
        let values: String = (0..count)
            .map(|index| format!("(i64.rotl (local.get $x) (i64.const {index}))"))
            .collect();
        return format!(
            r#"(module {front} (func (export "f") (param $x i64) (result {results}) {values}))"#
        );
    }
    let mut call = "(call $host (local.get $state))".to_owned();
    let mut locals = String::new();
    // The last result is on top.
    for index in (0..count).rev() {
        let _ = write!(locals, "(local $r{index} i64)");
        let _ = write!(call, "(local.set $r{index})");
    }
    call.push_str("(local.get $r0)");
    for index in 1..count {
        let operation = if index % 2 == 0 { "xor" } else { "add" };
        let _ = write!(call, "(i64.{operation} (local.get $r{index}))");
    }
    call.push_str("(local.set $state)");
    let calls = call.repeat(CALLS);
    format!(
        r#"(module
             (import "" "" (func $host (param i64) (result {results})))
             {front}
             (func (export "loop") (param $left i64) (param $state i64) (result i64)
               {locals}
               (loop $again
                 {calls}
                 (br_if $again (i64.ne (i64.const 0)
                   (local.tee $left (i64.sub (local.get $left) (i64.const 1))))))
               (local.get $state)))"#
    )
}

/// Parameters of the hundred imports.
pub const PARAMS: [&str; 10] = [
    "", "i32", "i64", "f32", "f64", "i32 i32", "i64 i64", "f32 f32", "f64 f64", "i32 i64",
];

/// Results of the hundred imports, each with all parameters.
pub const RESULTS: [&str; 10] = [
    "i32 i32", "i64 i64", "f32 f32", "f64 f64", "i32 i64", "i64 i32", "f32 f64", "f64 f32",
    "i32 f32", "f64 i64",
];

/// A module that imports a hundred functions of different types, which are named by their index, and exports them.
pub fn hundred_imports() -> String {
    let mut text = "(module".to_owned();
    let types = RESULTS
        .iter()
        .flat_map(|results| PARAMS.iter().map(move |params| (params, results)));
    for (index, (params, results)) in types.enumerate() {
        let _ = write!(
            text,
            r#"(func (export "{index}") (import "" "{index}") (param {params}) (result {results}))"#
        );
    }
    text + ")"
}

/// Bytes of executable memory that are no file's, in whole pages.
///
/// # Errors
///
/// Where there is no list of them.
pub fn executable_bytes() -> std::io::Result<usize> {
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let sizes = maps.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [range, flags, _, _, "0", ..] = *fields else {
            return None;
        };
        let (from, to) = range.split_once('-')?;
        let size = |text| usize::from_str_radix(text, 16).ok();
        let is_code = flags.contains('x') && !line.ends_with(']');
        is_code.then_some(size(to)? - size(from)?)
    });
    Ok(sizes.sum())
}
