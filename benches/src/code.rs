//! Code: bytes and instructions of callers and callees on every target, and frames.

use crate::clif::{self, Style};
use crate::native::{compile, isa, parse};
use crate::peers::{Peer, Side};
use crate::shapes::{COUNTS, Lane, Pattern, Shape};
use crate::{c, peers};
use anyhow::{Context, Result, anyhow, ensure};
use cranelift_codegen::isa::TargetIsa;
use object::{Object, ObjectSection, ObjectSymbol};
use oracles::toolchain::CTarget;
use oracles::workshop::Workshop;
use std::fs;
use target_lexicon::Architecture;

/// Who is compared.
pub const PEERS: [Peer; 4] = [Peer::MultiOut, Peer::Explicit, Peer::Gcc, Peer::Clang];

/// The code of one function.
#[derive(Clone, Debug)]
pub struct Code {
    /// Its size.
    pub bytes: usize,
    /// The number of its instructions.
    pub instructions: usize,
    /// One instruction a line.
    pub text: String,
}

/// One function for which all peers have code.
#[derive(Clone, Debug)]
pub struct CodeCase {
    /// For this target.
    pub target: CTarget,
    /// Caller with one call, or callee.
    pub side: Side,
    /// Of this shape.
    pub shape: Shape,
    /// In the order of [`PEERS`]; or why there is none.
    pub peers: Vec<Result<Code, String>>,
}

/// Compiles every case.
///
/// # Errors
///
/// If a compiler that is there refuses the code.
pub fn code_cases() -> Result<Vec<CodeCase>> {
    let mut cases = Vec::new();
    for target in CTarget::ALL {
        for side in [Side::Caller, Side::Callee] {
            for shape in Shape::all() {
                let peers = PEERS.map(|peer| code(peer, target, side, shape, None));
                let peers = peers.into_iter().collect::<Result<_>>()?;
                cases.push(CodeCase {
                    target,
                    side,
                    shape,
                    peers,
                });
            }
        }
    }
    Ok(cases)
}

/// The code of a peer, or why there is none. The caller is the measured loop if there is a pattern, otherwise a single call.
///
/// # Errors
///
/// If a compiler that is there refuses the code.
pub fn code(
    peer: Peer,
    target: CTarget,
    side: Side,
    shape: Shape,
    pattern: Option<Pattern>,
) -> Result<Result<Code, String>> {
    if matches!(peer, Peer::WasmtimeWrap | Peer::WasmtimeNew) {
        return Ok(Err("Wasmtime's code is not looked at".into()));
    }
    let isa = isa(target)?;
    let Some(compiler) = peers::c::compiler(peer) else {
        let style = peers::cranelift::style(peer);
        let text = match (side, pattern) {
            (Side::Caller, None) => clif::caller(style, &[shape], target),
            (Side::Caller, Some(pattern)) => clif::caller_loop(style, shape, pattern, target),
            (Side::Callee, _) => clif::callee(style, shape, target),
        };
        return Ok(Ok(cranelift(&*isa, &text)?));
    };
    if let Err(missing) = target.check_tools(compiler) {
        return Ok(Err(missing));
    }
    let (name, function) = match (side, pattern) {
        (Side::Caller, None) => ("caller", c::caller(shape)),
        (Side::Caller, Some(pattern)) => ("caller", c::caller_loop(shape, pattern)),
        (Side::Callee, _) => ("callee", c::callee(shape)),
    };
    let source = c::declarations(shape) + &function;
    let workshop = Workshop::new()?;
    let object = peers::c::compile(&workshop, (target, compiler), side, &source, "bench.o")?;
    let object = fs::read(object)?;
    let object = object::File::parse(&*object)?;
    let symbol = object
        .symbols()
        .find(|symbol| symbol.name() == Ok(name))
        .with_context(|| format!("no symbol {name}"))?;
    let section = symbol.section_index().context("a symbol without section")?;
    let section = object.section_by_index(section)?;
    let bytes = section
        .data_range(symbol.address(), symbol.size())?
        .context("a function without code")?;
    Ok(Ok(read(&*isa, bytes)?))
}

/// A function of which the convention's code is shown beside a peer's.
#[derive(Clone, Copy, Debug)]
pub struct Exhibit {
    /// Whose code is beside it.
    pub peer: Peer,
    /// For this target.
    pub target: CTarget,
    /// Caller or callee.
    pub side: Side,
    /// Of this shape.
    pub shape: Shape,
    /// The measured loop, as in [`code`].
    pub pattern: Option<Pattern>,
}

impl Exhibit {
    /// Lines of an exhibit, those after which it is cut off.
    const LINES: usize = 40;

    /// In words.
    pub fn title(&self) -> String {
        let pattern = self.pattern.map_or("", Pattern::name);
        let title = format!("{} {} {pattern}", self.side.name(), self.shape);
        format!("{}, {}", title.trim_end(), self.target)
    }

    /// Both codes side by side, or why there is only one.
    ///
    /// # Errors
    ///
    /// As [`code`].
    pub fn text(&self) -> Result<Result<String, String>> {
        let of = |peer| code(peer, self.target, self.side, self.shape, self.pattern);
        let (ours, theirs) = match (of(Peer::MultiOut)?, of(self.peer)?) {
            (Ok(ours), Ok(theirs)) => (ours, theirs),
            (Err(reason), _) | (_, Err(reason)) => return Ok(Err(reason)),
        };
        let column = |peer: Peer, code: &Code| {
            let head = format!(
                "{peer}: {} bytes, {} instructions",
                code.bytes, code.instructions
            );
            let mut lines = vec![head];
            lines.extend(code.text.lines().take(Self::LINES).map(str::to_owned));
            if code.instructions > Self::LINES {
                lines.push(format!("… {} more", code.instructions - Self::LINES));
            }
            lines
        };
        Ok(Ok(side_by_side(
            &column(Peer::MultiOut, &ours),
            &column(self.peer, &theirs),
        )))
    }
}

fn side_by_side(left: &[String], right: &[String]) -> String {
    let width = left.iter().map(|line| line.chars().count()).max();
    let width = width.unwrap_or(0);
    let line = |lines: &[String], index: usize| lines.get(index).cloned().unwrap_or_default();
    let rows = (0..left.len().max(right.len())).map(|index| {
        let row = format!("{:width$}  {}", line(left, index), line(right, index));
        row.trim_end().to_owned() + "\n"
    });
    rows.collect()
}

/// The code of the shim that stock Cranelift's `convention` needs in front of a C function.
///
/// # Errors
///
/// If Cranelift refuses it.
pub fn shim(convention: &'static str, target: CTarget, shape: Shape) -> Result<Code> {
    let address = 0x7fff_1234_5678;
    cranelift(
        &*isa(target)?,
        &clif::shim(convention, shape, address, target),
    )
}

fn cranelift(isa: &dyn TargetIsa, text: &str) -> Result<Code> {
    read(isa, compile(isa, parse(text)?)?.code_buffer())
}

fn read(isa: &dyn TargetIsa, bytes: &[u8]) -> Result<Code> {
    let mut capstone = isa.to_capstone().map_err(|error| anyhow!("{error}"))?;
    // It would skip two bytes, and take the rest of an instruction for others.
    capstone
        .set_skipdata(false)
        .map_err(|error| anyhow!("{error}"))?;
    let mut code = Code {
        bytes: bytes.len(),
        instructions: 0,
        text: String::new(),
    };
    let mut at = 0;
    while at < bytes.len() {
        let found = capstone
            .disasm_count(&bytes[at..], at as u64, 1)
            .map_err(|error| anyhow!("{error}"))?;
        let (length, line) = match found.first() {
            Some(instruction) => {
                let mnemonic = instruction.mnemonic().unwrap_or_default();
                let operands = instruction.op_str().unwrap_or_default();
                (instruction.len(), format!("{mnemonic} {operands}"))
            }
            None => {
                let length = unknown_length(isa, bytes[at])?;
                let end = bytes.len().min(at + length);
                (length, format!(".insn {:02x?}", &bytes[at..end]))
            }
        };
        at += length;
        code.instructions += 1;
        code.text += &(line.trim_end().to_owned() + "\n");
    }
    ensure!(at == bytes.len(), "an instruction is cut off");
    Ok(code)
}

/// The length of an instruction that the disassembler does not know, by its first byte: s390x's vector instructions.
fn unknown_length(isa: &dyn TargetIsa, first: u8) -> Result<usize> {
    ensure!(
        isa.triple().architecture == Architecture::S390x,
        "the disassembler does not know an instruction that begins with {first:#x}"
    );
    Ok([2, 4, 4, 6][usize::from(first >> 6)])
}

/// Frames of callers of `system_v_multi_out` functions, in bytes from stack pointer to frame pointer. They use one result of each
/// call, so that what differs is areas, not registers that are saved.
#[derive(Clone, Copy, Debug)]
pub struct FrameCase {
    /// On this target.
    pub target: CTarget,
    /// With 100 calls, of 2, 4, 8 and 16 results in turn.
    pub many: u32,
    /// With 100 calls, each of 2 results.
    pub small: u32,
    /// With one call, of 16 results. Fewer registers may live across it.
    pub one: u32,
}

impl FrameCase {
    /// How much larger the area of 16 results is than that of 2: what the frame with 100 mixed calls may have more than that with as
    /// many of 2, if all calls share one area, as large as the largest.
    pub const LARGEST: u32 = (16 - 2) * Lane::I64.bytes() as u32;

    /// How much more it has.
    pub fn more(&self) -> u32 {
        self.many.saturating_sub(self.small)
    }
}

/// The shapes of a function with many calls.
pub fn mixed_shapes(calls: usize) -> Vec<Shape> {
    let counts = COUNTS.into_iter().filter(|&count| count <= 16);
    let lane = Lane::I64;
    let shapes = counts.map(|count| Shape { lane, count });
    shapes.cycle().take(calls).collect()
}

/// Compiles callers with many calls for all targets.
///
/// # Errors
///
/// If Cranelift refuses them.
pub fn frame_cases() -> Result<Vec<FrameCase>> {
    let frame = |target, shapes: &[Shape]| -> Result<u32> {
        let text = clif::caller_using(Style::MultiOut, shapes, target, 1);
        let code = compile(&*isa(target)?, parse(&text)?)?;
        let layout = code.buffer.frame_layout().context("a code without frame")?;
        Ok(layout.frame_to_fp_offset)
    };
    let shapes = mixed_shapes(100);
    let cases = CTarget::ALL.into_iter().map(|target| {
        Ok(FrameCase {
            target,
            many: frame(target, &shapes)?,
            small: frame(target, &[shapes[0]; 100])?,
            one: frame(target, &shapes[3..4])?,
        })
    });
    cases.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_instruction_is_one() {
        // vlvgp %v0, %r3, %r1; vst %v0, 0(%r2), 3; br %r14
        let bytes = [
            0xe7, 0x03, 0x10, 0, 0, 0x62, 0xe7, 0, 0x20, 0, 0x30, 0x0e, 0x07, 0xfe,
        ];
        let read = |bytes| read(&*isa(CTarget::S390x).unwrap(), bytes);
        assert_eq!(read(&bytes).unwrap().instructions, 3);
        assert!(read(&bytes[..10]).is_err());
    }

    #[test]
    fn columns_have_no_trailing_blanks() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let text = side_by_side(&lines("push\nret"), &lines("call\nret\nnop"));
        assert_eq!(text, "push  call\nret   ret\n      nop\n");
        assert_eq!(side_by_side(&lines("a\nb"), &[]), "a\nb\n");
    }
}
