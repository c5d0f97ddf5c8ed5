"""The reference of requests and variables names a test for each row, and has a row for each request and variable."""

import os
import re

import gateway


def read(*path):
    with open(os.path.join(gateway.ROOT, *path)) as file:
        return file.read()


def rows():
    return [line.split("|")[1:-1] for line in read("docs/isapi.md").splitlines() if line.startswith("| `")]


def test_each_row_names_a_test_that_is_there():
    sources = ""
    for folder in ["Tests/EndToEnd", "Tests/ISAPITests"]:
        for name in sorted(os.listdir(os.path.join(gateway.ROOT, folder))):
            if name.endswith((".py", ".swift")):
                sources += read(folder, name)
    named = [re.findall(r"`(\w+)`", row[-1]) for row in rows()]
    assert len(named) >= 80 and all(named)
    missing = [name for name in sum(named, []) if not re.search(rf"(def|func) {name}\(", sources)]
    assert missing == []


def test_each_request_of_the_header_has_a_row():
    header = read("CShims/CISAPI/include/httpext.h")
    requests = dict(re.findall(r"#define (HSE_(?:REQ|APPEND)_\w+) (\d+)", header))
    told = {re.search(r"`(\w+)`", row[0])[1]: row[1].strip() for row in rows()}
    bounds = {"HSE_REQ_BASE", "HSE_REQ_END_RESERVED"}
    assert {name: number for name, number in requests.items() if name not in bounds} == {
        name: number for name, number in told.items() if name in requests
    }


def test_each_variable_has_a_row():
    known = re.findall(r'\("(\w+)", \.\w+\)', read("Sources/ISAPI/Variables/ServerVariables.swift"))
    told = {name.lower() for row in rows() for name in re.findall(r"`(\w+)`", row[0])}
    assert [name for name in known if name not in told] == []
