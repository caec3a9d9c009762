//! One step of one process: one access to shared memory, with all that is private before the next.
//!
//! The steps are dealt out by what they belong to: `allocate` (a block, until it is sealed), `look`
//! (loads from the table), `change` (its slots and control word, and what was unlinked) and
//! `recover`. Each is a method of `Stepper` in its file.

use crate::check;
use crate::config::{Config, Op};
use crate::state::{Lane, Life, NONE, Name, Pc, Process, State};

/// A property that a move broke.
pub(crate) type Violation = &'static str;
pub(crate) type Step = Result<(), Violation>;

/// A process about to make a step.
pub(crate) struct Stepper<'a> {
    pub(crate) config: &'a Config,
    pub(crate) state: &'a mut State,
    pub(crate) p: usize,
}

/// Lets process `p` make its next access.
pub(crate) fn step(config: &Config, state: &mut State, p: usize) -> Step {
    let mut stepper = Stepper { config, state, p };
    if stepper.me().pc == Pc::Idle {
        stepper.begin();
    }
    stepper.access()
}

/// Ends process `p`: its private state is gone, its locks are dropped, its record stays.
pub(crate) fn kill(state: &mut State, p: usize) {
    let op = state.processes[p].op;
    state.processes[p] = Process { life: Life::Dead, op, ..Process::NEW };
    for lane in &mut state.lanes {
        if usize::from(lane.recoverer) == p {
            lane.recoverer = NONE;
        }
    }
    state.kills -= 1;
}

/// `p` takes the free lock byte of the dead `patient`: the proof of death, and its to recover.
pub(crate) fn begin_recovery(state: &mut State, p: usize, patient: u8) {
    state.lanes[usize::from(patient)].recoverer = p as u8;
    let me = &mut state.processes[p];
    me.patient = patient;
    me.pc = Pc::RecoverOld;
}

impl Stepper<'_> {
    pub(crate) fn me(&mut self) -> &mut Process {
        &mut self.state.processes[self.p]
    }

    pub(crate) fn lane(&mut self) -> &mut Lane {
        &mut self.state.lanes[self.p]
    }

    /// The operation that the process is in.
    pub(crate) fn op(&self) -> Option<Op> {
        self.config.op(self.p, self.state.processes[self.p].op)
    }

    pub(crate) fn go(&mut self, pc: Pc) {
        self.me().pc = pc;
    }

    fn begin(&mut self) {
        match self.op() {
            Some(Op::Set(_)) => self.go(Pc::Allocate),
            Some(Op::Delete(key) | Op::Get(key)) => {
                self.me().absent = !check::is_present(self.state, key);
                self.restart();
            }
            Some(Op::Walk(_)) => self.go(Pc::WalkHeader),
            Some(Op::Evict(_)) | None => self.restart(),
        }
    }

    /// Looks at everything again; a placed tentative word stays placed.
    pub(crate) fn restart(&mut self) {
        self.me().forget_scan();
        if self.me().patient != NONE {
            self.go(Pc::RecoverOld);
            return;
        }
        match self.op() {
            Some(Op::Set(_) | Op::Delete(_)) => self.go(Pc::LoadControl),
            Some(Op::Evict(from)) => {
                self.me().cursor = from;
                self.go(Pc::LoadSlot);
            }
            // A walker that loses goes on to another block.
            Some(Op::Walk(_)) => self.finish(),
            Some(Op::Get(_)) | None => self.go(Pc::LoadSlot),
        }
    }

    /// The operation is over; stale names in the record are cleared first.
    pub(crate) fn finish(&mut self) {
        self.me().forget_scan();
        let lane = self.lane();
        if lane.new == NONE && lane.old == Name::NONE && lane.work == NONE {
            self.next_op();
        } else {
            self.go(Pc::ClearIntent);
        }
    }

    pub(crate) fn next_op(&mut self) {
        let Process { op, stocked, .. } = *self.me();
        *self.me() = Process { op: op + 1, stocked, ..Process::NEW };
    }

    fn access(&mut self) -> Step {
        match self.me().pc {
            // An operation that has begun is not idle.
            Pc::Idle => Ok(()),
            Pc::Allocate => self.allocate(),
            Pc::Claim => self.claim(),
            Pc::ScanIntents => self.scan_intents(),
            Pc::WriteKey => self.write_key(),
            Pc::WriteValue => self.write_value(),
            Pc::Seal => self.seal(),
            Pc::LoadControl => self.load_control(),
            Pc::LoadSlot => self.load_slot(),
            Pc::LoadHeader => self.load_header(),
            Pc::ReloadMismatched => self.reload_mismatched(),
            Pc::LoadVisibility => self.load_visibility(),
            Pc::ReloadInvisible => self.reload_invisible(),
            Pc::ReloadSlot => self.reload_slot(),
            Pc::LoadKey => self.load_key(),
            Pc::CopyValue => self.copy_value(),
            Pc::ReloadHeader => self.reload_header(),
            Pc::WalkHeader => self.walk_header(),
            Pc::WalkKey => self.walk_key(),
            Pc::WalkReload => self.walk_reload(),
            Pc::WalkSlot => self.walk_slot(),
            Pc::NameNew => self.name_new(),
            Pc::NameOld => self.name_old(),
            Pc::NameOldHeader => self.name_old_header(),
            Pc::NameOldWord => self.name_old_word(),
            Pc::Recheck => self.recheck(),
            Pc::RuleR => self.rule_r(),
            Pc::Swap => self.swap(),
            Pc::Place => self.place(),
            Pc::Commit => self.commit(),
            Pc::CommitForeign => self.commit_foreign(),
            Pc::FinishSlot => self.finish_slot(),
            Pc::FinishControl => self.finish_control(),
            Pc::Withdraw => self.withdraw(),
            Pc::Renew => self.renew(),
            Pc::Abandon => self.abandon(),
            Pc::GiveBackNew => self.give_back_new(),
            Pc::Retire => self.retire(),
            Pc::GiveBack => self.give_back(),
            Pc::Keep => self.keep(),
            Pc::ClearIntent => self.clear_intent(),
            Pc::HelpSlot => self.help_slot(),
            Pc::HelpName => self.help_name(),
            Pc::HelpControl => self.help_control(),
            Pc::HelpFinish => self.help_finish(),
            Pc::HelpClear => self.help_clear(),
            Pc::RecoverOld | Pc::RecoverWork | Pc::RecoverKept => self.recover_name(),
            Pc::RecoverSlots => self.recover_slots(),
            Pc::RecoverPending => self.recover_pending(),
            Pc::RecoverNameWord => self.recover_name_word(),
            Pc::RecoverRecheck => self.recover_recheck(),
            Pc::RecoverWithdraw => self.recover_withdraw(),
            Pc::RecoverTake => self.recover_take(),
            Pc::RecoverFree => self.recover_free(),
            Pc::RecoverEnd => self.recover_end(),
        }
    }
}
