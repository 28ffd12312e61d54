//! Functions in Rust that compiled code calls for what is too long to be written out.
//!
//! They are C functions with the context first, declared with `multi-out`. A trap unwinds through their callers.

use crate::error::{Error, Trap};
use crate::instance_data::InstanceData;
use crate::traps::throw;
use crate::vmcontext::VmContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::FuncId;
use multi_out::{Callable, Imports, Vmctx};

macro_rules! builtins {
    ($($variant:ident $function:ident: $ty:ty;)*) => {
        /// Which function.
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum Builtin { $($variant),* }

        /// Makes them known to a module that is to be built.
        pub(crate) fn add_to(builder: &mut JITBuilder) -> Result<(), Error> {
            let mut imports = Imports::new();
            $(imports.unwind_function::<$ty>(stringify!($function), $function);)*
            Ok(imports.add_to(builder)?)
        }

        impl BuiltinIds {
            /// Declares them.
            pub(crate) fn new(module: &mut JITModule) -> Result<Self, Error> {
                let mut imports = Imports::new();
                Ok(Self(vec![$({
                    let import = imports.unwind_function::<$ty>(stringify!($function), $function);
                    import.function(module)?.id()
                }),*]))
            }
        }
    };
}

/// The functions as a module has declared them.
pub(crate) struct BuiltinIds(Vec<FuncId>);

impl BuiltinIds {
    pub(crate) fn get(&self, builtin: Builtin) -> FuncId {
        self.0[builtin as usize]
    }
}

type Context = Vmctx<VmContext>;

builtins! {
    Trap trap: fn(i32);
    MemoryGrow memory_grow: fn(Context, u32) -> i32;
    MemoryFill memory_fill: fn(Context, u32, u32, u32);
    MemoryCopy memory_copy: fn(Context, u32, u32, u32);
    MemoryInit memory_init: fn(Context, u32, u32, u32, u32);
    DataDrop data_drop: fn(Context, u32);
    TableGrow table_grow: fn(Context, u32, u64, u32) -> i32;
    TableFill table_fill: fn(Context, u32, u32, u64, u32);
    TableCopy table_copy: fn(Context, u32, u32, u32, u32, u32);
    TableInit table_init: fn(Context, u32, u32, u32, u32, u32);
    ElemDrop elem_drop: fn(Context, u32);
}

/// # Safety
///
/// The context is that of a living instance.
unsafe fn instance<'a>(context: *mut VmContext) -> &'a InstanceData {
    // SAFETY: the caller vouches for it, and `InstanceData::write_context` stores its own address.
    unsafe { &*(*context).instance.cast::<InstanceData>() }
}

fn or_throw<T>(result: Result<T, Trap>) -> T {
    result.unwrap_or_else(|trap| throw(trap))
}

/// What an instruction has for a failure.
fn or_minus_one(old: Option<u64>) -> i32 {
    old.map_or(-1, |old| old as u32 as i32)
}

extern "C-unwind" fn trap(code: i32) {
    throw(Trap::from_code(code))
}

macro_rules! functions {
    ($($name:ident($instance:ident $(, $arg:ident: $ty:ty)*) $(-> $result:ty)? $body:block)*) => {$(
        /// # Safety
        ///
        /// Called by compiled code, with its own context.
        unsafe extern "C-unwind" fn $name(context: *mut VmContext $(, $arg: $ty)*) $(-> $result)? {
            // SAFETY: the context of the instance whose code runs.
            let $instance = unsafe { instance(context) };
            $body
        }
    )*};
}

functions! {
    memory_grow(instance, pages: u32) -> i32 {
        or_minus_one(instance.memories[0].grow(pages.into()))
    }
    memory_fill(instance, at: u32, value: u32, length: u32) {
        or_throw(instance.memories[0].fill(at, value as u8, length));
    }
    memory_copy(instance, to: u32, from: u32, length: u32) {
        or_throw(instance.memories[0].copy(to, from, length));
    }
    memory_init(instance, segment: u32, to: u32, from: u32, length: u32) {
        or_throw(instance.memory_init(segment, 0, to, from, length));
    }
    data_drop(instance, segment: u32) {
        instance.drop_data(segment);
    }
    table_grow(instance, table: u32, value: u64, count: u32) -> i32 {
        or_minus_one(instance.tables[table as usize].grow(value, count.into()))
    }
    table_fill(instance, table: u32, at: u32, value: u64, count: u32) {
        or_throw(instance.tables[table as usize].fill(at, value, count));
    }
    table_copy(instance, to_table: u32, from_table: u32, to: u32, from: u32, count: u32) {
        let values = or_throw(instance.tables[from_table as usize].slice(from, count));
        or_throw(instance.tables[to_table as usize].write(to, &values));
    }
    table_init(instance, table: u32, segment: u32, to: u32, from: u32, count: u32) {
        or_throw(instance.table_init(segment, table, to, from, count));
    }
    elem_drop(instance, segment: u32) {
        instance.drop_elements(segment);
    }
}
