//! Text of compiled code: VCode and disassembly.

use cranelift_codegen::CompiledCode;
use cranelift_codegen::ir::function::FunctionParameters;
use cranelift_codegen::isa::TargetIsa;
use pulley_interpreter::decode::{Decoder, OpVisitor};
use pulley_interpreter::disas::Disassembler;
use target_lexicon::Architecture;

/// Disassembles compiled code; the error is a sentence.
///
/// `params` are those of the function before it was compiled: they resolve the names in
/// relocations.
pub fn disassemble(
    isa: &dyn TargetIsa,
    params: &FunctionParameters,
    code: &CompiledCode,
) -> Result<String, String> {
    let architecture = isa.triple().architecture;
    match architecture {
        Architecture::Pulley32 | Architecture::Pulley64 => disassemble_pulley(code.code_buffer()),
        _ => {
            let capstone = isa
                .to_capstone()
                .map_err(|error| format!("there is no disassembler for {architecture}: {error}"))?;
            code.disassemble(Some(params), &capstone)
                .map_err(|error| format!("cannot disassemble the code: {error}"))
        }
    }
}

/// One instruction of compiled code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Where it is in the code.
    pub offset: usize,
    /// Its encoding.
    pub bytes: Vec<u8>,
    /// Mnemonic and operands.
    pub text: String,
}

/// The instructions of compiled code one by one; the error is a sentence.
///
/// What the disassembler does not understand, such as constants between the instructions, is
/// shown as `.byte`.
pub fn instructions(isa: &dyn TargetIsa, code: &CompiledCode) -> Result<Vec<Instruction>, String> {
    let architecture = isa.triple().architecture;
    let code = code.code_buffer();
    if matches!(
        architecture,
        Architecture::Pulley32 | Architecture::Pulley64
    ) {
        return pulley_instructions(code);
    }
    let capstone = isa
        .to_capstone()
        .map_err(|error| format!("there is no disassembler for {architecture}: {error}"))?;
    let found = capstone
        .disasm_all(code, 0)
        .map_err(|error| format!("cannot disassemble the code: {error}"))?;
    let list = found.iter().map(|instruction| {
        let mnemonic = instruction.mnemonic().unwrap_or_default();
        let operands = instruction.op_str().unwrap_or_default();
        Instruction {
            offset: instruction.address() as usize,
            bytes: instruction.bytes().to_vec(),
            text: format!("{mnemonic} {operands}").trim_end().to_owned(),
        }
    });
    Ok(list.collect())
}

fn pulley_instructions(code: &[u8]) -> Result<Vec<Instruction>, String> {
    let mut disassembler = Disassembler::new(code);
    disassembler.offsets(false).hexdump(false);
    let mut decoder = Decoder::new();
    let mut list = Vec::new();
    let mut start = 0;
    let mut shown = 0;
    while start < code.len() {
        decoder
            .decode_one(&mut disassembler)
            .map_err(|error| format!("cannot decode the Pulley code: {error}"))?;
        let end = code.len() - disassembler.bytecode().as_slice().len();
        list.push(Instruction {
            offset: start,
            bytes: code[start..end].to_vec(),
            text: disassembler.disas()[shown..].trim_end().to_owned(),
        });
        shown = disassembler.disas().len();
        start = end;
    }
    Ok(list)
}

fn disassemble_pulley(code: &[u8]) -> Result<String, String> {
    let mut disassembler = Disassembler::new(code);
    disassembler.offsets(false).hexdump(false);
    Decoder::decode_all(&mut disassembler)
        .map_err(|error| format!("cannot decode the Pulley code: {error}"))?;
    Ok(disassembler.disas().to_owned())
}
