//! Functions of WebAssembly as functions of the host that forward to them.
//!
//! Whatever the suite registers or calls is replaced by such a function, so that every type of the suite is that of an
//! import once. The function calls what it replaces as the C function that it is; a trap goes through it.

use anyhow::{Context as _, Result};
use multi_out::results::{Direct, InMemory, Slot};
use multi_out::{AbiValue, FromCode, Return, Vmctx};
use multi_out_wasm::{
    Context, Extern, Func, FuncType, Instance, Linker, Module, Store, ValType, VmContext,
};
use std::collections::HashMap;

/// What is replaced.
#[derive(Clone, Copy)]
struct Target {
    code: *const u8,
    context: *mut VmContext,
}

type Link = fn(&mut Linker, [&str; 2], &Context<Target>);

/// Makes host functions of all types that the suite has.
pub struct Mirror {
    links: HashMap<FuncType, Link>,
    /// For each type a module that imports a function and exports one that calls it.
    callers: HashMap<FuncType, Module>,
    /// Their instances, by what is replaced.
    instances: HashMap<(*const u8, *mut VmContext), Instance>,
    /// How many calls went through a host function.
    pub calls: usize,
}

impl Mirror {
    pub fn new() -> Self {
        Self {
            links: links(),
            callers: HashMap::new(),
            instances: HashMap::new(),
            calls: 0,
        }
    }

    /// Offers the exports of an instance.
    pub fn instance(
        &self,
        store: &mut Store,
        linker: &mut Linker,
        module: &str,
        instance: &Instance,
    ) -> Result<()> {
        for (name, item) in instance.exports() {
            match item {
                Extern::Func(func) if has_mirror(func.ty()) => {
                    self.link(store, linker, [module, name], &func)?;
                }
                other => linker.define(module, name, other),
            }
        }
        Ok(())
    }

    /// A function that calls `func` through an import, if there is a host function of its type.
    pub fn caller(&mut self, store: &mut Store, func: Func) -> Result<Func> {
        let ty = func.ty();
        if !has_mirror(ty) {
            return Ok(func);
        }
        self.calls += 1;
        let key = (func.address(), func.context());
        if !self.instances.contains_key(&key) {
            let mut linker = Linker::new();
            self.link(store, &mut linker, ["", ""], &func)?;
            if !self.callers.contains_key(ty) {
                self.callers.insert(ty.clone(), caller(ty)?);
            }
            let instance = Instance::new(store, &self.callers[ty], &linker)?;
            self.instances.insert(key, instance);
        }
        Ok(self.instances[&key].func("f")?)
    }

    fn link(
        &self,
        store: &mut Store,
        linker: &mut Linker,
        name: [&str; 2],
        func: &Func,
    ) -> Result<()> {
        let ty = func.ty();
        let link = self.links.get(ty);
        let link =
            link.with_context(|| format!("no host function {ty}: add its type to `links`"))?;
        let (code, context) = (func.address(), func.context());
        let context = store.context(Target { code, context });
        link(linker, name, &context);
        Ok(())
    }
}

/// Host functions have no references to functions, and at most 16 parameters and results in a tuple.
fn has_mirror(ty: &FuncType) -> bool {
    let mut all = ty.params.iter().chain(&ty.results);
    all.all(|ty| *ty != ValType::FuncRef) && ty.params.len().max(ty.results.len()) <= 16
}

fn caller(ty: &FuncType) -> Result<Module> {
    let list = |types: &[ValType]| types.iter().map(|ty| format!("{ty} ")).collect::<String>();
    let ty_text = format!(
        "(param {}) (result {})",
        list(&ty.params),
        list(&ty.results)
    );
    let args: String = (0..ty.params.len())
        .map(|index| format!("(local.get {index})"))
        .collect();
    let text = format!(
        r#"(module (import "" "" (func $f {ty_text})) (func (export "f") {ty_text} {args} (call $f)))"#
    );
    let buffer = wast::parser::ParseBuffer::new(&text)?;
    let bytes = wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode()?;
    Ok(Module::new(&bytes)?)
}

/// What an externref is.
type Ref = *mut ();

/// A signature with a host function that forwards.
trait Forward<Shape> {
    fn ty() -> FuncType;
    fn link(linker: &mut Linker, name: [&str; 2], target: &Context<Target>);
}

fn types(slots: &[Slot]) -> Vec<ValType> {
    use cranelift_codegen::ir::types;
    let of = |slot: &Slot| match slot.ty() {
        _ if *slot == Slot::of::<Ref>() => ValType::ExternRef,
        types::I32 => ValType::I32,
        types::I64 => ValType::I64,
        types::F32 => ValType::F32,
        _ => ValType::F64,
    };
    slots.iter().map(of).collect()
}

macro_rules! forward {
    ($shape:ident [$($out:ident: $place:ty)?] $raw:ty; $($name:ident)*) => {
        impl<$($name: AbiValue + FromCode,)* Ret: Return<Shape = $shape>> Forward<$shape> for fn($($name),*) -> Ret {
            fn ty() -> FuncType {
                FuncType {
                    params: types(&[$(Slot::of::<$name>()),*]),
                    results: types(Ret::SLOTS),
                }
            }

            fn link(linker: &mut Linker, name: [&str; 2], target: &Context<Target>) {
                /// # Safety
                ///
                /// The target is a function of these types, and its instance lives.
                #[allow(non_snake_case, clippy::too_many_arguments, reason = "as many as the signature has")]
                unsafe extern "C-unwind" fn forward<$($name,)* Ret: Return>(
                    $($out: $place,)? target: *mut Target, $($name: $name),*
                ) -> $raw {
                    type Code<$($name,)* Ret> =
                        unsafe extern "C-unwind" fn($($place,)? *mut VmContext, $($name),*) -> $raw;
                    // SAFETY: the caller vouches for the target.
                    unsafe {
                        let Target { code, context } = *target;
                        let code = std::mem::transmute::<*const u8, Code<$($name,)* Ret>>(code);
                        code($($out,)? context, $($name),*)
                    }
                }
                // SAFETY: targets are functions of a store that lives as long as its contexts.
                unsafe {
                    linker.unwind_function::<fn(Vmctx<Target>, $($name),*) -> Ret, _>(name, forward::<$($name,)* Ret>, target);
                }
            }
        }
    };
}

macro_rules! forwards {
    ($([$($name:ident)*])*) => {$(
        forward!(Direct [] <Ret as Return>::Raw; $($name)*);
        forward!(InMemory [out: *mut <Ret as Return>::Raw] (); $($name)*);
    )*};
}

multi_out::each_arity!(forwards);

/// All types that the suite's functions have.
fn links() -> HashMap<FuncType, Link> {
    let mut links = HashMap::new();
    macro_rules! add {
        ($($ty:ty;)*) => {$(
            add::<_, $ty>(&mut links);
        )*};
    }
    add! {
        fn(); fn(f32); fn(f64); fn(i32); fn(i64); fn(i32, f32); fn(i32, f64); fn(i32, i32); fn(i32, i64);
        fn(i64, i64); fn(i32, i32, i32); fn(i64, f32, f64, i32, i32); fn() -> f32; fn() -> f64; fn() -> i32;
        fn() -> i64; fn(f32) -> f32; fn(f32) -> f64; fn(f32) -> i32; fn(f32) -> i64; fn(f64) -> f32;
        fn(f64) -> f64; fn(f64) -> i32; fn(f64) -> i64; fn(i32) -> f32; fn(i32) -> f64; fn(i32) -> i32;
        fn(i32) -> i64; fn(i64) -> f32; fn(i64) -> f64; fn(i64) -> i32; fn(i64) -> i64; fn(f32, f32) -> f32;
        fn(f32, f32) -> i32; fn(f32, f64) -> f32; fn(f64, f32) -> f32; fn(f64, f64) -> f64; fn(f64, f64) -> i32;
        fn(i32, i32) -> f32; fn(i32, i32) -> f64; fn(i32, i32) -> i32; fn(i32, i32) -> i64; fn(i32, i64) -> i64;
        fn(i64, i64) -> i32; fn(i64, i64) -> i64; fn(f32, f32, f32) -> f32; fn(f32, f32, f32) -> i32;
        fn(f32, f32, i32) -> f32; fn(f64, f64, f64) -> f64; fn(f64, f64, f64) -> i32; fn(f64, f64, i32) -> f64;
        fn(i32, f64, i32) -> i32; fn(i32, i32, i32) -> i32; fn(i64, i64, i32) -> i64;
        fn(f32, f32, f32, f32) -> f32; fn(f64, f64, f64, f64) -> f64; fn(i64, f32, f64, i32, i32) -> f64;
        fn(i64, f32, f64, i32, i32) -> i64; fn(f32, i32, i64, i32, f64, i32) -> f64;
        fn(f64, f64, f64, f64, f64, f64, f64, f64) -> f64; fn() -> (f64, f32); fn() -> (f64, f64);
        fn() -> (f64, i32); fn() -> (i32, f64); fn() -> (i32, i32); fn() -> (i32, i64); fn() -> (i64, i32);
        fn(i32) -> (i32, i32); fn(i32) -> (i32, i64); fn(i64, i64, i32) -> (i64, i32); fn() -> (i32, i32, i32);
        fn() -> (i32, i32, i64); fn(i32) -> (i32, i32, i64); fn(Ref); fn(i32, Ref); fn(i32, Ref, i32);
        fn() -> Ref; fn(Ref) -> i32; fn(i32) -> Ref; fn(i32, Ref) -> Ref; fn(i32, Ref) -> i32; fn(Ref, Ref, i32) -> Ref;
    }
    links
}

fn add<Shape, S: Forward<Shape>>(links: &mut HashMap<FuncType, Link>) {
    links.insert(S::ty(), S::link);
}
