//! A small WebAssembly runtime: imports and exports are C functions, those with several results too.
//!
//! It is there to show and to measure the convention `system_v_multi_out` where it was asked for. A module's function of
//! the type `(func (param i32) (result i32 i32))` is `void f(struct two *out, void *context, int32_t)` to C, whoever
//! implements it. Compiled code and Rust call each other's functions directly: an import is an address and a context,
//! and no code is made for it.
//!
//! ```
//! use multi_out::{Out, Results, Vmctx};
//! use multi_out_wasm::{Error, Instance, Linker, Module, Store};
//!
//! #[derive(Results, Debug, PartialEq)]
//! #[repr(C)]
//! struct A(i32, i32);
//!
//! extern "C" fn foo(out: Out<'_, A>, calls: &mut u32) {
//!     *calls += 1;
//!     out.write(A(1, 2));
//! }
//!
//! let module = r#"(module (import "" "" (func (result i32 i32))) (export "f" (func 0)))"#;
//! let module = Module::from_text(module)?;
//! let mut store = Store::new()?;
//! let calls = store.context(0);
//! let mut linker = Linker::new();
//! linker.safe_function::<fn(Vmctx<u32>) -> A, _>(["", ""], foo, &calls);
//! let instance = Instance::new(&mut store, &module, &linker)?;
//! let f = instance.typed::<fn() -> A>(&store, "f")?;
//! assert_eq!(f.call(&mut store)?, A(1, 2));
//! assert_eq!(*store.get(&calls)?, 1);
//! # Ok::<(), Error>(())
//! ```
//!
//! The way through the files: `module` parses and validates, `translate` makes CLIF, `compile` code. `vmcontext` is what code
//! finds behind its context; an `instance` fills that in with what a `linker` offers. `function` and `dynamic` call functions,
//! and `traps` is how calls fail.

mod adapter;
mod builtins;
mod compile;
mod dynamic;
mod error;
mod externs;
mod function;
mod instance;
mod instance_data;
mod linker;
mod memory;
mod module;
mod parts;
mod stack;
mod store;
mod translate;
mod traps;
mod types;
mod vmcontext;

pub use compile::{Item, Module};
pub use dynamic::Value;
pub use error::{Error, Trap};
pub use externs::{Extern, Global, Memory, Table};
pub use function::{Export, Func, TypedFunc};
pub use instance::Instance;
pub use linker::{HostFunction, Linker};
pub use memory::PAGE;
pub use store::{Context, Store};
pub use traps::fail;
pub use types::{FuncType, ValType};
pub use vmcontext::VmContext;
