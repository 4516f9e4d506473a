//! The members of ENUM and SET types.

use std::ops::Deref;
use std::sync::Arc;

/// Members in order. Copies share them, and having none, as all other types do, costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Elements(Option<Arc<[Arc<str>]>>);

impl Deref for Elements {
    type Target = [Arc<str>];

    fn deref(&self) -> &[Arc<str>] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl From<Arc<[Arc<str>]>> for Elements {
    fn from(members: Arc<[Arc<str>]>) -> Self {
        // One form of "none", so that equality does not depend on where a type came from.
        Self((!members.is_empty()).then_some(members))
    }
}

impl FromIterator<Arc<str>> for Elements {
    fn from_iter<I: IntoIterator<Item = Arc<str>>>(members: I) -> Self {
        Self::from(members.into_iter().collect::<Arc<[_]>>())
    }
}
