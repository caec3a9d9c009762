//! Where a region is: a name in a directory, or a path of its own.

use std::fs::File;
use std::path::{Path, PathBuf};

use hostcache_os::{FileError, OsError};

use crate::OpenError;

/// How often a region may be replaced while it is opened before that becomes an error.
const REPLACEMENTS: u32 = 100;

/// A region's name and directory, validated; the directory is empty if it has no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    given: String,
    directory: PathBuf,
    file_name: String,
    /// The group that it was asked for, or found, as a region of.
    group: Option<u32>,
}

impl Place {
    /// A name of 1 to 30 characters, in `directory` or the default one; or a path with a `/` in it.
    pub(crate) fn new(name: &str, directory: Option<&Path>) -> Result<Self, OpenError> {
        let invalid = || OpenError::InvalidName { name: name.to_owned() };
        if name.contains('/') {
            let path = Path::new(name);
            let file_name = path.file_name().and_then(|f| f.to_str()).ok_or_else(invalid)?;
            let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
            let directory = parent.unwrap_or(Path::new("/")).to_path_buf();
            return Ok(Self {
                given: name.to_owned(),
                directory,
                file_name: file_name.to_owned(),
                group: None,
            });
        }
        if !hostcache_os::valid_name(name) {
            return Err(invalid());
        }
        let directory = directory.map_or_else(hostcache_os::default_directory, Path::to_path_buf);
        Ok(Self { given: name.to_owned(), directory, file_name: name.to_owned(), group: None })
    }

    /// A name or path as [`Place::new`] takes it, of a group's region.
    pub(crate) fn of_group(
        name: &str,
        directory: Option<&Path>,
        gid: u32,
    ) -> Result<Self, OpenError> {
        let directory =
            directory.map_or_else(|| hostcache_os::group_directory(gid), Path::to_path_buf);
        Ok(Self { group: Some(gid), ..Self::new(name, Some(&directory))? })
    }

    /// Where a region of that name is: in the caller's own directory, or else, unless `$HOSTCACHE_DIR` names the only one, in
    /// that of the first of the caller's groups that has one. Where nobody has it: the caller's own.
    pub(crate) fn find(name: &str) -> Result<Self, OpenError> {
        let own = Self::new(name, None)?;
        let is_elsewhere = name.contains('/') || hostcache_os::named_directory().is_some();
        if is_elsewhere || own.exists() {
            return Ok(own);
        }
        let groups = hostcache_os::caller_groups().into_iter();
        let mut shared = groups.filter_map(|gid| Self::of_group(name, None, gid).ok());
        Ok(shared.find(Self::exists).unwrap_or(own))
    }

    fn exists(&self) -> bool {
        self.path().symlink_metadata().is_ok()
    }

    /// Makes the directory if it is missing, and checks it. That of a path is its user's business.
    pub(crate) fn ensure_directory(&self) -> Result<(), OpenError> {
        let answer = match self.group {
            _ if self.given.contains('/') => Ok(()),
            Some(gid) => hostcache_os::ensure_group_directory(&self.directory, gid),
            None => hostcache_os::ensure_directory(&self.directory),
        };
        answer.map_err(|e| self.file_error(e))
    }

    /// Opens the region's file, if it may be trusted.
    pub(crate) fn open_file(&self, writable: bool) -> Result<File, OpenError> {
        let open = || match self.group {
            None => hostcache_os::open_region_file(&self.path(), writable),
            Some(gid) => self.open_group_file(gid, writable),
        };
        let mut answer = open();
        // It was unlinked or replaced between its opening and the look at it: what has the name by now counts.
        for _ in 0..REPLACEMENTS {
            let Err(FileError::HardLinked { nlink: 0, .. }) = answer else { break };
            answer = open();
        }
        answer.map_err(|e| self.file_error(e))
    }

    fn open_group_file(&self, gid: u32, writable: bool) -> Result<File, FileError> {
        if !self.given.contains('/') {
            hostcache_os::check_group_directory(&self.directory, gid)?;
        }
        hostcache_os::open_group_file(&self.path(), gid, writable)
    }

    pub(crate) fn group(&self) -> Option<u32> {
        self.group
    }

    /// Of a region without a name. What stands for one is no valid name, nor anybody's path.
    pub(crate) fn private() -> Self {
        let name = "(private)".to_owned();
        Self { given: name.clone(), directory: PathBuf::new(), file_name: name, group: None }
    }

    /// Of a region that is a descriptor.
    pub(crate) fn of_descriptor(name: &str) -> Self {
        Self::shown_as(name, Path::new(&format!("memfd:{name}")))
    }

    /// Of a region that is a descriptor, and how it is shown; without a name it is called as it is shown.
    pub(crate) fn shown_as(name: &str, shown: &Path) -> Self {
        let shown = shown.display().to_string();
        let given = match name {
            "" => shown.strip_prefix("memfd:").unwrap_or(&shown).to_owned(),
            name => name.to_owned(),
        };
        Self { given, directory: PathBuf::new(), file_name: shown, group: None }
    }

    /// Whether its memory is reached by a descriptor alone, and never by a path.
    pub(crate) fn is_private(&self) -> bool {
        self.directory.as_os_str().is_empty()
    }

    /// As the caller called it.
    pub(crate) fn name(&self) -> String {
        self.given.clone()
    }

    pub(crate) fn name_ref(&self) -> &str {
        &self.given
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn file_name(&self) -> &str {
        &self.file_name
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(&self.file_name)
    }

    pub(crate) fn os_error(&self, error: OsError) -> OpenError {
        OpenError::System {
            region: self.name(),
            operation: error.operation,
            path: error.path,
            source: error.source,
        }
    }

    /// What is wrong with a descriptor; the error knows how to show it.
    pub(crate) fn descriptor_error(&self, error: FileError) -> OpenError {
        match error {
            FileError::BadDescriptor { path, detail } => {
                OpenError::Refused { region: self.name(), path, detail: format!("it {detail}") }
            }
            other => self.file_error(other),
        }
    }

    pub(crate) fn file_error(&self, error: FileError) -> OpenError {
        let region = self.name();
        match error {
            FileError::Missing { path } => OpenError::Missing { region, path },
            FileError::Exists { path } => OpenError::Exists { region, path },
            FileError::NoSpace { path, needed, available } => {
                OpenError::NoSpace { region, path, needed, available }
            }
            FileError::Os(error) => self.os_error(error),
            other => OpenError::Refused { region, path: self.path(), detail: other.to_string() },
        }
    }
}
