# find_package(hostcache), then link with hostcache::hostcache, or hostcache::static for the archive.
get_filename_component(_hostcache_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET hostcache::hostcache)
  add_library(hostcache::hostcache SHARED IMPORTED)
  set_target_properties(hostcache::hostcache PROPERTIES
    IMPORTED_LOCATION "${_hostcache_prefix}/lib/libhostcache.so"
    INTERFACE_INCLUDE_DIRECTORIES "${_hostcache_prefix}/include")

  add_library(hostcache::static STATIC IMPORTED)
  set_target_properties(hostcache::static PROPERTIES
    IMPORTED_LOCATION "${_hostcache_prefix}/lib/libhostcache.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_hostcache_prefix}/include"
    # What the archive has and nobody calls may need symbols that a libc without shared libraries lacks.
    INTERFACE_LINK_OPTIONS "-Wl,--gc-sections"
    INTERFACE_LINK_LIBRARIES "pthread;dl;m")
endif()

unset(_hostcache_prefix)
