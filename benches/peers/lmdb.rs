//! LMDB: a store of pages in shared memory with one writer at a time; every operation is a transaction.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions};
use hostcache_benches::store::{Store, Work, session};
use hostcache_benches::{Distribution, Key, Subject, Workload};
use tempfile::TempDir;

/// Addresses that are reserved; pages are made as they are used.
const MAP: usize = 8 << 30;

/// A database in a directory of its own, in memory.
pub(crate) struct LmdbStore {
    directory: TempDir,
    workload: Workload,
    /// What this process has open: once at most, whatever number of sessions use it. A process that forks has nothing open.
    opened: RefCell<Weak<Opened>>,
}

impl LmdbStore {
    pub(crate) fn create(workload: Workload) -> Result<Self, String> {
        let directory = tempfile::tempdir_in("/dev/shm");
        let directory = directory.map_err(|error| format!("a directory in /dev/shm: {error}"))?;
        Ok(Self { directory, workload, opened: RefCell::default() })
    }
}

impl Store for LmdbStore {
    fn attach(&self, order: Distribution, seed: u64) -> Result<Box<dyn Work + '_>, String> {
        let mut opened = self.opened.borrow_mut();
        let subject = match opened.upgrade() {
            Some(subject) => subject,
            None => {
                let subject = Opened::open(self.directory.path());
                Rc::new(subject.map_err(|error| error.to_string())?)
            }
        };
        *opened = Rc::downgrade(&subject);
        Ok(session(Lmdb(subject), self.workload, order, seed))
    }
}

struct Lmdb(Rc<Opened>);

struct Opened {
    env: Env,
    database: Database<'static, Bytes, Bytes>,
}

impl Opened {
    fn open(path: &std::path::Path) -> heed::Result<Self> {
        let mut options = EnvOpenOptions::new();
        options.map_size(MAP);
        // SAFETY: nothing needs to outlive a crash of the system, which is what these flags give up; the directory is the
        // run's own, and whoever opens it uses the same flags and map.
        let env = unsafe {
            options.flags(EnvFlags::NO_SYNC | EnvFlags::WRITE_MAP | EnvFlags::MAP_ASYNC);
            options.open(path)?
        };
        let transaction = env.write_txn()?;
        let opened = env.create_databases_and_commit(transaction, |opener, transaction| {
            opener.create_database(transaction, None).map(CommitOrAbort::<_, ()>::Commit)
        })?;
        let database = opened.unwrap_commit();
        Ok(Self { env, database })
    }
}

#[cold]
fn failed(error: &heed::Error) -> ! {
    panic!("LMDB: {error}")
}

impl Subject for Lmdb {
    #[inline]
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        let mut copy = || -> heed::Result<bool> {
            let transaction = self.0.env.read_txn()?;
            let Some(value) = self.0.database.get(&transaction, key.as_ref())? else {
                return Ok(false);
            };
            buf.clear();
            buf.extend_from_slice(value);
            Ok(true)
        };
        copy().unwrap_or_else(|error| failed(&error))
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        let put = || -> heed::Result<()> {
            let mut transaction = self.0.env.write_txn()?;
            self.0.database.put(&mut transaction, key.as_ref(), value)?;
            transaction.commit()
        };
        put().unwrap_or_else(|error| failed(&error));
    }

    /// In one transaction.
    fn get_many(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        let get = || -> heed::Result<_> {
            let transaction = self.0.env.read_txn()?;
            let one = |key: &Key| {
                Ok(self.0.database.get(&transaction, key.as_ref())?.map(<[u8]>::to_vec))
            };
            keys.iter().map(one).collect()
        };
        get().unwrap_or_else(|error| failed(&error))
    }

    fn take_out(&self, key: &Key) -> bool {
        let delete = || -> heed::Result<bool> {
            let mut transaction = self.0.env.write_txn()?;
            let was_there = self.0.database.delete(&mut transaction, key.as_ref())?;
            transaction.commit()?;
            Ok(was_there)
        };
        delete().unwrap_or_else(|error| failed(&error))
    }
}
