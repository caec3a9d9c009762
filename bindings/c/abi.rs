/// The version of the ABI in the shared library's name: before 1.0 each minor version may break it, after that each major one.
fn abi_of(version: &str) -> String {
    let parts: Vec<&str> = version.split('.').collect();
    match parts[..] {
        ["0", minor, ..] => format!("0.{minor}"),
        [major, ..] => major.to_owned(),
        [] => String::new(),
    }
}
