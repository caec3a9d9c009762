//! Planted faults: one wrong line each, in shipped code, so that the tests can be tested (`cargo xtask faults`).
//!
//! A normal build has none: [`planted`] is `false` to the compiler. Under `--cfg hostcache_fault` the environment variable
//! `HOSTCACHE_FAULT` names the one that is there, in this process and those that it starts.

macro_rules! faults {
    ($($class:ident { $(#[doc = $what:literal] $name:ident,)* })*) => {
        /// All of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fault { $($(#[doc = $what] $name,)*)* }

        impl Fault {
            /// Each once.
            pub const ALL: &[Fault] = &[$($(Fault::$name,)*)*];

            /// What is wrong.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $($(Fault::$name => $what.trim_ascii(),)*)* }
            }

            /// What kind of promise it breaks.
            #[must_use]
            pub const fn class(self) -> &'static str {
                match self { $($(Fault::$name => stringify!($class),)*)* }
            }
        }
    };
}

faults! {
    ordering {
        /// a block is linked and never sealed
        LinkedUnsealed,
        /// a reader does not look at the header again behind its copy
        CopyNotValidated,
        /// the name of a word is a plain store, without a barrier
        NameWithoutBarrier,
        /// the fence between a claim and the first store of payload is missing
        NoWriterFence,
        /// the name of a victim is dropped before its block is retired
        NameDroppedEarly,
        /// behind the name only the slot is looked at again, not the header
        HeaderNotReread,
        /// a pin is a plain store, without a barrier
        PinWithoutBarrier,
        /// a lookup does not look at the slot a second time
        SecondLookMissing,
    }
    generation {
        /// a sealed block that was not linked stays in its generation
        SameGenerationOnRetry,
        /// a block is retired into the generation that it had
        RetiredInPlace,
        /// generations start anew when a page is cut again
        GenerationsRestart,
        /// nobody asks who still expects a block whose short generation comes round
        LinkedWithoutScan,
        /// nobody asks who still expects a location in a page that is cut
        CutWithoutScan,
        /// the high-water mark of tokens is not stored
        TokensReissued,
        /// behind a copy only two bits of the generation are compared
        ShortGenerationCompared,
        /// the clear epoch is not compared
        EpochNotCompared,
        /// recovery frees a sealed block in the generation that it had
        RecoveredSameGeneration,
    }
    liveness {
        /// a lane is recovered because its lock looks free, without taking it
        RecoversOnQuery,
        /// two threads of one process may recover one lane
        ThreadsShareRecovery,
        /// what a dead owner left is not recovered at attach
        AttachWithoutRecovery,
        /// a pending insertion is waited for instead of helped
        PendingNotHelped,
        /// a tentative word is waited for instead of passed over
        TentativeAwaited,
        /// a lane that was taken away is gone on with
        LaneNotCompared,
        /// a forked child goes on with its parent's lane
        ChildKeepsLane,
        /// a drain that fails is not rolled back
        DrainNotRolledBack,
    }
    bound {
        /// the value length that an item says is trusted
        ValueLenTrusted,
        /// the length that a run says is trusted
        RunLengthTrusted,
        /// no operation ever runs out of steps
        FuelNeverBurns,
        /// a magazine holds any number of bytes
        MagazineUnbounded,
        /// pins and reservations may hold any number of bytes
        QuotaIgnored,
        /// an item gets a chunk that may be a word too short
        ClassTooSmall,
        /// a header counts though its page has changed
        PageCutNotChecked,
    }
    recovery {
        /// a helper finishes a tentative word that is not pending any more
        HelperCommits,
        /// what a dead lane had unlinked and not retired is left
        VictimNotTaken,
        /// an entry of a dead lane is dropped before its block is freed
        NamesDroppedFirst,
        /// a dead lane's uncommitted word stays in its slot
        WordNotWithdrawn,
        /// a dead lane's pending word counts as uncommitted
        PendingWithdrawn,
        /// a block that a dead lane had linked is taken
        LinkedBlockTaken,
        /// a page that a dead lane was emptying stays with it
        DrainedPageKept,
        /// a run's first page is given away before the others
        HeadReleasedFirst,
        /// an ORPHAN that a dead lane was the last to hold is not adopted
        PinNotAdopted,
    }
    accounting {
        /// the block of a replaced item is not retired
        ReplacedNotRetired,
        /// a cancelled reservation keeps its block
        ReservationKept,
        /// a counter is changed in place
        IncrementInPlace,
        /// a use is marked in the arena
        MarkInArena,
        /// bytes that leave the table are not counted out
        RemovalNotCounted,
        /// a block that a magazine keeps is freed as well
        KeptAndFreed,
        /// an ORPHAN is reused though somebody holds it
        OrphanFreedThoughHeld,
    }
}

/// Whether a fault is there.
#[cfg(not(hostcache_fault))]
#[inline(always)]
#[must_use]
pub const fn planted(_: Fault) -> bool {
    false
}

/// Whether a fault is there.
///
/// # Panics
///
/// If the variable names none.
#[cfg(hostcache_fault)]
#[must_use]
pub fn planted(fault: Fault) -> bool {
    use std::sync::OnceLock;
    static CHOSEN: OnceLock<Option<Fault>> = OnceLock::new();
    let choose = || {
        let name = std::env::var("HOSTCACHE_FAULT").ok().filter(|name| !name.is_empty())?;
        let known = Fault::ALL.iter().find(|fault| format!("{fault:?}") == name);
        Some(*known.unwrap_or_else(|| panic!("HOSTCACHE_FAULT={name} is no fault")))
    };
    *CHOSEN.get_or_init(choose) == Some(fault)
}

#[cfg(test)]
mod tests {
    use super::{Fault, planted};

    /// For `cargo xtask faults`.
    #[test]
    #[ignore = "a list, not a test"]
    fn the_names_of_all_faults() {
        for fault in Fault::ALL {
            println!("fault {fault:?} {} {}", fault.class(), fault.description());
        }
    }

    #[test]
    fn every_class_has_its_faults() {
        for class in ["ordering", "generation", "liveness", "bound", "recovery", "accounting"] {
            let of_class = Fault::ALL.iter().filter(|fault| fault.class() == class);
            assert!(of_class.count() >= 5, "{class}");
        }
    }

    #[test]
    #[cfg(not(hostcache_fault))]
    fn nothing_is_planted_in_a_normal_build() {
        assert!(!Fault::ALL.iter().any(|&fault| planted(fault)));
    }

    #[test]
    #[cfg(hostcache_fault)]
    fn at_most_one_is_planted() {
        assert!(Fault::ALL.iter().filter(|&&fault| planted(fault)).count() <= 1);
    }
}
