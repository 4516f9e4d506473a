#!/usr/bin/env python3
"""Writes answers/qNN.tsv: DataFusion's own answers to queries/, over TPC-H files of scale factor 0.01.

    pip install datafusion==55.0.0 tpchgen-cli==4.0.0 && tests/tpch/reference.py [scale factor, folder of answers]

Run it after a change of the queries. The product cannot link DataFusion's SQL front end, so the answers
are recorded instead of computed beside it.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import datafusion
import pyarrow as pa

HERE = pathlib.Path(__file__).parent
TYPES = [("DECIMAL", pa.decimal128(15, 2)), ("DATE", pa.date32()), ("INT", pa.int64()), ("BIGINT", pa.int64())]


def schemas():
    """Arrow schemas out of the CREATE TABLE statements the test uses."""
    for name, body in re.findall(r"CREATE TABLE (\w+) \((.*)\);", (HERE / "tables.sql").read_text()):
        fields = []
        for column, kind in re.findall(r"(\w+_\w+) (INT|BIGINT|CHAR|VARCHAR|DECIMAL|DATE)\b", body):
            fields.append(pa.field(column, dict(TYPES).get(kind, pa.string())))
        yield name, pa.schema(fields)


def text(value):
    return "NULL" if value is None else str(value)


def main():
    folder = pathlib.Path(tempfile.mkdtemp())
    tool = pathlib.Path(sys.executable).parent / "tpchgen-cli"
    scale, answers = sys.argv[1:3] if len(sys.argv) > 2 else ("0.01", HERE / "answers")
    answers = pathlib.Path(answers)
    subprocess.run([tool, "csv", "-s", scale, "--output-dir", folder], check=True)
    config = datafusion.SessionConfig({"datafusion.sql_parser.parse_float_as_decimal": "true"})
    context = datafusion.SessionContext(config)
    for name, schema in schemas():
        context.register_csv(name, folder / f"{name}.csv", schema=schema, has_header=True)
    answers.mkdir(exist_ok=True)
    for query in sorted((HERE / "queries").glob("*.sql")):
        rows = []
        for batch in context.sql(query.read_text()).collect():
            columns = [column.to_pylist() for column in batch.columns]
            rows.extend("\t".join(text(column[row]) for column in columns) for row in range(batch.num_rows))
        (answers / f"{query.stem}.tsv").write_text("".join(row + "\n" for row in rows))
        print(f"{query.stem}: {len(rows)} rows")


if __name__ == "__main__":
    main()
