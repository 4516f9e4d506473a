//! The list of all functions, by name.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::call::Function;

static FUNCTIONS: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    let families: [&[&'static [Function]]; 8] = [
        crate::operators::FAMILIES,
        crate::control::FAMILIES,
        crate::numeric::FAMILIES,
        crate::string::FAMILIES,
        crate::date::FAMILIES,
        crate::info::FAMILIES,
        crate::crypto::FAMILIES,
        crate::json::FAMILIES,
    ];
    families.into_iter().flatten().copied().flatten().map(|f| (f.name, f)).collect()
});

/// The function of this name, which is case-insensitive.
pub fn lookup(name: &str) -> Option<&'static Function> {
    match FUNCTIONS.get(name) {
        Some(found) => Some(*found),
        None => FUNCTIONS.get(name.to_ascii_lowercase().as_str()).copied(),
    }
}

/// The function of this name if its value depends on nothing but its arguments and the modes and the time of the
/// statement: it may be evaluated anywhere.
pub fn lookup_pure(name: &str) -> Option<&'static Function> {
    let found = lookup(name).filter(|function| !function.volatile)?;
    let of_session = crate::info::OF_SESSION.iter().flat_map(|family| family.iter());
    of_session.into_iter().all(|function| function.name != found.name).then_some(found)
}

/// All functions, in order of name.
pub fn all() -> Vec<&'static Function> {
    let mut list: Vec<_> = FUNCTIONS.values().copied().collect();
    list.sort_by_key(|f| f.name);
    list
}
