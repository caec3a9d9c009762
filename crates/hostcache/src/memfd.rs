//! Regions that go from process to process as a descriptor: sealed memory without a file in any directory.
//!
//! Who has the descriptor has the region, and nobody else finds it. It lives as long as any process has it open or
//! mapped. Its size is sealed, so that no process that was given it can take memory away from under the others.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use hostcache_os::UnsealedMemfd;

use crate::attachment::Attachment;
use crate::place::Place;
use crate::{Cache, CacheBuilder, OpenError};

/// Settings for a region in a sealed memfd, see [`CacheBuilder::memfd`].
#[derive(Debug, Clone)]
#[must_use = "settings make no region until create() is called"]
pub struct MemfdBuilder {
    settings: CacheBuilder,
    group: Option<u32>,
}

impl CacheBuilder {
    /// The region shall be a sealed memfd, in no directory, handed out as a descriptor. Of the settings made so far all
    /// count but the directory; the name is for messages and for `/proc` only.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use hostcache::Cache;
    /// let cache = Cache::builder("catalog").capacity(4 << 20).memfd().create()?;
    /// cache.set("k", "v")?;
    /// // The descriptor goes to other processes by inheritance or over a Unix socket.
    /// let descriptor = cache.as_fd()?.try_clone_to_owned()?;
    /// let other = Cache::from_fd(descriptor)?;
    /// assert_eq!(other.get("k").as_deref(), Some(&b"v"[..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn memfd(self) -> MemfdBuilder {
        MemfdBuilder { settings: self, group: None }
    }

    /// As [`Cache::from_fd`], with this handle's lifetimes; the descriptor tells all the rest.
    ///
    /// # Errors
    ///
    /// As [`Cache::from_fd`].
    pub fn open_fd(self, descriptor: OwnedFd) -> Result<Cache, OpenError> {
        self.attach_to(descriptor, false)
    }

    /// As [`CacheBuilder::open_fd`], without write access, also by a descriptor that has it.
    ///
    /// # Errors
    ///
    /// As [`Cache::from_fd`].
    pub fn open_fd_read_only(self, descriptor: OwnedFd) -> Result<Cache, OpenError> {
        self.attach_to(descriptor, true)
    }

    fn attach_to(&self, descriptor: OwnedFd, read_only: bool) -> Result<Cache, OpenError> {
        let shown = hostcache_os::descriptor_path(descriptor.as_fd());
        let place = Place::shown_as(&self.name, &shown);
        let received = hostcache_os::receive_region_file(descriptor, read_only);
        let received = received.map_err(|e| place.descriptor_error(e))?;
        let attachment = Attachment::map(&place, received.file, received.writable)?;
        if attachment.is_of_another_boot() {
            return Err(OpenError::Refused {
                region: place.name(),
                path: place.path(),
                detail: "it was made before the last reboot, and its deadlines mean nothing any more: open it by its \
                         name for writing once, which empties it"
                    .into(),
            });
        }
        Cache::assemble(place, attachment, self)
    }
}

impl MemfdBuilder {
    /// The memory's group: with a mode of 0660 its members may attach by a descriptor too, with 0640 read.
    pub fn group(mut self, group: u32) -> Self {
        self.group = Some(group);
        self
    }

    /// Makes the region: all of its memory taken, formatted, its size sealed.
    ///
    /// # Errors
    ///
    /// A setting out of its range, or what the system answers, above all that there is not so much memory.
    pub fn create(self) -> Result<Cache, OpenError> {
        let name = &self.settings.name;
        if !hostcache_os::valid_name(name) {
            return Err(OpenError::InvalidName { name: name.clone() });
        }
        let place = Place::of_descriptor(name);
        let header = self.settings.header(self.settings.shape(&place)?);
        let (capacity, mode) = (header.shape.capacity, self.settings.mode);
        let memory = UnsealedMemfd::create(name, capacity, mode, self.group);
        let memory = memory.map_err(|e| place.descriptor_error(e))?;
        Attachment::format(&place, memory.file(), &header)?;
        let sealed = memory.seal().map_err(|e| place.descriptor_error(e))?;
        let own = hostcache_os::receive_region_file(sealed.into(), false);
        let own = own.map_err(|e| place.descriptor_error(e))?;
        let attachment = Attachment::map(&place, own.file, true)?;
        Cache::assemble(place, attachment, &self.settings)
    }
}

impl Cache {
    /// Attaches to a region by an open descriptor: read-only if that is open with `O_RDONLY`.
    ///
    /// The descriptor may be a memfd with the seals `F_SEAL_SHRINK`, `F_SEAL_GROW` and `F_SEAL_SEAL`, whoever made it, or
    /// a region's file that [`Cache::open`] would take by its name. Whoever may shorten a file can end each process that
    /// uses it, so an unsealed memfd is refused. What is in the memory is trusted as little as any region's contents.
    ///
    /// The file is opened once more through `/proc`, since a participant's byte lock needs an open file description of its
    /// own; the descriptor that was given is closed. A forked child goes on with the region, a program executed does not.
    ///
    /// # Errors
    ///
    /// [`OpenError::Refused`] with what was found and what is needed, [`OpenError::NotARegion`] and its like, or what
    /// the system answers.
    pub fn from_fd(descriptor: OwnedFd) -> Result<Cache, OpenError> {
        Cache::builder("").open_fd(descriptor)
    }

    /// The region's descriptor, to be handed to another process, for [`Cache::from_fd`] there. Writable as this handle is;
    /// closed when a program is executed.
    ///
    /// A receiver with the owner's rights may open it for writing even if it was handed out read-only.
    ///
    /// # Errors
    ///
    /// Other code of this process closed it, or a forked child can't attach.
    pub fn as_fd(&self) -> Result<BorrowedFd<'_>, OpenError> {
        let attachment = self.shared.attached()?;
        // Nobody is to get the descriptor that took the number of one closed by other code.
        attachment.own_file().map_err(|e| self.shared.place.os_error(e))?;
        Ok(attachment.file.as_fd())
    }
}
