//! Comparison of JSON values: first by type rank, then by value (manual, "Comparison and Ordering of JSON Values").

use std::cmp::Ordering;

use crate::Decimal;

use super::Json;

impl Json {
    fn rank(&self) -> u8 {
        match self {
            Json::Null => 1,
            Json::Int(_) | Json::UInt(_) | Json::Double(_) | Json::Decimal(_) => 2,
            Json::String(_) => 3,
            Json::Object(_) => 4,
            Json::Array(_) => 5,
            Json::Bool(_) => 6,
            Json::Date(_) => 7,
            Json::Time(_) => 8,
            Json::Datetime(_) | Json::Timestamp(_) => 9,
            Json::Opaque(..) => 10,
        }
    }

    pub fn compare(&self, other: &Json) -> Ordering {
        match (self, other) {
            (Json::String(a), Json::String(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Json::Bool(a), Json::Bool(b)) => a.cmp(b),
            (Json::Date(a), Json::Date(b)) => a.cmp(b),
            (Json::Time(a), Json::Time(b)) => a.cmp(b),
            (Json::Datetime(a) | Json::Timestamp(a), Json::Datetime(b) | Json::Timestamp(b)) => a.cmp(b),
            (Json::Opaque(_, a), Json::Opaque(_, b)) => a.cmp(b),
            (Json::Array(a), Json::Array(b)) => {
                let items = a.iter().zip(b).map(|(x, y)| x.compare(y));
                items.into_iter().find(|o| *o != Ordering::Equal).unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            (Json::Object(a), Json::Object(b)) => a.len().cmp(&b.len()).then_with(|| {
                a.iter()
                    .zip(b.iter())
                    .map(|((k, v), (l, w))| k.as_bytes().cmp(l.as_bytes()).then_with(|| v.compare(w)))
                    .find(|o| *o != Ordering::Equal)
                    .unwrap_or(Ordering::Equal)
            }),
            _ if self.rank() == 2 && other.rank() == 2 => compare_numbers(self, other),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

fn compare_numbers(a: &Json, b: &Json) -> Ordering {
    if let (Some(x), Some(y)) = (exact(a), exact(b)) {
        return x.cmp(&y);
    }
    let real = |j: &Json| match j {
        Json::Int(v) => *v as f64,
        Json::UInt(v) => *v as f64,
        Json::Double(v) => *v,
        Json::Decimal(v) => v.to_f64(),
        _ => 0.0,
    };
    real(a).partial_cmp(&real(b)).unwrap_or(Ordering::Equal)
}

fn exact(j: &Json) -> Option<Decimal> {
    match j {
        Json::Int(v) => Some(Decimal::from(*v)),
        Json::UInt(v) => Some(Decimal::from(*v)),
        Json::Decimal(v) => Some(*v),
        _ => None,
    }
}
