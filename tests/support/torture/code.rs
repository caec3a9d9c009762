//! What each instruction touches: decoded once, and where it was seen to touch a region.

use std::collections::{BTreeMap, HashMap};

use iced_x86::{
    Decoder, DecoderOptions, Instruction, InstructionInfoFactory, OpAccess, Register, UsedMemory,
};

use super::shape::WORDS;

/// The longest instruction.
const LONGEST: usize = 15;

/// One access to the region, about to happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Touch {
    pub(super) at: u64,
    /// First byte, from the region's start on.
    pub(super) from: usize,
    pub(super) bytes: usize,
    pub(super) writes: bool,
    /// Bytes that a repeated instruction is still to touch, and what follows it.
    pub(super) repeated: Option<(usize, u64)>,
}

#[derive(Debug)]
struct Decoded {
    memory: Vec<UsedMemory>,
    repeated: bool,
    /// Where the next instruction is.
    end: u64,
}

/// How often an instruction was where it matters.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// Changed the region.
    pub(super) stores: u64,
    /// Only read it.
    pub(super) loads: u64,
    /// A kill was judged behind it.
    pub(super) kills: u64,
    /// A process stood before it while others worked.
    pub(super) stops: u64,
}

/// All instructions met.
#[derive(Debug, Default)]
pub(super) struct Code {
    decoded: HashMap<u64, Option<Decoded>>,
    factory: Option<InstructionInfoFactory>,
    pub(super) seen: BTreeMap<u64, Seen>,
}

impl Code {
    /// Where instructions were seen to change a region.
    pub(super) fn stores(&self) -> Vec<u64> {
        self.seen.iter().filter(|(_, seen)| seen.stores > 0).map(|(at, _)| *at).collect()
    }

    /// Where instructions were seen to touch a region.
    pub(super) fn touches(&self) -> Vec<u64> {
        self.seen.keys().copied().collect()
    }

    pub(super) fn touches_memory(&mut self, at: u64) -> bool {
        let factory = &mut self.factory;
        self.decoded
            .entry(at)
            .or_insert_with(|| decode(factory.get_or_insert_with(InstructionInfoFactory::new), at))
            .is_some()
    }

    pub(super) fn touch(
        &self,
        at: u64,
        registers: &libc::user_regs_struct,
        start: u64,
    ) -> Option<Touch> {
        let decoded = self.decoded.get(&at)?.as_ref()?;
        if decoded.repeated && registers.rcx == 0 {
            return None;
        }
        let hits = decoded.memory.iter().filter_map(|memory| {
            let address =
                memory.virtual_address(0, |register, _, _| value_of(registers, register))?;
            let from = usize::try_from(address.checked_sub(start)?).ok()?;
            (from < WORDS * 8).then(|| Touch {
                at,
                from,
                bytes: memory.memory_size().size().max(1).min(WORDS * 8 - from),
                writes: !matches!(memory.access(), OpAccess::Read | OpAccess::CondRead),
                repeated: decoded
                    .repeated
                    .then(|| ((registers.rcx as usize).min(WORDS * 8 - from), decoded.end)),
            })
        });
        hits.max_by_key(|touch| touch.writes)
    }
}

fn decode(factory: &mut InstructionInfoFactory, at: u64) -> Option<Decoded> {
    // SAFETY: parent and child run the same code at the same addresses, and text is followed by readable pages of the
    // same mapping; the address is one that the child executes.
    let bytes = unsafe { std::slice::from_raw_parts(at as *const u8, LONGEST) };
    let instruction: Instruction = Decoder::with_ip(64, bytes, at, DecoderOptions::NONE).decode();
    let info = factory.info(&instruction);
    let used = |memory: &&UsedMemory| {
        !matches!(memory.access(), OpAccess::None | OpAccess::NoMemAccess)
            && memory.base() != Register::RSP
    };
    let memory: Vec<_> = info.used_memory().iter().filter(used).copied().collect();
    let repeated = instruction.has_rep_prefix() || instruction.has_repne_prefix();
    (!memory.is_empty()).then_some(Decoded { memory, repeated, end: instruction.next_ip() })
}

fn value_of(registers: &libc::user_regs_struct, register: Register) -> Option<u64> {
    let whole = match register.full_register() {
        Register::RAX => registers.rax,
        Register::RBX => registers.rbx,
        Register::RCX => registers.rcx,
        Register::RDX => registers.rdx,
        Register::RSI => registers.rsi,
        Register::RDI => registers.rdi,
        Register::RBP => registers.rbp,
        Register::RSP => registers.rsp,
        Register::R8 => registers.r8,
        Register::R9 => registers.r9,
        Register::R10 => registers.r10,
        Register::R11 => registers.r11,
        Register::R12 => registers.r12,
        Register::R13 => registers.r13,
        Register::R14 => registers.r14,
        Register::R15 => registers.r15,
        Register::FS => registers.fs_base,
        Register::GS => registers.gs_base,
        Register::ES | Register::CS | Register::SS | Register::DS => 0,
        _ => return None,
    };
    Some(match register.size() {
        4 => whole & 0xffff_ffff,
        _ => whole,
    })
}
