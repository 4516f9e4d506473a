//! Cutting sorted keys by region.

use std::sync::Arc;

use super::CachedRegion;
use crate::client::Core;
use crate::error::Result;

/// Items of one region; `items` are positions in what was grouped.
pub(crate) struct Group {
    pub(crate) region: Arc<CachedRegion>,
    pub(crate) items: Vec<usize>,
}

impl Core {
    /// Groups `items`, whose keys ascend, by region; groups larger than `bytes_max` are cut.
    pub(crate) async fn group<'a>(
        &self,
        items: impl IntoIterator<Item = (usize, &'a [u8], usize)>,
        bytes_max: usize,
    ) -> Result<Vec<Group>> {
        let mut groups: Vec<Group> = Vec::new();
        let mut bytes = 0;
        for (item, key, size) in items {
            if let Some(last) = groups.last_mut().filter(|last| last.region.range.contains(key))
                && bytes + size <= bytes_max
            {
                bytes += size;
                last.items.push(item);
                continue;
            }
            bytes = size;
            let region = match groups.last().filter(|last| last.region.range.contains(key)) {
                Some(last) => Arc::clone(&last.region),
                None => self.cache.locate(key).await?,
            };
            groups.push(Group { region, items: vec![item] });
        }
        Ok(groups)
    }
}
