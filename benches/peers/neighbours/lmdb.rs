//! LMDB: a write is a transaction; a reader begins one that takes no lock of writers.

use std::path::Path;

use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions};

use crate::subject::Shared;

/// Bytes of addresses.
const MAP: usize = 16 << 20;

pub(crate) struct Lmdb {
    env: Env,
    database: Database<'static, Bytes, Bytes>,
}

fn environment(directory: &Path, write_map: bool) -> heed::Result<Env> {
    let mut options = EnvOpenOptions::new();
    options.map_size(MAP);
    // SAFETY: nothing needs to outlive a crash of the system, which is what these flags give up; every process opens the
    // directory with the same flags and map, each of them once.
    unsafe {
        if write_map {
            options.flags(EnvFlags::NO_SYNC | EnvFlags::WRITE_MAP);
        }
        options.open(directory)
    }
}

impl Lmdb {
    pub(crate) fn create(directory: &Path, write_map: bool) -> Result<Self, String> {
        let create = || -> heed::Result<Self> {
            let env = environment(directory, write_map)?;
            let transaction = env.write_txn()?;
            let opened = env.create_databases_and_commit(transaction, |opener, transaction| {
                opener.create_database(transaction, None).map(CommitOrAbort::<_, ()>::Commit)
            })?;
            let database = opened.unwrap_commit();
            Ok(Self { env, database })
        };
        create().map_err(|error| error.to_string())
    }

    /// In a transaction that reads: one that writes would wait for a stopped writer.
    pub(crate) fn open(directory: &Path, write_map: bool) -> Result<Self, String> {
        let env = environment(directory, write_map).map_err(|error| error.to_string())?;
        let open = || -> heed::Result<Option<Database<'static, Bytes, Bytes>>> {
            let transaction = env.read_txn()?;
            let opened = env.open_databases_and_commit(transaction, |opener, transaction| {
                opener.open_database(transaction, None).map(CommitOrAbort::<_, ()>::Commit)
            })?;
            Ok(opened.unwrap_commit())
        };
        let database = open().map_err(|error| error.to_string())?;
        let database = database.ok_or_else(|| "LMDB: no database".to_owned())?;
        Ok(Self { env, database })
    }
}

impl Shared for Lmdb {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        let get = || -> heed::Result<_> {
            let transaction = self.env.read_txn()?;
            Ok(self.database.get(&transaction, key.as_bytes())?.map(<[u8]>::to_vec))
        };
        get().map_err(|error| error.to_string())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), String> {
        let put = || -> heed::Result<()> {
            let mut transaction = self.env.write_txn()?;
            self.database.put(&mut transaction, key.as_bytes(), value)?;
            transaction.commit()
        };
        put().map_err(|error| error.to_string())
    }
}
