//! Declarations for C and Rust of functions that Cranelift compiles, from their signatures in CLIF.
//!
//! A `build.rs` writes a header with it, next to the object file that has the functions. The target there is that of
//! `isa::lookup_by_name` with the environment variable `TARGET`; here it is this machine:
//!
//! ```
//! use cranelift_codegen::ir::{AbiParam, Signature, types};
//! use cranelift_codegen::isa::CallConv;
//! use cranelift_codegen::settings;
//! use multi_out_declare::{Declarations, c};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let isa = cranelift_native::builder()?.finish(settings::Flags::new(settings::builder()))?;
//! let convention = CallConv::triple_multi_out(isa.triple()).ok_or("no C here")?;
//! let mut signature = Signature::new(convention);
//! signature.params = vec![AbiParam::new(types::I32); 2];
//! signature.returns = vec![AbiParam::new(types::I32), AbiParam::new(types::F64)];
//!
//! let mut header = Declarations::<c::Section>::new(&*isa)?;
//! header.function("ratio", &signature)?;
//! let header = header.to_string();
//! assert!(header.contains("struct ratio_out {\n    int32_t r0;\n    double r1;\n};"));
//! assert!(header.contains("void ratio(struct ratio_out *out, int32_t a0, int32_t a1);"));
//! # Ok(())
//! # }
//! ```
//!
//! - [`locate`] asks the backend where parameters and results go, [`text`] shows that;
//! - [`c`] and [`rust`] write declarations, of one target ([`Declarations`]) or of several
//!   ([`Section::file`]).
//!
//! C and Rust can say the signatures of the platform's convention for several results, such as
//! `system_v_multi_out`, on x86-64 everywhere those of `windows_fastcall_multi_out`, and those of the
//! platform's own convention that are the same as C's. [`check_c`] tells which these are. It asks the
//! backend twice: the convention for several results with fewer than two is where C has everything, or
//! refused, so the platform's own agrees with C where it agrees with that.
//!
//! Invariant: no layout is computed here. Offsets, sizes and alignments are cranelift-codegen's,
//! and the declarations assert them to the other compiler.
//!
//! It needs the fork: stock Cranelift does not tell where the values of a signature go.

pub mod c;
mod check;
mod locate;
mod names;
pub mod rust;
mod section;
pub mod text;

pub use check::{CSignature, Refusal, check_c};
pub use locate::{locate, param_names, target_name};
pub use names::Names;
pub use section::{Declarations, Section, declare};

use check::{architecture_of, is_unsigned};
