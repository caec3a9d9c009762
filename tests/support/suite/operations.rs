//! The table of all operations, by their names in the public crate.

use super::Suite;

/// An operation of the suite.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// The public function that it calls, of `Cache` unless a type stands before it.
    pub name: &'static str,
    /// How often it is drawn, in proportion to the others.
    pub(super) weight: u64,
    pub(super) run: fn(&mut Suite),
}

const fn often(name: &'static str, run: fn(&mut Suite)) -> Operation {
    Operation { name, weight: 100, run }
}

const fn rarely(name: &'static str, run: fn(&mut Suite)) -> Operation {
    Operation { name, weight: 10, run }
}

/// All of them.
pub const TABLE: &[Operation] = &[
    often("get", Suite::get),
    often("try_get", Suite::try_get),
    often("try_get_with", Suite::try_get_with),
    often("get_quickly_with", Suite::get_quickly_with),
    often("get_into", Suite::get_into),
    often("try_get_into", Suite::try_get_into),
    often("get_slice", Suite::get_slice),
    often("try_get_slice", Suite::try_get_slice),
    often("get_item", Suite::get_item),
    often("try_get_item", Suite::try_get_item),
    often("item_info", Suite::item_info),
    often("contains", Suite::contains),
    often("try_contains", Suite::try_contains),
    often("set", Suite::set),
    often("set_with", Suite::set_with),
    often("add", Suite::add),
    often("replace", Suite::replace),
    often("compare_and_swap", Suite::compare_and_swap),
    often("increment", Suite::increment),
    often("decrement", Suite::decrement),
    often("increment_with", Suite::increment_with),
    often("decrement_with", Suite::decrement_with),
    often("append", Suite::append),
    often("prepend", Suite::prepend),
    often("touch", Suite::touch),
    often("get_and_touch", Suite::get_and_touch),
    often("get_item_and_touch", Suite::get_item_and_touch),
    often("delete", Suite::delete),
    often("take", Suite::take),
    often("take_item", Suite::take_item),
    often("with_default_ttl", Suite::with_default_ttl),
    often("with_max_ttl", Suite::with_max_ttl),
    often("pin", Suite::pin),
    often("reserve", Suite::reserve),
    often("ManualClock::advance", Suite::advance),
    rarely("get_many", Suite::get_many),
    rarely("try_get_many", Suite::try_get_many),
    rarely("get_many_items", Suite::get_many_items),
    rarely("try_get_many_items", Suite::try_get_many_items),
    rarely("set_many", Suite::set_many),
    rarely("set_many_with", Suite::set_many_with),
    rarely("delete_many", Suite::delete_many),
    rarely("delete_prefix", Suite::delete_prefix),
    rarely("keys", Suite::keys),
    rarely("items", Suite::items),
    rarely("maintain", Suite::maintain),
    Operation { name: "clear", weight: 1, run: Suite::clear },
];

/// Public functions of `Cache` that are no operations on items, and where they are tested.
pub const NO_OPERATIONS: &[(&str, &str)] = &[
    ("builder", "makes a region: the settings"),
    ("open", "opens a region: the settings"),
    ("from_fd", "opens a region: the settings"),
    ("from_socket", "opens a region: the command line's tests"),
    ("as_fd", "hands a region on: the settings"),
    ("private", "makes a region: crates/hostcache/tests/private.rs"),
    ("destroy", "ends a region: crates/hostcache/tests/errors.rs"),
    ("list", "looks for regions: crates/hostcache/tests/private.rs, the command line's tests"),
    ("name", "a property"),
    ("path", "a property"),
    ("capacity", "a property"),
    ("prefetch", "a hint that changes no answer; part of the batches"),
    ("max_value_len", "a property; the model's limit"),
    ("info", "a property"),
    ("try_info", "a property"),
    ("slab_classes", "a figure"),
    ("participants", "a figure"),
    ("stats", "figures; compared with the model's tallies at the end of a run"),
    ("check", "called at the end of a run"),
    ("is_led", "the daemon's office: the command line's tests"),
    ("try_lead", "the daemon's office: crates/hostcache-daemon/tests"),
];
