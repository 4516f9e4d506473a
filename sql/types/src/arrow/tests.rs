//! Every kind of value survives a trip through an array.

use super::*;
use crate::{Collation, Decimal, Duration, FieldType, Json, PackedDatetime, Value};

#[test]
fn values_round_trip() {
    let decimal: Decimal = "-123.45".parse().expect("decimal");
    let wide: Decimal = "12345678901234567890123456789012345678901234567890.5".parse().expect("decimal");
    let cases = [
        (FieldType::bigint(), Value::Int(-5)),
        (FieldType::ubigint(), Value::UInt(u64::MAX)),
        (FieldType::year(), Value::UInt(2024)),
        (FieldType::float(), Value::Float(1.5)),
        (FieldType::double(), Value::Double(-0.1)),
        (FieldType::decimal(10, 2), Value::Decimal(decimal)),
        (FieldType::decimal(60, 1), Value::Decimal(wide)),
        (FieldType::datetime(6), Value::Datetime(PackedDatetime::date(2024, 2, 29))),
        (FieldType::time(0), Value::Duration(Duration::MIN)),
        (FieldType::varchar(9, Collation::DEFAULT), Value::text("é")),
        (FieldType::varbinary(9), Value::Bytes(vec![0xFF, 0].into())),
        (FieldType::json(), Value::Json(Json::Array(vec![Json::Int(1)]))),
    ];
    for (ty, value) in cases {
        let mut builder = ValueBuilder::new(&ty, 2);
        builder.append(&value).expect("fits");
        builder.append(&Value::Null).expect("NULL fits");
        let array = builder.finish();
        assert_eq!(array.data_type(), &ty.arrow_type());
        assert_eq!(value_at(&array, &ty, 0).expect("readable"), value, "{ty:?}");
        assert_eq!(value_at(&array, &ty, 1).expect("readable"), Value::Null);
    }
}
