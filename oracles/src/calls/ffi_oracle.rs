//! libffi calls compiled functions, and is called by them, for any shape that it knows.
//!
//! libffi knows C's calling convention at run time, so there is no compiler in the loop, and a new
//! shape costs no more than compiling it:
//!
//! ```text
//!   ffi_call -> produce                     the callee
//!   consume -> closure                      the caller
//!   ffi_call -> relay -> closure            both
//!   consume -> closure that returns a struct by value (x86-64, areas that C returns in memory)
//! ```
//!
//! Parameters are signed and unsigned integers up to 64 bits, `f32`, `f64` and pointers. libffi has no `i128`, and a
//! struct of two `u64` is no substitute: C aligns an `i128` on the stack to 16 bytes (on aarch64 in
//! registers, too), such a struct to 8. The C compilers are the judge of these. Several results may
//! have any type, as libffi sees no more of them than the pointer; the fields of those that it knows
//! lie where it says.

use crate::calls::config::Config;
use crate::calls::define::Defined;
use crate::calls::functions::{Callee, consume, produce, relay};
use crate::calls::graffiti;
use crate::calls::guard::{Guarded, Place};
use crate::calls::host::scrub_arguments;
use crate::calls::jit::Jit;
use crate::calls::shape::Shape;
use crate::calls::vmctx::{MAX_RESULTS, Slot, VmContext};
use crate::toolchain::CTarget;
use anyhow::{Context, Result, bail, ensure};
use cranelift_codegen::ir::{Type, types::*};
use cranelift_codegen::isa::CallConv;
use cranelift_codegen::isa::multi_out::{OutArea, compute_out_area};
use libffi::low::{CodePtr, ffi_abi_FFI_DEFAULT_ABI, ffi_cif};
use libffi::middle;
use std::ffi::c_void;
use std::ptr;

/// The types of parameters, and of a single result.
pub const SCALARS: [Type; 6] = [I8, I16, I32, I64, F32, F64];

/// The types of several results.
#[rustfmt::skip]
pub const FIELDS: [Type; 12] = [I8, I16, I32, I64, F32, F64, I128, I8X16, F64X2, F128, I8X8, F16];

/// A shape, compiled.
struct Case<'a> {
    shape: &'a Shape,
    area: OutArea,
    produce: Defined,
    relay: Defined,
    consume: Defined,
}

/// Check these shapes in all directions; answers how many calls through libffi that took.
///
/// # Errors
///
/// If the two disagree, or if a shape has types that are not in [`SCALARS`] and [`FIELDS`].
pub fn check(shapes: &[Shape], config: Config) -> Result<usize> {
    check_pairs(shapes.iter().map(|shape| (shape, shape)), config)
}

/// Compile one shape and tell libffi another, for a test of this oracle.
///
/// # Errors
///
/// There should be one.
pub fn check_mismatch(compiled: &Shape, told: &Shape, config: Config) -> Result<usize> {
    check_pairs([(compiled, told)], config)
}

fn check_pairs<'a>(
    pairs: impl IntoIterator<Item = (&'a Shape, &'a Shape)>,
    config: Config,
) -> Result<usize> {
    let target = CTarget::host().context("no target is this machine")?;
    let mut jit = Jit::new(config, &[])?;
    let mut cases = Vec::new();
    for (index, (compiled, shape)) in pairs.into_iter().enumerate() {
        let module = jit.module();
        let name = |what| format!("{what}_{index}");
        cases.push(Case {
            shape,
            area: compute_out_area(&shape.results, target.out_target())?,
            produce: produce(module, &name("produce"), compiled)?,
            relay: relay(module, &name("relay"), compiled, Callee::Pointer)?,
            consume: consume(module, &name("consume"), compiled, Callee::Pointer)?,
        });
    }
    jit.finalize()?;
    let mut memory = Guarded::new(MAX_RESULTS * size_of::<Slot>())?;
    let mut calls = 0;
    for case in &cases {
        calls += case.check(&jit, &mut memory).with_context(|| {
            let signature = case.shape.signature();
            format!("{signature} with {config}")
        })?;
    }
    Ok(calls)
}

impl Case<'_> {
    fn check(&self, jit: &Jit, memory: &mut Guarded) -> Result<usize> {
        self.check_layout()?;
        let closure = middle::Closure::new(self.cif()?, answer, self);
        let closure_code = *closure.code_ptr() as *const u8;
        let mut calls = 0;
        for place in [Place::Start, Place::End] {
            for callee in [&self.produce, &self.relay] {
                // SAFETY: both have the shape, and the closure has, too.
                unsafe { self.check_callee(jit.code(callee), closure_code, place, memory)? };
                calls += 1;
            }
        }
        // SAFETY: as above.
        unsafe { self.check_caller(jit, closure_code)? };
        calls += 1;
        if let Some(by_value) = self.struct_by_value()? {
            let closure = middle::Closure::new(by_value, answer_by_value, self);
            // SAFETY: a struct that C returns in memory is this convention on x86-64.
            unsafe { self.check_caller(jit, *closure.code_ptr() as *const u8)? };
            calls += 1;
        }
        Ok(calls)
    }

    /// What libffi calls the base convention.
    fn abi(&self) -> Result<middle::FfiAbi> {
        match self.shape.convention {
            CallConv::SystemVMultiOut => Ok(ffi_abi_FFI_DEFAULT_ABI),
            #[cfg(target_arch = "x86_64")]
            CallConv::WindowsFastcallMultiOut => Ok(libffi::raw::ffi_abi_FFI_WIN64),
            other => bail!("libffi has no `{other}` here"),
        }
    }

    /// The function in C.
    fn cif(&self) -> Result<middle::Cif> {
        let result = match self.shape.results[..] {
            [single] => ffi_type(single, self.shape.is_unsigned(Shape::RESULT))?,
            _ => middle::Type::void(),
        };
        let out = self.has_area().then(middle::Type::pointer);
        Ok(middle::Cif::new_with_abi(
            self.params(out)?,
            result,
            self.abi()?,
        ))
    }

    /// The function that returns a struct in memory, where that is the same.
    fn struct_by_value(&self) -> Result<Option<middle::Cif>> {
        let is_same = match self.shape.convention {
            CallConv::WindowsFastcallMultiOut => !matches!(self.area.size, 1 | 2 | 4 | 8),
            _ => CTarget::host() == Some(CTarget::X86_64) && self.area.size > 16,
        };
        if !is_same || !self.has_area() {
            return Ok(None);
        }
        let Some(result) = self.ffi_struct()? else {
            return Ok(None);
        };
        let params = self.params(None)?;
        Ok(Some(middle::Cif::new_with_abi(params, result, self.abi()?)))
    }

    fn params(&self, out: Option<middle::Type>) -> Result<Vec<middle::Type>> {
        let mut params: Vec<middle::Type> = out.into_iter().collect();
        params.push(middle::Type::pointer());
        for (bit, &ty) in (0..).zip(&self.shape.params) {
            params.push(ffi_type(ty, self.shape.is_unsigned(bit))?);
        }
        Ok(params)
    }

    fn has_area(&self) -> bool {
        self.shape.results.len() > 1
    }

    fn ffi_struct(&self) -> Result<Option<middle::Type>> {
        let is_known = self.shape.results.iter().all(|ty| SCALARS.contains(ty));
        let fields = self.shape.results.iter();
        let fields: Result<Vec<_>> = fields.map(|&ty| ffi_type(ty, false)).collect();
        is_known
            .then(|| Ok(middle::Type::structure(fields?)))
            .transpose()
    }

    /// libffi lays the struct out as `compute_out_area` does.
    fn check_layout(&self) -> Result<()> {
        if !self.has_area() {
            return Ok(());
        }
        let Some(mut ffi_struct) = self.ffi_struct()? else {
            return Ok(());
        };
        let Ok(offsets) = ffi_struct.struct_offsets(ffi_abi_FFI_DEFAULT_ABI) else {
            bail!("libffi has no offsets");
        };
        let ours = self.area.fields.iter().map(|field| field.offset as usize);
        assert_eq!(ours.collect::<Vec<_>>(), offsets);
        // SAFETY: a type of libffi's, alive and laid out by the call above.
        let ffi_type = unsafe { &*ffi_struct.as_raw_ptr() };
        let ours = (self.area.size as usize, self.area.align as usize);
        assert_eq!(ours, (ffi_type.size, usize::from(ffi_type.alignment)));
        Ok(())
    }

    /// libffi calls compiled code: arguments arrive, every field is written, and no other byte.
    ///
    /// # Safety
    ///
    /// Both functions must have the shape.
    unsafe fn check_callee(
        &self,
        code: *const u8,
        closure: *const u8,
        place: Place,
        memory: &mut Guarded,
    ) -> Result<()> {
        memory.fill();
        let range = memory.range(place, self.area.size as usize);
        let out = memory.place::<u8>(Place::Start).wrapping_add(range.start);
        let mut vmctx = VmContext::new();
        vmctx.callee = closure;
        let vmctx_pointer: *mut VmContext = &mut *vmctx;
        let args = vmctx.args;
        let mut arguments = Vec::new();
        if self.has_area() {
            arguments.push(middle::arg(&out));
        }
        arguments.push(middle::arg(&vmctx_pointer));
        arguments.extend(args[..self.shape.params.len()].iter().map(middle::arg));
        let mut result = [graffiti::UNTOUCHED; 16];
        scrub_arguments();
        // SAFETY: the caller vouches for the code. libffi stores at most 8 bytes for a scalar.
        unsafe {
            self.cif()?.call_return_into(
                CodePtr::from_ptr(code.cast()),
                &arguments,
                middle::ret(&mut result),
            );
        }
        self.check_vmctx(&vmctx)?;

        let mut want = vec![graffiti::UNTOUCHED; memory.bytes().len()];
        if self.has_area() {
            let area = &mut want[range];
            for (field, slot) in self.area.fields.iter().zip(&vmctx.results) {
                let (offset, size) = (field.offset as usize, field.ty.bytes() as usize);
                area[offset..offset + size].copy_from_slice(&slot[..size]);
            }
        } else if let [single] = self.shape.results[..] {
            check_slot("result", 0, single, &result, &vmctx.results[0])?;
        }
        let wrong = memory.bytes().iter().zip(&want).position(|(a, b)| a != b);
        if let Some(byte) = wrong {
            bail!(
                "at {place:?}: byte {byte} is {:02x}, not {:02x}",
                memory.bytes()[byte],
                want[byte]
            );
        }
        Ok(())
    }

    /// Compiled code calls libffi: arguments arrive, and so does every result.
    ///
    /// # Safety
    ///
    /// The closure must have the shape.
    unsafe fn check_caller(&self, jit: &Jit, closure: *const u8) -> Result<()> {
        let mut vmctx = VmContext::new();
        vmctx.callee = closure;
        // SAFETY: the type of `consume`'s functions.
        let consume: unsafe extern "C" fn(&mut VmContext) =
            unsafe { std::mem::transmute(jit.code(&self.consume)) };
        scrub_arguments();
        // SAFETY: the caller vouches for the closure.
        unsafe { consume(&mut vmctx) };
        self.check_vmctx(&vmctx)?;
        for (index, &ty) in self.shape.results.iter().enumerate() {
            let (got, want) = (&vmctx.got[index], &vmctx.results[index]);
            check_slot("result", index, ty, got, want)?;
        }
        Ok(())
    }

    fn check_vmctx(&self, vmctx: &VmContext) -> Result<()> {
        ensure!(vmctx.calls == 1, "{} calls", vmctx.calls);
        for (index, &ty) in self.shape.params.iter().enumerate() {
            let (got, want) = (&vmctx.seen[index], &vmctx.args[index]);
            check_slot("argument", index, ty, got, want)?;
        }
        Ok(())
    }

    /// Count the call, and leave the arguments in `seen`.
    ///
    /// # Safety
    ///
    /// `args` must point to the addresses of `vmctx` and the shape's arguments, which are C's.
    unsafe fn see(&self, args: *const *const c_void) -> *mut VmContext {
        // SAFETY: the caller vouches for the arguments, and compiled code for the context.
        unsafe {
            let vmctx: *mut VmContext = (*args).cast::<*mut VmContext>().read();
            (*vmctx).calls += 1;
            for (index, ty) in self.shape.params.iter().enumerate() {
                let from = (*args.add(1 + index)).cast::<u8>();
                let to = (&raw mut (*vmctx).seen[index]).cast::<u8>();
                ptr::copy_nonoverlapping(from, to, ty.bytes() as usize);
            }
            vmctx
        }
    }

    /// Fill an area with garbage, and its fields with the results.
    ///
    /// # Safety
    ///
    /// `out` must be an area of the shape, and `vmctx` a context.
    unsafe fn fill(&self, out: *mut u8, vmctx: *const VmContext) {
        // SAFETY: the caller vouches for both.
        unsafe {
            ptr::write_bytes(out, graffiti::GARBAGE, self.area.size as usize);
            for (index, field) in self.area.fields.iter().enumerate() {
                let from = (&raw const (*vmctx).results[index]).cast::<u8>();
                let to = out.add(field.offset as usize);
                ptr::copy_nonoverlapping(from, to, field.ty.bytes() as usize);
            }
        }
    }
}

/// The callee on libffi's side.
unsafe extern "C" fn answer(
    _: &ffi_cif,
    result: &mut u8,
    args: *const *const c_void,
    case: &Case<'_>,
) {
    // SAFETY: libffi passes the arguments of `Case::cif` and room for a result of 8 bytes, of which
    // it wants all for a small integer.
    unsafe {
        if case.has_area() {
            let vmctx = case.see(args.add(1));
            let out = (*args).cast::<*mut u8>().read();
            // The caller sees no results if this does not hold.
            if out.addr().is_multiple_of(case.area.align as usize) {
                case.fill(out, vmctx);
            }
        } else {
            let vmctx = case.see(args);
            if let [single] = case.shape.results[..] {
                let slot = &(*vmctx).results[0];
                let result = &raw mut *result;
                if single.is_int() {
                    let word = i64::from_ne_bytes(std::array::from_fn(|byte| slot[byte]));
                    let unused = 64 - single.bits();
                    let word = match case.shape.is_unsigned(Shape::RESULT) {
                        true => ((word as u64) << unused >> unused) as i64,
                        false => word << unused >> unused,
                    };
                    result.cast::<i64>().write_unaligned(word);
                } else {
                    ptr::copy_nonoverlapping(slot.as_ptr(), result, single.bytes() as usize);
                }
            }
        }
    }
}

/// The same, returning a struct by value.
unsafe extern "C" fn answer_by_value(
    _: &ffi_cif,
    result: &mut u8,
    args: *const *const c_void,
    case: &Case<'_>,
) {
    // SAFETY: libffi passes the arguments of `Case::struct_by_value` and room for the struct.
    unsafe {
        let vmctx = case.see(args);
        case.fill(result, vmctx);
    }
}

fn ffi_type(ty: Type, is_unsigned: bool) -> Result<middle::Type> {
    Ok(match ty {
        I8 if is_unsigned => middle::Type::u8(),
        I16 if is_unsigned => middle::Type::u16(),
        I32 if is_unsigned => middle::Type::u32(),
        I64 if is_unsigned => middle::Type::u64(),
        I8 => middle::Type::i8(),
        I16 => middle::Type::i16(),
        I32 => middle::Type::i32(),
        I64 => middle::Type::i64(),
        F32 => middle::Type::f32(),
        F64 => middle::Type::f64(),
        _ => bail!("libffi does not know {ty}"),
    })
}

fn check_slot(what: &str, index: usize, ty: Type, got: &Slot, want: &Slot) -> Result<()> {
    let size = ty.bytes() as usize;
    let (got, want) = (&got[..size], &want[..size]);
    ensure!(got == want, "{what} {index} is {got:02x?}, not {want:02x?}");
    Ok(())
}
