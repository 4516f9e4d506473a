//! Parameters of COM_STMT_EXECUTE: types, null bitmap and binary values.

use bytes::Bytes;

use crate::column::ColumnType;
use crate::error::{Error, ErrorPacket, Result};
use crate::packet::Decoder;

const UNSIGNED_FLAG: u8 = 0x80;

/// Parameters and attributes together; MySQL counts parameters in 16 bits.
const PARAMETERS_MAX: u64 = 65_535;

/// Declared type of one parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParameterType {
    pub(crate) kind: ColumnType,
    pub(crate) unsigned: bool,
}

/// One bound parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub kind: ColumnType,
    pub unsigned: bool,
    pub value: ParameterValue,
}

/// The value as the client encoded it; conversion to the statement's types is the handler's business.
#[derive(Clone, Debug, PartialEq)]
pub enum ParameterValue {
    Null,
    Int(i64),
    UInt(u64),
    Float(f32),
    Double(f64),
    /// Text, blobs, DECIMAL, JSON, ENUM, SET, BIT: see `kind`.
    Bytes(Bytes),
    /// DATE, DATETIME and TIMESTAMP.
    Datetime(DatetimeParts),
    Time(TimeParts),
}

/// Calendar fields as sent; ranges are not checked here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatetimeParts {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub micro: u32,
}

/// A signed span of time as sent; hours of a day and days apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeParts {
    pub negative: bool,
    pub days: u32,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub micro: u32,
}

/// How the parameters of an execution are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// CLIENT_QUERY_ATTRIBUTES: their number is in the packet, and each type has a name. What is beyond the statement's
    /// own parameters are attributes.
    pub(crate) named: bool,
    /// PARAMETER_COUNT_AVAILABLE: the number is there even for a statement without parameters.
    pub(crate) counted: bool,
}

/// Decodes the part of COM_STMT_EXECUTE behind the iteration count. `types` are those of the last execution, used when
/// the client does not send them again; `long_data(i)` is what COM_STMT_SEND_LONG_DATA collected for parameter i.
/// Query attributes are read and dropped, as by a MySQL without the component that shows them.
pub(crate) fn decode(
    body: &Bytes,
    count: usize,
    types: &mut Vec<ParameterType>,
    layout: Layout,
    mut long_data: impl FnMut(usize) -> Option<Bytes>,
) -> Result<Vec<Parameter>> {
    if count == 0 && !(layout.named && layout.counted) {
        return Ok(Vec::new());
    }
    let mut decoder = Decoder::new(body);
    let sent = if layout.named { decode_count(&mut decoder)? } else { count };
    let attributes = sent
        .checked_sub(count)
        .ok_or_else(|| ErrorPacket::new(1210, "HY000", "Incorrect arguments to COM_STMT_EXECUTE"))?;
    if sent == 0 {
        return Ok(Vec::new());
    }
    let nulls = decoder.bytes(sent.div_ceil(8))?;
    let mut attribute_types = Vec::new();
    if decoder.u8()? != 0 {
        *types = decode_types(&mut decoder, sent, layout.named)?;
        attribute_types = types.split_off(count);
    }
    if types.len() != count || attribute_types.len() != attributes {
        return Err(Error::Malformed("parameter types were never sent"));
    }
    let mut parameters = Vec::with_capacity(count);
    for (index, declared) in types.iter().enumerate() {
        let value = match long_data(index) {
            Some(data) => ParameterValue::Bytes(data),
            None if is_null(nulls, index) => ParameterValue::Null,
            None => decode_value(&mut decoder, body, *declared)?,
        };
        parameters.push(Parameter { kind: declared.kind, unsigned: declared.unsigned, value });
    }
    for (index, declared) in attribute_types.iter().enumerate() {
        if !is_null(nulls, count + index) {
            decode_value(&mut decoder, body, *declared)?;
        }
    }
    Ok(parameters)
}

/// The statement of a COM_QUERY behind its attributes.
pub(crate) fn skip_attributes(body: &Bytes) -> Result<Bytes> {
    let mut decoder = Decoder::new(body);
    let count = decode_count(&mut decoder)?;
    if decoder.lenenc_int()? != 1 {
        return Err(Error::Malformed("more than one set of query attributes"));
    }
    if count > 0 {
        let nulls = decoder.bytes(count.div_ceil(8))?;
        if decoder.u8()? != 1 {
            return Err(Error::Malformed("query attributes without types"));
        }
        for (index, declared) in decode_types(&mut decoder, count, true)?.iter().enumerate() {
            if !is_null(nulls, index) {
                decode_value(&mut decoder, body, *declared)?;
            }
        }
    }
    Ok(body.slice_ref(decoder.rest()))
}

fn is_null(nulls: &[u8], index: usize) -> bool {
    nulls.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

fn decode_count(decoder: &mut Decoder<'_>) -> Result<usize> {
    match decoder.lenenc_int()? {
        count @ 0..=PARAMETERS_MAX => Ok(count as usize),
        _ => Err(Error::Malformed("number of parameters")),
    }
}

fn decode_types(decoder: &mut Decoder<'_>, count: usize, named: bool) -> Result<Vec<ParameterType>> {
    let mut types = Vec::with_capacity(count.min(decoder.remaining()));
    for _ in 0..count {
        let [kind, flags] = decoder.array::<2>()?;
        let kind = ColumnType::from_byte(kind).ok_or(Error::Malformed("unknown parameter type"))?;
        types.push(ParameterType { kind, unsigned: flags & UNSIGNED_FLAG != 0 });
        if named {
            decoder.lenenc_bytes()?;
        }
    }
    Ok(types)
}

fn decode_value(decoder: &mut Decoder<'_>, body: &Bytes, declared: ParameterType) -> Result<ParameterValue> {
    let integer = |signed: i64, unsigned: u64| {
        if declared.unsigned { ParameterValue::UInt(unsigned) } else { ParameterValue::Int(signed) }
    };
    Ok(match declared.kind {
        ColumnType::Null => ParameterValue::Null,
        ColumnType::Tiny | ColumnType::Bool => {
            let raw = decoder.u8()?;
            integer(i64::from(raw as i8), u64::from(raw))
        }
        ColumnType::Short | ColumnType::Year => {
            let raw = decoder.u16()?;
            integer(i64::from(raw as i16), u64::from(raw))
        }
        ColumnType::Long | ColumnType::Int24 => {
            let raw = decoder.u32()?;
            integer(i64::from(raw as i32), u64::from(raw))
        }
        ColumnType::LongLong => {
            let raw = decoder.u64()?;
            integer(raw as i64, raw)
        }
        ColumnType::Float => ParameterValue::Float(f32::from_le_bytes(decoder.array()?)),
        ColumnType::Double => ParameterValue::Double(f64::from_le_bytes(decoder.array()?)),
        ColumnType::Date | ColumnType::NewDate | ColumnType::Datetime | ColumnType::Timestamp => {
            ParameterValue::Datetime(decode_datetime(decoder)?)
        }
        ColumnType::Time => ParameterValue::Time(decode_time(decoder)?),
        ColumnType::Decimal
        | ColumnType::NewDecimal
        | ColumnType::VarChar
        | ColumnType::Bit
        | ColumnType::Vector
        | ColumnType::Json
        | ColumnType::Enum
        | ColumnType::Set
        | ColumnType::TinyBlob
        | ColumnType::MediumBlob
        | ColumnType::LongBlob
        | ColumnType::Blob
        | ColumnType::VarString
        | ColumnType::String
        | ColumnType::Geometry => ParameterValue::Bytes(body.slice_ref(decoder.lenenc_bytes()?)),
    })
}

/// Length 0 is the zero date, 4 has no time, 7 no microseconds.
fn decode_datetime(decoder: &mut Decoder<'_>) -> Result<DatetimeParts> {
    let length = decoder.u8()?;
    let mut parts = DatetimeParts::default();
    if !matches!(length, 0 | 4 | 7 | 11) {
        return Err(Error::Malformed("length of a date parameter"));
    }
    if length >= 4 {
        parts.year = decoder.u16()?;
        [parts.month, parts.day] = decoder.array()?;
    }
    if length >= 7 {
        [parts.hour, parts.minute, parts.second] = decoder.array()?;
    }
    if length == 11 {
        parts.micro = decoder.u32()?;
    }
    Ok(parts)
}

/// Length 0 is zero, 8 has no microseconds.
fn decode_time(decoder: &mut Decoder<'_>) -> Result<TimeParts> {
    let length = decoder.u8()?;
    let mut parts = TimeParts::default();
    if !matches!(length, 0 | 8 | 12) {
        return Err(Error::Malformed("length of a time parameter"));
    }
    if length >= 8 {
        parts.negative = decoder.u8()? != 0;
        parts.days = decoder.u32()?;
        [parts.hour, parts.minute, parts.second] = decoder.array()?;
    }
    if length == 12 {
        parts.micro = decoder.u32()?;
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_all(body: &[u8], count: usize, types: &mut Vec<ParameterType>) -> Result<Vec<ParameterValue>> {
        let body = Bytes::copy_from_slice(body);
        Ok(decode(&body, count, types, Layout::default(), |_| None)?
            .into_iter()
            .map(|parameter| parameter.value)
            .collect())
    }

    #[test]
    fn every_width_and_sign() -> Result<()> {
        let mut types = Vec::new();
        let body = [
            &[0b0000_0100u8, 0][..],
            &[1],
            &[1, 0, 1, 0x80, 6, 0, 2, 0, 3, 0x80, 8, 0, 4, 0, 5, 0, 253, 0],
            &[0xff, 0xff],
            &[0xfe, 0xff],
            &[1, 0, 0, 0x80],
            &[0xff; 8],
            &1.5f32.to_le_bytes(),
            &(-2.25f64).to_le_bytes(),
            &[3, b'a', 0, 0xff],
        ]
        .concat();
        let expected = vec![
            ParameterValue::Int(-1),
            ParameterValue::UInt(255),
            ParameterValue::Null,
            ParameterValue::Int(-2),
            ParameterValue::UInt(0x8000_0001),
            ParameterValue::Int(-1),
            ParameterValue::Float(1.5),
            ParameterValue::Double(-2.25),
            ParameterValue::Bytes(Bytes::from_static(b"a\0\xff")),
        ];
        assert_eq!(decode_all(&body, 9, &mut types)?, expected);
        Ok(())
    }

    #[test]
    fn types_stay_from_one_execution_to_the_next() -> Result<()> {
        let mut types = Vec::new();
        assert!(decode_all(&[0, 0, 5], 1, &mut types).is_err(), "first execution without types");
        decode_all(&[0, 1, 1, 0, 5], 1, &mut types)?;
        assert_eq!(decode_all(&[0, 0, 7], 1, &mut types)?, vec![ParameterValue::Int(7)]);
        Ok(())
    }

    #[test]
    fn dates_and_times_of_every_length() -> Result<()> {
        let mut types = Vec::new();
        let body = [
            &[0u8, 1, 12, 0, 10, 0, 7, 0, 11, 0, 11, 0][..],
            &[0],
            &[4, 0xe8, 7, 2, 29],
            &[11, 0xe8, 7, 2, 29, 23, 59, 58, 0x3f, 0x42, 0x0f, 0],
            &[8, 1, 34, 0, 0, 0, 22, 59, 59],
            &[0],
        ]
        .concat();
        let day = DatetimeParts { year: 2024, month: 2, day: 29, ..DatetimeParts::default() };
        let expected = vec![
            ParameterValue::Datetime(DatetimeParts::default()),
            ParameterValue::Datetime(day),
            ParameterValue::Datetime(DatetimeParts {
                hour: 23,
                minute: 59,
                second: 58,
                micro: 999_999,
                ..day
            }),
            ParameterValue::Time(TimeParts {
                negative: true,
                days: 34,
                hour: 22,
                minute: 59,
                second: 59,
                micro: 0,
            }),
            ParameterValue::Time(TimeParts::default()),
        ];
        assert_eq!(decode_all(&body, 5, &mut types)?, expected);
        Ok(())
    }

    #[test]
    fn attributes_are_read_and_dropped() -> Result<()> {
        let named = Layout { named: true, counted: true };
        let run = |body: &'static [u8], count: usize, types: &mut Vec<ParameterType>, layout| {
            let parameters = decode(&Bytes::from_static(body), count, types, layout, |_| None)?;
            Ok::<_, Error>(parameters.into_iter().map(|parameter| parameter.value).collect::<Vec<_>>())
        };
        let x = vec![ParameterValue::Bytes(Bytes::from_static(b"x"))];
        let mut types = Vec::new();
        let two = b"\x02\0\x01\xfd\0\0\xfd\0\x01a\x01x\x01y";
        assert_eq!(run(two, 1, &mut types, named)?, x, "one parameter and one attribute");
        assert_eq!(run(b"\x01\0\0\x01x", 1, &mut types, named)?, x, "the parameter's type stays");
        assert!(run(b"\x02\0\0\x01x\x01y", 1, &mut types, named).is_err(), "an attribute's does not");
        let uncounted = Layout { counted: false, ..named };
        assert_eq!(run(b"\x01\0\x01\xfd\0\0\x01x", 1, &mut types, uncounted)?, x, "counted all the same");
        assert_eq!(run(b"", 0, &mut types, uncounted)?, []);
        assert_eq!(run(b"\x01\x01\x01\xfd\0\x01a", 0, &mut types, named)?, [], "an attribute that is NULL");
        let few = run(b"\0", 1, &mut types, named).err().and_then(|error| error.packet());
        assert_eq!(few.map(|packet| packet.code), Some(1210));
        Ok(())
    }

    #[test]
    fn a_query_starts_behind_its_attributes() -> Result<()> {
        let text = |packet: &'static [u8]| skip_attributes(&Bytes::from_static(packet));
        assert_eq!(text(b"\0\x01select 1")?, b"select 1"[..]);
        assert_eq!(text(b"\x01\x01\0\x01\xfd\0\x01a\x01bselect 2")?, b"select 2"[..]);
        assert_eq!(text(b"\x01\x01\x01\x01\xfd\0\x01aselect 3")?, b"select 3"[..]);
        for bad in [&b""[..], b"\0", b"\0\x02select 4", b"\x01\x01\0\0\x01bselect 5", b"\x05\x01\0"] {
            assert!(text(bad).is_err(), "{bad:?}");
        }
        Ok(())
    }

    #[test]
    fn a_type_of_no_meaning_is_malformed() {
        assert!(decode_all(&[0, 1, 100, 0, 5], 1, &mut Vec::new()).is_err());
        assert!(decode_all(&[0, 1, 12, 0, 5], 1, &mut Vec::new()).is_err());
    }
}
