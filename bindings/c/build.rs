//! The shared library's name as programs remember it: one for each version of the ABI.

include!("abi.rs");

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=abi.rs");
    let abi = abi_of(env!("CARGO_PKG_VERSION"));
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libhostcache.so.{abi}");
}
