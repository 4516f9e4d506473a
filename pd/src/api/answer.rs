//! Forms of answers: JSON bodies, errors, sizes, durations, times.

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::Value;

use crate::error::Error;

/// A page.
pub(super) struct Page(pub(super) Value);

impl IntoResponse for Page {
    fn into_response(self) -> Response<Body> {
        ([(header::CONTENT_TYPE, "application/json; charset=UTF-8")], format!("{:#}\n", self.0))
            .into_response()
    }
}

/// A page that could not be made; the body is a JSON string.
pub(super) struct Failure(pub(super) StatusCode, pub(super) String);

impl Failure {
    pub(super) fn bad_request(text: impl Into<String>) -> Failure {
        Failure(StatusCode::BAD_REQUEST, text.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let code = match error {
            Error::StoreNotFound(_)
            | Error::RegionNotFound(_)
            | Error::SchedulerNotFound(_)
            | Error::RuleNotFound(_)
            | Error::OperatorNotFound(_)
            | Error::MemberNotFound(_) => StatusCode::NOT_FOUND,
            Error::NotLeader => StatusCode::SERVICE_UNAVAILABLE,
            Error::Invalid(_)
            | Error::UnknownSetting { .. }
            | Error::Refused(_)
            | Error::StoreTombstone(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Failure(code, error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response<Body> {
        (self.0, Page(Value::String(self.1))).into_response()
    }
}

pub(super) type Answer = Result<Page, Failure>;

/// A number in a path.
pub(super) fn number(text: &str) -> Result<u64, Failure> {
    text.parse().map_err(|_| Failure::bad_request(format!("{text:?} is not a number")))
}

/// What a request says, a JSON object.
pub(super) fn body(text: &str) -> Result<Value, Failure> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| Failure::bad_request(format!("the body: {error}")))?;
    if value.is_object() { Ok(value) } else { Err(Failure::bad_request("the body is no object")) }
}

/// A number in a body.
pub(super) fn field(body: &Value, name: &str) -> Result<u64, Failure> {
    body[name].as_u64().ok_or_else(|| Failure::bad_request(format!("{name} is missing, or no number")))
}

/// `931.5GiB`: four digits, without zeros at the end of a fraction.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut unit = 0;
    while bytes >> (10 * unit) >= 1024 && unit + 1 < UNITS.len() {
        unit += 1;
    }
    let (one, whole) = (1_u128 << (10 * unit), bytes >> (10 * unit));
    let decimals = match whole {
        0..=9 => 3,
        10..=99 => 2,
        100..=999 => 1,
        _ => 0,
    };
    let scale = 10_u128.pow(decimals);
    let scaled = (u128::from(bytes) * scale + one / 2) / one;
    let (whole, fraction) = (scaled / scale, scaled % scale);
    let name = UNITS[unit];
    if fraction == 0 {
        return format!("{whole}{name}");
    }
    let digits = format!("{fraction:0width$}", width = decimals as usize);
    format!("{whole}.{}{name}", digits.trim_end_matches('0'))
}

/// Sizes of regions are whole MiB; one that holds anything has at least one.
pub(super) fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

/// `1h2m3s`.
pub(crate) fn duration(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

/// RFC 3339, in UTC. Days to a date as Howard Hinnant describes in "chrono-compatible low-level date algorithms".
pub(crate) fn time(unix_ms: u64) -> String {
    let (seconds, millis) = (unix_ms / 1000, unix_ms % 1000);
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}
