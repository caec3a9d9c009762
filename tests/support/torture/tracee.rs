//! A child that is stepped: ptrace, one instruction at a time.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use super::act::{self, Act};
use super::arena::Arena;
use super::code::{Code, Touch};

/// Where the instruction pointer is among the registers.
const POINTER: usize =
    std::mem::offset_of!(libc::user, regs) + std::mem::offset_of!(libc::user_regs_struct, rip);

/// How a child came to stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    /// After one instruction.
    Stepped,
    /// Before an instruction that has a breakpoint.
    At(u64),
    /// It stopped itself: ready, or done.
    Signed,
}

/// A traced child on an arena of its own or shared with another. Killed and reaped when dropped.
#[derive(Debug)]
pub(crate) struct Tracee {
    pid: libc::pid_t,
    /// Stops since it was ready: instructions, where it is stepped.
    pub(super) instructions: u64,
    planted: HashSet<u64>,
    /// Its memory; writes to text make a private copy.
    memory: Option<File>,
}

/// The instruction that traps.
const BREAKPOINT: u8 = 0xcc;

/// How a child ends that may not be traced.
const UNTRACEABLE: i32 = 77;

/// Processes may not be traced here.
#[derive(Debug)]
pub(crate) struct Untraceable;

impl Tracee {
    /// Forks a child that waits for acts on the arena.
    pub(super) fn fork(arena: &Arena) -> Result<Self, Untraceable> {
        Self::start(|| act::serve(arena))
    }

    /// Forks a child that stops itself before what is to be stepped, and behind it.
    pub(crate) fn start(
        body: impl FnOnce() -> std::convert::Infallible,
    ) -> Result<Self, Untraceable> {
        // SAFETY: the child allocates and calls the kernel, which a child forked from several threads may with this
        // libc, and never returns from here.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: takes no memory; asks that the parent may trace this process.
            if unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) } != 0 {
                // SAFETY: ends a forked child without the parent's exit handlers.
                unsafe { libc::_exit(UNTRACEABLE) };
            }
            body();
        }
        assert!(pid > 0, "forking: {}", io::Error::last_os_error());
        let mut tracee = Self { pid, instructions: 0, planted: HashSet::new(), memory: None };
        match tracee.wait() {
            Ok(_) => {}
            Err(status) if status == UNTRACEABLE << 8 => return Err(Untraceable),
            Err(status) => panic!("a process ended before it was ready: status {status:#x}"),
        }
        let memory = File::options().write(true).open(format!("/proc/{pid}/mem"));
        tracee.memory = Some(memory.map_err(|_| Untraceable)?);
        let options = libc::PTRACE_O_EXITKILL;
        // SAFETY: sets options of a child that stands still.
        unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, pid, 0, options) };
        Ok(tracee)
    }

    /// Tells the child what to do, and lets it get ready.
    pub(super) fn prepare(&mut self, arena: &Arena, act: &Act) {
        act.write(arena);
        self.go();
        self.instructions = 0;
    }

    /// Goes on until it stops itself.
    pub(super) fn go(&mut self) {
        while self.run() != Halt::Signed {
            if self.step() == Halt::Signed {
                return;
            }
        }
    }

    /// Goes on to the next breakpoint.
    pub(super) fn run(&mut self) -> Halt {
        self.instructions += 1;
        if self.resume(libc::PTRACE_CONT) == Halt::Signed {
            return Halt::Signed;
        }
        let at = self.at() - 1;
        assert!(self.planted.contains(&at), "a trap at {at:#x} that nobody planted");
        // SAFETY: sets a register of a child that stands still.
        unsafe { libc::ptrace(libc::PTRACE_POKEUSER, self.pid, POINTER, at) };
        Halt::At(at)
    }

    /// One instruction.
    pub(crate) fn step(&mut self) -> Halt {
        self.instructions += 1;
        if self.planted.is_empty() {
            return self.resume(libc::PTRACE_SINGLESTEP);
        }
        let at = self.at();
        let planted = self.planted.contains(&at);
        if planted {
            self.poke(at, own_text(at));
        }
        let halt = self.resume(libc::PTRACE_SINGLESTEP);
        if planted {
            self.poke(at, BREAKPOINT);
        }
        halt
    }

    /// Goes on to the begin or the end of a call to the system.
    pub(super) fn call(&mut self) -> Halt {
        self.resume(libc::PTRACE_SYSCALL)
    }

    /// Goes on until it stops itself, without any breakpoint.
    pub(super) fn finish(&mut self) {
        while self.resume(libc::PTRACE_CONT) != Halt::Signed {}
    }

    /// Lets a child that has stopped itself go on to its end; the status that it exits with, if it does.
    pub(super) fn end(mut self) -> Option<i32> {
        let mut status = 0;
        // SAFETY: the request takes no memory, and `status` may be written; the process is a child that stands still.
        let pid = unsafe {
            libc::ptrace(libc::PTRACE_CONT, self.pid, 0, 0);
            libc::waitpid(self.pid, &raw mut status, 0)
        };
        assert_eq!(pid, self.pid, "waiting: {}", io::Error::last_os_error());
        if libc::WIFSTOPPED(status) {
            return None;
        }
        self.pid = 0;
        libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
    }

    /// Goes on at full speed, and is killed after that time; whether it had stopped itself by then.
    pub(crate) fn kill_after(mut self, time: Duration) -> bool {
        let begin = Instant::now();
        // SAFETY: takes no memory; the child stands still.
        let failed = unsafe { libc::ptrace(libc::PTRACE_CONT, self.pid, 0, 0) };
        assert_eq!(failed, 0, "tracing: {}", io::Error::last_os_error());
        while begin.elapsed() < time {
            std::hint::spin_loop();
        }
        // SAFETY: the process is a child that has not been reaped.
        unsafe { libc::kill(self.pid, libc::SIGKILL) };
        let mut had_stopped = false;
        loop {
            match self.wait() {
                Ok(_) => had_stopped = true,
                Err(status) if libc::WIFSIGNALED(status) => return had_stopped,
                Err(status) => panic!("a process ended by itself: status {status:#x}"),
            }
        }
    }

    /// Ends a repeated instruction, which `end` follows.
    pub(super) fn finish_repeated(&mut self, at: u64, end: u64) {
        self.poke(at, own_text(at));
        self.poke(end, BREAKPOINT);
        assert_ne!(self.resume(libc::PTRACE_CONT), Halt::Signed);
        // SAFETY: sets a register of a child that stands still.
        unsafe { libc::ptrace(libc::PTRACE_POKEUSER, self.pid, POINTER, end) };
        for at in [at, end] {
            let byte = if self.planted.contains(&at) { BREAKPOINT } else { own_text(at) };
            self.poke(at, byte);
        }
    }

    /// Plants breakpoints where there are none.
    pub(super) fn plant(&mut self, places: impl IntoIterator<Item = u64>) {
        for at in places {
            if self.planted.insert(at) {
                self.poke(at, BREAKPOINT);
            }
        }
    }

    /// Takes all breakpoints away.
    pub(super) fn clear(&mut self) {
        for at in std::mem::take(&mut self.planted) {
            self.poke(at, own_text(at));
        }
    }

    /// Changes a byte of text.
    fn poke(&self, at: u64, byte: u8) {
        let written = self.memory.as_ref().map(|memory| memory.write_all_at(&[byte], at));
        assert!(matches!(written, Some(Ok(()))), "writing at {at:#x}: {written:?}");
    }

    fn resume(&mut self, how: libc::c_uint) -> Halt {
        // SAFETY: neither request takes memory; the child stands still.
        let failed = unsafe { libc::ptrace(how, self.pid, 0, 0) };
        assert_eq!(failed, 0, "tracing: {}", io::Error::last_os_error());
        self.wait().unwrap_or_else(|status| panic!("a stepped process ended: status {status:#x}"))
    }

    fn wait(&mut self) -> Result<Halt, i32> {
        let mut status = 0;
        // SAFETY: `status` may be written; the process is a child of this thread.
        let pid = unsafe { libc::waitpid(self.pid, &raw mut status, 0) };
        assert_eq!(pid, self.pid, "waiting: {}", io::Error::last_os_error());
        if !libc::WIFSTOPPED(status) {
            self.pid = 0;
            return Err(status);
        }
        match libc::WSTOPSIG(status) {
            libc::SIGTRAP => Ok(Halt::Stepped),
            libc::SIGSTOP => Ok(Halt::Signed),
            signal => Err(signal),
        }
    }

    /// Where it stands.
    pub(super) fn at(&self) -> u64 {
        // SAFETY: reads one word of a child that stands still.
        unsafe { libc::ptrace(libc::PTRACE_PEEKUSER, self.pid, POINTER, 0) as u64 }
    }

    fn registers(&self) -> libc::user_regs_struct {
        // SAFETY: all-zero bytes are a valid value.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        // SAFETY: writes the registers of a child that stands still.
        let failed = unsafe { libc::ptrace(libc::PTRACE_GETREGS, self.pid, 0, &raw mut registers) };
        assert_eq!(failed, 0, "tracing: {}", io::Error::last_os_error());
        registers
    }

    /// What the next instruction touches in the region.
    pub(super) fn next(&self, arena: &Arena, code: &mut Code) -> Option<Touch> {
        let at = self.at();
        if !code.touches_memory(at) {
            return None;
        }
        code.touch(at, &self.registers(), arena.start())
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        if self.pid != 0 {
            let mut status = 0;
            // SAFETY: the process is a child that has not been reaped.
            unsafe {
                libc::kill(self.pid, libc::SIGKILL);
                libc::waitpid(self.pid, &raw mut status, 0);
            }
        }
    }
}

/// A byte of this process's own text, which is the child's without breakpoints.
fn own_text(at: u64) -> u8 {
    // SAFETY: the child executes there, and it has the text of this process at the same place.
    unsafe { (at as *const u8).read() }
}
