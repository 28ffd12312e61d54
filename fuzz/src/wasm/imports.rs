//! What modules at random import: host functions with up to 26 results, for this project's runtime and for another.
//!
//! Their results are a digest of their arguments and of which function it is, so an argument that is passed wrongly and a
//! result that is received wrongly both show.

use multi_out::{Out, Results, Vmctx};
use multi_out_wasm::{Context, FuncType, Linker, Store, ValType, fail};

/// The module part of every import's name; the other is its index.
pub const MODULE: &str = "host";

/// Why one of these functions fails.
pub const FAILURE: &str = "one argument too many";

/// What a function returns for some arguments.
pub struct Answer(u64);

impl Answer {
    /// Any numbers.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// `None` if the function fails, which is so for one in 32.
    pub fn new(function: usize, args: &[u64]) -> Option<Self> {
        let mut answer = Self::of(function as u64);
        for arg in args {
            answer.0 ^= arg;
            answer.0 = answer.bits();
        }
        (!answer.bits().is_multiple_of(32)).then_some(answer)
    }

    /// The next result, in the low bits if it has fewer.
    pub fn bits(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn next<N: Number>(&mut self) -> N {
        N::from_bits(self.bits())
    }
}

/// A function that can be imported.
pub struct Import {
    /// Its type.
    pub ty: FuncType,
    link: fn(&mut Linker, &str, &Context<usize>),
}

/// Gives all functions to modules.
pub fn link(store: &mut Store, linker: &mut Linker) {
    for (index, import) in imports().into_iter().enumerate() {
        let context = store.context(index);
        (import.link)(linker, &index.to_string(), &context);
    }
}

trait Number {
    const TYPE: ValType;
    fn from_bits(bits: u64) -> Self;
    fn bits(self) -> u64;
}

macro_rules! numbers {
    ($($ty:ident $name:ident |$bits:ident| $from:expr, |$value:ident| $to:expr;)*) => {$(
        impl Number for $ty {
            const TYPE: ValType = ValType::$name;

            fn from_bits($bits: u64) -> Self {
                $from
            }

            fn bits(self) -> u64 {
                let $value = self;
                $to
            }
        }
    )*};
}

numbers! {
    i32 I32 |bits| bits as i32, |value| value as u32 as u64;
    i64 I64 |bits| bits as i64, |value| value as u64;
    f32 F32 |bits| f32::from_bits(bits as u32), |value| value.to_bits().into();
    f64 F64 |bits| f64::from_bits(bits), |value| value.to_bits();
}

/// In a function that is `extern "C-unwind"`.
fn answer(function: usize, args: &[u64]) -> Answer {
    Answer::new(function, args).unwrap_or_else(|| fail(FAILURE))
}

macro_rules! linked {
    ([$($param:ident $ty:ident)*] []) => {{
        extern "C-unwind" fn host(function: &mut usize, $($param: $ty),*) {
            answer(*function, &[$($param.bits()),*]);
        }
        linked!(host fn(Vmctx<usize>, $($ty),*))
    }};
    ([$($param:ident $ty:ident)*] [$result:ident]) => {{
        extern "C-unwind" fn host(function: &mut usize, $($param: $ty),*) -> $result {
            answer(*function, &[$($param.bits()),*]).next()
        }
        linked!(host fn(Vmctx<usize>, $($ty),*) -> $result)
    }};
    ([$($param:ident $ty:ident)*] [$($result:ident)*]) => {{
        #[derive(Results)]
        #[repr(C)]
        struct R($($result),*);

        #[allow(clippy::too_many_arguments, reason = "as many as the signature has")]
        extern "C-unwind" fn host(out: Out<'_, R>, function: &mut usize, $($param: $ty),*) {
            let mut answer = answer(*function, &[$($param.bits()),*]);
            out.write(R($(answer.next::<$result>()),*));
        }
        linked!(host fn(Vmctx<usize>, $($ty),*) -> R)
    }};
    ($host:ident $signature:ty) => {
        |linker, name, context| linker.safe_unwind_function::<$signature, _>([MODULE, name], $host, context)
    };
}

macro_rules! functions {
    ($([$($param:ident $ty:ident)*] [$($result:ident)*];)*) => {
        /// All functions.
        pub fn imports() -> Vec<Import> {
            vec![$(Import {
                ty: FuncType {
                    params: vec![$(<$ty>::TYPE),*],
                    results: vec![$(<$result>::TYPE),*],
                },
                link: linked!([$($param $ty)*] [$($result)*]),
            }),*]
        }
    };
}

functions! {
    [] [];
    [a i32] [i32];
    [a f32 b f64] [f64];
    [] [i32 i32];
    [a i64] [i64 i32];
    [a i32] [f32 i32];
    [a i32 b i32] [i64 i64];
    [a f64] [f64 f32];
    [a f32] [f32 f32];
    [] [i32 i64 i32];
    [a i64 b f32] [f32 f64 i32];
    [a i32 b i64] [i32 i32 i32];
    [a f64 b i32 c f32 d i64] [f64 i32 f32 i64];
    [a i32 b i32 c i32] [i32 f32 i32 f32 i64];
    [a i64] [i64 i64 i64 i64 i64 i64 i64 i64];
    [a i32 b f64 c i64 d i32 e f32 f i64 g i32 h i64 i i32 j i64] [i32 i64];
    [a f64 b f64 c f64 d f64 e f64 f f64 g f64 h f64 i f64 j i32] [f32 f64 i32];
    [a i32 b i32] [i32 f64 i32 f64 i32 f64 i32 f64 i32 f64 i32];
    [] [f32 i32 f32 i32 f32 i32 f32 i32 f32 i32 f32 i32 f32 i32 f32 i32];
    [a f32] [
        i32 i64 f32 f64 i32 f64 f32 i64 f32 i32 f64 i64 i64
        f64 i32 f32 f64 f64 i32 i32 i64 f32 f32 i64 i32 f64
    ];
}
