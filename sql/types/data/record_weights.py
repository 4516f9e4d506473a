#!/usr/bin/env python3
"""Records collation weights from a running MySQL server into the data files next to this script.

    MYSQL="mysql -h127.0.0.1 -uroot" python3 record_weights.py

Files (all integers are LEB128 varints, signed ones zigzag):
  uca900.bin   code points whose UCA 9.0.0 weights are not implicit:
               delta of code point, count of primaries, primaries as deltas to the previous primary,
               then the secondary and the tertiary level as count + 1 and values, or 0 for "all common".
  uca400.bin   the same for utf8mb4_unicode_ci, primaries only.
  general.bin  delta of code point, weight as delta to the code point, where it is not the code point.
  latin1.bin   256 weights of latin1_swedish_ci, one byte each.
"""
import os
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def rows(collation, charset, last):
    number = "convert(convert(unhex(lpad(hex(n),8,'0')) using utf32) using %s)" % charset
    query = (
        "set cte_max_recursion_depth=2000000; with recursive s as (select 1 n union all select n+1 from s where n<%d) "
        "select n, hex(weight_string(%s collate %s)) from s where n not between 55296 and 57343" % (last, number, collation)
    )
    command = shlex.split(os.environ.get("MYSQL", "mysql")) + ["-Nse", query]
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        code, weights = line.split("\t")
        yield int(code), weights


def words(text):
    levels = [[]]
    for i in range(0, len(text), 4):
        word = int(text[i : i + 4], 16)
        if word == 0:
            levels.append([])
        else:
            levels[-1].append(word)
    return levels + [[]] * (3 - len(levels))


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    return varint(value * 2 if value >= 0 else -value * 2 - 1)


def level(values, common, count):
    if values == [common] * count:
        return varint(0)
    return varint(len(values) + 1) + b"".join(varint(v) for v in values)


HAN_COMPATIBILITY = {0xFA0E, 0xFA0F, 0xFA11, 0xFA13, 0xFA14, 0xFA1F, 0xFA21, 0xFA23, 0xFA24, 0xFA27, 0xFA28, 0xFA29}
HAN_EXTENSIONS = [(0x3400, 0x4DB5), (0x20000, 0x2A6D6), (0x2A700, 0x2B734), (0x2B740, 0x2B81D), (0x2B820, 0x2CEA1)]


def implicit900(code):
    if 0x17000 <= code <= 0x18AFF:
        return [0xFB00, code - 0x17000 | 0x8000]
    if 0x4E00 <= code <= 0x9FD5 or code in HAN_COMPATIBILITY:
        base = 0xFB40
    elif any(a <= code <= b for a, b in HAN_EXTENSIONS):
        base = 0xFB80
    else:
        base = 0xFBC0
    return [base + (code >> 15), code & 0x7FFF | 0x8000]


def implicit400(code):
    base = 0xFB40 if 0x4E00 <= code <= 0x9FA5 else 0xFB80 if 0x3400 <= code <= 0x4DB5 else 0xFBC0
    return [base + (code >> 15), code & 0x7FFF | 0x8000]


def pack(entries, levels):
    out, last_code, last_weight = bytearray(), 0, 0
    for code, (primary, secondary, tertiary) in entries:
        out += varint(code - last_code) + varint(len(primary))
        last_code = code
        for weight in primary:
            out += zigzag(weight - last_weight)
            last_weight = weight
        if levels == 3:
            out += level(secondary, 0x20, len(primary)) + level(tertiary, 2, len(primary))
    return bytes(out)


def save(name, data):
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(data)
    print(name, len(data), "bytes", file=sys.stderr)


def main():
    entries = []
    for code, text in rows("utf8mb4_0900_as_cs", "utf8mb4", 0x10FFFF):
        levels = words(text)
        if 0xAC00 <= code <= 0xD7A3 or levels == [implicit900(code), [0x20], [2]]:
            continue
        entries.append((code, levels))
    save("uca900.bin", pack(entries, 3))
    entries = []
    for code, text in rows("utf8mb4_unicode_ci", "utf8mb4", 0xFFFF):
        levels = words(text)
        if levels[0] != implicit400(code):
            entries.append((code, levels))
    save("uca400.bin", pack(entries, 1))
    out, last = bytearray(), 0
    for code, text in rows("utf8mb4_general_ci", "utf8mb4", 0xFFFF):
        weight = int(text or "0", 16)
        if weight != code:
            out += varint(code - last) + zigzag(weight - code)
            last = code
    save("general.bin", bytes(out))
    query = "with recursive s as (select 0 n union all select n+1 from s where n<255) select hex(weight_string(convert(unhex(lpad(hex(n),2,'0')) using latin1) collate latin1_swedish_ci)) from s"
    command = shlex.split(os.environ.get("MYSQL", "mysql")) + ["-Nse", query]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    save("latin1.bin", bytes(int(line, 16) for line in lines))


main()
