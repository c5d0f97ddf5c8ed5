"""Requests and responses that two programs in a chain might parse differently, and the required result.

A request is either refused before any server receives it, or reaches the server as one request that every program
parses alike. `TAIL` follows every request: it must be answered as a separate request, or not at all.
"""

import re

HOST = "Host: a\r\n"
TAIL = "GET /tail HTTP/1.1\r\nHost: a\r\n\r\n"


def post(*fields, body="", line="POST /x HTTP/1.1", host=HOST):
    return f"{line}\r\n{host}" + "".join(f"{field}\r\n" for field in fields) + f"\r\n{body}"


def get(line="GET /x HTTP/1.1", *fields, host=HOST):
    return post(*fields, line=line, host=host)


def chunked(body, *fields):
    return post("Transfer-Encoding: chunked", *fields, body=body)


END = "0\r\n\r\n"
CHUNK = "5\r\nhello\r\n"

# Refused: no server receives them, and what follows is not served.
REFUSED = {}

# Whitespace, line ends and bytes in the request line.
for name, line in {
    "two spaces behind the method": "GET  /x HTTP/1.1",
    "two spaces before the version": "GET /x  HTTP/1.1",
    "a tab for a space": "GET\t/x HTTP/1.1",
    "a tab before the version": "GET /x\tHTTP/1.1",
    "a form feed": "GET /x\fHTTP/1.1",
    "a vertical tab": "GET\v/x HTTP/1.1",
    "a space at the end": "GET /x HTTP/1.1 ",
    "a space at the beginning": " GET /x HTTP/1.1",
    "a space in the target": "GET /x y HTTP/1.1",
    "a CR in the target": "GET /x\ry HTTP/1.1",
    "a CR for a space": "GET\r/x HTTP/1.1",
    "a CR at the end": "GET /x HTTP/1.1\r",
    "a NUL in the target": "GET /x\0 HTTP/1.1",
    "a NUL in the method": "GE\0T /x HTTP/1.1",
    "a byte above ASCII": "GET /\xe9 HTTP/1.1",
    "DEL in the target": "GET /\x7f HTTP/1.1",
    "a fragment": "GET /x#f HTTP/1.1",
    "no version": "GET /x",
    "no target": "GET HTTP/1.1",
    "only a method": "GET",
    "an empty method": " /x HTTP/1.1",
    "a method with a separator": "G@T /x HTTP/1.1",
    "a method with a colon": "GET: /x HTTP/1.1",
    "a quoted method": '"GET" /x HTTP/1.1',
    "HTTP/0.9": "GET /x HTTP/0.9",
    "HTTP/2.0": "GET /x HTTP/2.0",
    "HTTP/3": "GET /x HTTP/3",
    "HTTP/1": "GET /x HTTP/1",
    "HTTP/1.": "GET /x HTTP/1.",
    "HTTP/.1": "GET /x HTTP/.1",
    "HTTP/1.10": "GET /x HTTP/1.10",
    "HTTP/01.1": "GET /x HTTP/01.1",
    "HTTP/1.01": "GET /x HTTP/1.01",
    "HTTP/1,1": "GET /x HTTP/1,1",
    "HTTP/+1.1": "GET /x HTTP/+1.1",
    "HTTP/1.-1": "GET /x HTTP/1.-1",
    "HTTP/1.1 in small letters": "GET /x http/1.1",
    "HtTP/1.1": "GET /x HtTP/1.1",
    "HTTP 1.1": "GET /x HTTP 1.1",
    "HTTP/1.1x": "GET /x HTTP/1.1x",
    "HTTP/ 1.1": "GET /x HTTP/ 1.1",
    "HTTPS/1.1": "GET /x HTTPS/1.1",
    "the preface of HTTP/2": "PRI * HTTP/2.0",
    "a relative target": "GET x HTTP/1.1",
    "an empty target": "GET  HTTP/1.1",
    "an asterisk for GET": "GET * HTTP/1.1",
    "two asterisks": "OPTIONS ** HTTP/1.1",
    "a host for GET": "GET a:80 HTTP/1.1",
    "an absolute target without a host": "GET http:///x HTTP/1.1",
    "an absolute target with a user": "GET http://u@a/x HTTP/1.1",
    "an absolute target with a password": "GET http://u:p@a/x HTTP/1.1",
    "an absolute target with an empty user": "GET http://@a/x HTTP/1.1",
    "an absolute target with a port too large": "GET http://a:65536/x HTTP/1.1",
    "an absolute target with letters for a port": "GET http://a:b/x HTTP/1.1",
    "an absolute target with a bad host": "GET http://a,b/x HTTP/1.1",
    "an absolute target with a backslash": "GET http://a\\b/x HTTP/1.1",
    "an absolute target with an address cut off": "GET http://[::1/x HTTP/1.1",
    "an absolute target with a zone": "GET http://[fe80::1%25eth0]/x HTTP/1.1",
    "an absolute target with one slash": "GET http:/a/x HTTP/1.1",
    "an absolute target without slashes": "GET http:a/x HTTP/1.1",
    "another scheme": "GET ftp://a/x HTTP/1.1",
    "a file": "GET file:///etc/passwd HTTP/1.1",
    "a script": "GET javascript:alert(1) HTTP/1.1",
    "https without TLS": "GET https://a/x HTTP/1.1",
    "a tunnel": "CONNECT a:443 HTTP/1.1",
    "a tunnel without a port": "CONNECT a HTTP/1.1",
    "a tunnel to a path": "CONNECT /x HTTP/1.1",
    "a tunnel to an absolute target": "CONNECT http://a:80/ HTTP/1.1",
    "a percent sign alone": "GET /% HTTP/1.1",
    "half an escape": "GET /%4 HTTP/1.1",
    "no hexadecimal escape": "GET /%zz HTTP/1.1",
    "an escape of IIS": "GET /%u0041 HTTP/1.1",
    "an escaped NUL": "GET /x%00 HTTP/1.1",
    "an escaped line break": "GET /x%0d%0aA:%20b HTTP/1.1",
    "an escaped DEL": "GET /%7f HTTP/1.1",
    "a way above the root": "GET /../x HTTP/1.1",
    "an escaped way above the root": "GET /%2e%2e/x HTTP/1.1",
    "a way above the root behind a slash": "GET /x/..%2f../y HTTP/1.1",
    "a backslash": "GET /x\\y HTTP/1.1",
    "an escaped backslash": "GET /x%5cy HTTP/1.1",
    "a backslash for the slash": "GET \\x HTTP/1.1",
}.items():
    REFUSED[f"request line: {name}"] = get(line)

for name, text in {
    "LF behind the request line": f"GET /x HTTP/1.1\n{HOST}\r\n",
    "LF behind a field": "GET /x HTTP/1.1\r\nHost: a\n\r\n",
    "LF for the empty line": f"GET /x HTTP/1.1\r\n{HOST}\n",
    "LF everywhere": "GET /x HTTP/1.1\nHost: a\n\n",
    "LF CR": "GET /x HTTP/1.1\n\rHost: a\n\r\n\r",
    "CR everywhere": "GET /x HTTP/1.1\rHost: a\r\r\r\n\r\n",
    "CR CR LF": "GET /x HTTP/1.1\r\r\nHost: a\r\r\n\r\r\n",
    "an empty line of LF first": "\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "two empty lines first": "\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a CR first": "\rGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a NUL first": "\0GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a byte order mark first": "\xef\xbb\xbfGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a response": "HTTP/1.1 200 OK\r\nHost: a\r\n\r\n",
    "a field before the request line": "Host: a\r\nGET /x HTTP/1.1\r\n\r\n",
    "LF before a forged request": post("Content-Length: 0\nX: y"),
    "a PROXY header that nobody asked for": "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS": "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n",
}.items():
    REFUSED[f"lines: {name}"] = text

# Fields.
for name, field in {
    "a space before the colon": "A : b",
    "a tab before the colon": "A\t: b",
    "a space in the name": "A b: c",
    "a space before the name": " A: b",
    "a tab before the name": "\tA: b",
    "no colon": "A",
    "only a colon": ":",
    "an empty name": ": b",
    "a NUL in the name": "A\0: b",
    "a NUL in the value": "A: b\0c",
    "a CR in the value": "A: b\rc",
    "a CR before the colon": "A\r: b",
    "a bell": "A: \x07",
    "DEL": "A: \x7f",
    "ESC": "A: \x1b[0m",
    "a form feed in the value": "A: b\fc",
    "a vertical tab in the value": "A: \vb",
    "a form feed before the value": "Transfer-Encoding:\fchunked",
    "a byte above ASCII in the name": "\xe9: b",
    "a soft hyphen in the name": "Content\xadLength: 5",
    "a quote in the name": 'A": b',
    "a bracket in the name": "A(: b",
    "a slash in the name": "A/B: c",
    "an at sign in the name": "A@B: c",
    "a folded line": "A: b\r\n c",
    "a line folded by a tab": "A: b\r\n\tc",
    "a folded line that looks like a field": "A: b\r\n Content-Length: 5",
    "a folded empty line": "A:\r\n \r\n b",
    "a folded name": "Content-\r\n Length: 5",
    "a folded length": "Content-Length:\r\n 5",
    "a folded coding": "Transfer-Encoding:\r\n chunked",
}.items():
    REFUSED[f"field: {name}"] = post(field)
    REFUSED[f"first field: {name}"] = f"GET /x HTTP/1.1\r\n{field}\r\n{HOST}\r\n"

# Host.
for name, host in {
    "none": "",
    "an empty one": "Host:\r\n",
    "one of spaces": "Host:   \r\n",
    "two": HOST * 2,
    "two that differ": "Host: a\r\nHost: b\r\n",
    "two in different letters": "Host: a\r\nhost: a\r\n",
    "the second empty": "Host: a\r\nHost:\r\n",
    "a list": "Host: a,b\r\n",
    "a list with a space": "Host: a, b\r\n",
    "a space": "Host: a b\r\n",
    "a tab": "Host: a\tb\r\n",
    "a user": "Host: u@a\r\n",
    "an empty user": "Host: @a\r\n",
    "a path": "Host: a/b\r\n",
    "a URL": "Host: http://a\r\n",
    "a query": "Host: a?b\r\n",
    "a fragment": "Host: a#b\r\n",
    "a backslash": "Host: a\\b\r\n",
    "a quote": 'Host: "a"\r\n',
    "angle brackets": "Host: <a>\r\n",
    "a semicolon": "Host: a;b\r\n",
    "an escape": "Host: a%2eb\r\n",
    "a percent sign": "Host: a%\r\n",
    "only a port": "Host: :80\r\n",
    "only a colon": "Host: :\r\n",
    "two ports": "Host: a:80:80\r\n",
    "a port too large": "Host: a:65536\r\n",
    "a port far too large": "Host: a:99999999999999999999\r\n",
    "a negative port": "Host: a:-1\r\n",
    "a signed port": "Host: a:+80\r\n",
    "a port in hexadecimal": "Host: a:0x50\r\n",
    "letters for a port": "Host: a:http\r\n",
    "a space before the port": "Host: a: 80\r\n",
    "a space in the port": "Host: a:8 0\r\n",
    "an address cut off": "Host: [::1\r\n",
    "an address without brackets": "Host: ::1\r\n",
    "an empty address": "Host: []\r\n",
    "an address with a zone": "Host: [fe80::1%25eth0]\r\n",
    "an address with a bare zone": "Host: [fe80::1%eth0]\r\n",
    "an address of the future": "Host: [v1.a]\r\n",
    "a name in brackets": "Host: [a]\r\n",
    "text behind the brackets": "Host: [::1]a\r\n",
    "IPv4 in brackets": "Host: [127.0.0.1]\r\n",
    "an address with too many groups": "Host: [1:2:3:4:5:6:7:8:9]\r\n",
    "a byte above ASCII": "Host: \xe9\r\n",
    "a NUL": "Host: a\0b\r\n",
    "an underscore instead of the hyphen and no Host": "X_Host: a\r\n",
    "a space before the colon": "Host : a\r\n",
    "a folded value": "Host:\r\n a\r\n",
}.items():
    REFUSED[f"host: {name}"] = get(host=host)
    REFUSED[f"host beside an absolute target: {name}"] = get("GET http://a/x HTTP/1.1", host=host)

# Lengths.
for value in [
    "", " ", "+5", "-5", "-0", "5,5", "5, 5", "5,6", "5;", "5 5", "0x5", "5.0", "5e0", "5a", "a5", "five", "0b101", "٥",
    '"5"', "5\t5", "99999999999999999999", "18446744073709551621", "9223372036854775808", "4294967301x", "5,", ",5", "(5)",
    "5\0", "\x0b5", "5\x0c", "NaN", "Infinity", "null", "5_0", "1 000", "5\x85", "\xa05", "5'", "0,5",
]:  # fmt: skip
    value = value.encode().decode("latin-1")
    REFUSED[f"length: {value!r}"] = post(f"Content-Length: {value}", body="hello")

for name, fields in {
    "two alike": ("Content-Length: 5", "Content-Length: 5"),
    "two that differ": ("Content-Length: 5", "Content-Length: 6"),
    "two in different letters": ("Content-Length: 5", "content-length: 5"),
    "two far apart": ("Content-Length: 5", "A: b", "Content-Length: 0"),
    "one beside chunked": ("Content-Length: 5", "Transfer-Encoding: chunked"),
    "one behind chunked": ("Transfer-Encoding: chunked", "Content-Length: 5"),
    "zero beside chunked": ("Content-Length: 0", "Transfer-Encoding: chunked"),
    "one beside another coding": ("Content-Length: 5", "Transfer-Encoding: identity"),
    "an invalid one beside chunked": ("Content-Length: x", "Transfer-Encoding: chunked"),
    "a space before the colon": ("Content-Length : 5",),
    "one beside a folded one": ("Content-Length: 5", " Content-Length: 6"),
}.items():
    REFUSED[f"lengths: {name}"] = post(*fields, body=CHUNK + END)

# Transfer codings.
for value in [
    "", "identity", "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "chunked,", ",chunked", "chunked, identity",
    "identity, chunked", "xchunked", "chunkedx", "chunke", "chunked;a=b", "chunked;", '"chunked"', "'chunked'", "chunked\t,",
    "x, chunked", "chunked x", "chunked\x0b", "\x0bchunked", "chunked\x00", "cow", "deflate", "compress", "br", "chun ked",
    "\xa0chunked", "chunked\x85", "chunked\xa0", "chunKed, x", "gzip;q=0", "trailers",
]:  # fmt: skip
    REFUSED[f"coding: {value!r}"] = post(f"Transfer-Encoding: {value}", body=CHUNK + END)

for name, fields in {
    "chunked twice": ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "identity behind chunked": ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    "chunked behind identity": ("Transfer-Encoding: identity", "Transfer-Encoding: chunked"),
    "gzip on a line of its own": ("Transfer-Encoding: gzip", "Transfer-Encoding: chunked"),
    "an empty line first": ("Transfer-Encoding:", "Transfer-Encoding: chunked"),
    "a space before the colon": ("Transfer-Encoding : chunked",),
    "a tab before the colon": ("Transfer-Encoding\t: chunked",),
    "a folded one": ("Transfer-Encoding:", " chunked"),
    "one that a folded line hides": ("A: b", " Transfer-Encoding: chunked"),
    "a CR in the name": ("Transfer-\rEncoding: chunked",),
    "a NUL in the name": ("Transfer\0-Encoding: chunked",),
    "a name cut by LF": ("Transfer\n-Encoding: chunked",),
}.items():
    REFUSED[f"codings: {name}"] = post(*fields, body=CHUNK + END)

REFUSED["coding: chunked on HTTP/1.0"] = post("Transfer-Encoding: chunked", line="POST /x HTTP/1.0", body=CHUNK + END)
REFUSED["coding: gzip on HTTP/1.0"] = post("Transfer-Encoding: gzip", line="POST /x HTTP/1.0", body=CHUNK + END)
REFUSED["coding: chunked and a length on HTTP/1.0"] = post(
    "Transfer-Encoding: chunked", "Content-Length: 5", line="POST /x HTTP/1.0", body=CHUNK + END
)
for value in ["tea", "", "100-continue, tea", "100-Continue;q=1", "200-ok", "100 continue"]:
    REFUSED[f"expectation: {value!r}"] = post("Content-Length: 5", f"Expect: {value}", body="hello")

# Chunks: the head is valid, so a server may have received it; the request must never be complete there.
BROKEN = {}
for name, body in {
    "a size of nothing": "\r\nhello\r\n",
    "a size with a sign": "+5\r\nhello\r\n",
    "a negative size": "-5\r\nhello\r\n",
    "a size with 0x": "0x5\r\nhello\r\n",
    "a size with a space in front": " 5\r\nhello\r\n",
    "a size with a tab in front": "\t5\r\nhello\r\n",
    "a size with a letter behind": "5g\r\nhello\r\n",
    "a size with a space behind": "5 \r\nhello\r\n",
    "a size with a tab behind": "5\t\r\nhello\r\n",
    "a size with a space inside": "0 5\r\nhello\r\n",
    "a size with a comma": "5,5\r\nhello\r\n",
    "a size with a point": "5.0\r\nhello\r\n",
    "a size with an underscore": "0_5\r\nhello\r\n",
    "a size in quotes": '"5"\r\nhello\r\n',
    "a size with h behind": "5h\r\nhello\r\n",
    "a size of 2^32": "100000005\r\nhello\r\n",
    "a size of 2^63": "8000000000000000\r\nhello\r\n",
    "a size of 2^64": "10000000000000005\r\nhello\r\n",
    "a size of 2^64 less one": "ffffffffffffffff\r\nhello\r\n",
    "a size of 17 zeros and 5": "000000000000000005\r\nhello\r\n",
    "a size of many zeros": "0" * 5000 + "5\r\nhello\r\n",
    "a size with a NUL": "5\0\r\nhello\r\n",
    "a size behind a form feed": "\f5\r\nhello\r\n",
    "a size before a vertical tab": "5\v\r\nhello\r\n",
    "LF behind the size": "5\nhello\r\n",
    "CR behind the size": "5\rhello\r\n",
    "CR CR LF behind the size": "5\r\r\nhello\r\n",
    "LF CR behind the size": "5\n\rhello\r\n",
    "LF behind an extension": "5;a\nhello\r\n",
    "CR in an extension": "5;a\rb\r\nhello\r\n",
    "LF in an extension": '5;a="\n"\r\nhello\r\n',
    "a line break in quotes": '5;a="\r\n"\r\nhello\r\n',
    "a NUL in an extension": "5;a\0\r\nhello\r\n",
    "a bell in an extension": "5;a=\x07\r\nhello\r\n",
    "DEL in an extension": "5;a=\x7f\r\nhello\r\n",
    "an extension without its semicolon": "5 a=b\r\nhello\r\n",
    "an extension without a name": "5;\r\nhello\r\n",
    "an extension of a value alone": "5;=b\r\nhello\r\n",
    "an extension with half a quoted value": '5;a="b\r\nhello\r\n',
    "an extension with two values": "5;a=b=c\r\nhello\r\n",
    "an extension of two words": "5;a b\r\nhello\r\n",
    "an extension that looks like a size": "5;0\r\n;\r\nhello\r\n",
    "an endless extension": "5;" + "a" * 5000 + "\r\nhello\r\n",
    "data that is longer": "5\r\nhello!\r\n",
    "data that is shorter": "6\r\nhello\r\n",
    "LF behind the data": "5\r\nhello\n",
    "CR behind the data": "5\r\nhello\r",
    "nothing behind the data": "5\r\nhello",
    "a space behind the data": "5\r\nhello \r\n",
    "CR CR LF behind the data": "5\r\nhello\r\r\n",
    "LF LF behind the data": "5\r\nhello\n\n",
    "LF CR behind the data": "5\r\nhello\n\r",
    "two line breaks behind the data": "5\r\nhello\r\n\r\n",
    "another byte for CR": "5\r\nhelloX\n",
    "another byte for LF": "5\r\nhello\rX",
    "no chunk": "hello\r\n",
}.items():
    BROKEN[f"chunk: {name}"] = chunked(body + END)

for name, body in {
    "LF behind the last size": "0\n\r\n",
    "LF for the last line": "0\r\n\n",
    "CR for the last line": "0\r\n\rX",
    "LF LF": "0\n\n",
    "a space behind the last size": "0 \r\n\r\n",
    "a sign before the last size": "+0\r\n\r\n",
    "a minus before the last size": "-0\r\n\r\n",
    "0x0": "0x0\r\n\r\n",
    "a trailer without a colon": "0\r\nA\r\n\r\n",
    "a trailer with a space before the colon": "0\r\nA : b\r\n\r\n",
    "a trailer with a folded line": "0\r\nA: b\r\n c\r\n\r\n",
    "a trailer behind a space": "0\r\n A: b\r\n\r\n",
    "a trailer with LF": "0\r\nA: b\n\r\n",
    "a trailer with CR": "0\r\nA: b\rc\r\n\r\n",
    "a trailer with a NUL": "0\r\nA: b\0\r\n\r\n",
    "a trailer with an empty name": "0\r\n: b\r\n\r\n",
    "a request for a trailer": "0\r\nGET /forged HTTP/1.1\r\n\r\n",
    "a length for a trailer": "0\r\nContent-Length: 5\r\n\r\n",
    "a coding for a trailer": "0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a host for a trailer": "0\r\nHost: b\r\n\r\n",
    "an authorization for a trailer": "0\r\nAuthorization: Basic eA==\r\n\r\n",
    "endless trailers": "0\r\n" + "A: b\r\n" * 2000 + "\r\n",
}.items():
    BROKEN[f"last chunk: {name}"] = chunked(CHUNK + body)

# Served: one request with this body, and the next one as well.
SERVED = {
    "a length": (post("Content-Length: 5", body="hello"), "hello"),
    "a length of zero": (post("Content-Length: 0"), ""),
    "no length": (post(), ""),
    "a length with zeros": (post("Content-Length: 0005", body="hello"), "hello"),
    "a length with spaces around": (post("Content-Length: \t 5 \t", body="hello"), "hello"),
    "a length without a space": (post("Content-Length:5", body="hello"), "hello"),
    "a length in other letters": (post("cOnTeNt-LeNgTh: 5", body="hello"), "hello"),
    "chunked": (chunked(CHUNK + END), "hello"),
    "chunked in other letters": (post("tRaNsFeR-eNcOdInG: ChUnKeD", body=CHUNK + END), "hello"),
    "chunked with spaces around": (post("Transfer-Encoding: \t chunked \t", body=CHUNK + END), "hello"),
    "an empty chunked body": (chunked(END), ""),
    "capitals in a size": (chunked("A\r\nhellohello\r\n" + END), "hellohello"),
    "small letters in a size": (chunked("a\r\nhellohello\r\n" + END), "hellohello"),
    "zeros in a size": (chunked("005\r\nhello\r\n00\r\n\r\n"), "hello"),
    "a chunk extension": (chunked("5;a\r\nhello\r\n" + END), "hello"),
    "a chunk extension with a value": (chunked("5;a=b;c\r\nhello\r\n" + END), "hello"),
    "a chunk extension in quotes": (chunked('5;a="b;c"\r\nhello\r\n' + END), "hello"),
    "a chunk extension on the last": (chunked(CHUNK + "0;a=b\r\n\r\n"), "hello"),
    "white space before a chunk extension": (chunked("5 ; a=b\r\nhello\r\n" + END), "hello"),
    "a trailer": (chunked(CHUNK + "0\r\nX-Checksum: 1\r\n\r\n"), "hello"),
    "two chunks": (chunked(CHUNK * 2 + END), "hellohello"),
    "a body that looks like a request": (post(f"Content-Length: {len(TAIL)}", body=TAIL), TAIL),
    "a body that looks like the end of chunks": (post(f"Content-Length: {len(END)}", body=END), END),
    "a chunk that looks like a request": (chunked(f"{len(TAIL):x}\r\n{TAIL}\r\n" + END), TAIL),
    "a GET with a body": (post("Content-Length: 5", line="GET /x HTTP/1.1", body="hello"), "hello"),
    "a DELETE with chunks": (post("Transfer-Encoding: chunked", line="DELETE /x HTTP/1.1", body=CHUNK + END), "hello"),
    "a method in small letters": (get("get /x HTTP/1.1"), ""),
    "an unknown method": (get("BREW /x HTTP/1.1"), ""),
    "a method of odd letters": (get("M-SEARCH /x HTTP/1.1"), ""),
    "HTTP/1.2": (get("GET /x HTTP/1.2"), ""),
    "HTTP/1.9": (get("GET /x HTTP/1.9"), ""),
    "an absolute target": (get("GET http://a/x HTTP/1.1"), ""),
    "an absolute target in capitals": (get("GET HTTP://a/x HTTP/1.1"), ""),
    "an absolute target of another host": (get("GET http://b/x HTTP/1.1"), ""),
    "a host with a port": (get(host="Host: a:80\r\n"), ""),
    "a host with an empty port": (get(host="Host: a:\r\n"), ""),
    "an address": (get(host="Host: [::1]:80\r\n"), ""),
    "a host in other letters": (get(host="hOsT:A\r\n"), ""),
    "an empty line first": ("\r\n" + get(), ""),
    "a query with odd bytes": (get("GET /x?a=%00&b=\\&c=//.. HTTP/1.1"), ""),
    "an upgrade that nobody knows": (get("GET /x HTTP/1.1", "Connection: upgrade", "Upgrade: nothing"), ""),
    "h2c": (
        get("GET /x HTTP/1.1", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
        "",
    ),
    "websocket with a body": (
        post("Connection: upgrade", "Upgrade: websocket", "Content-Length: 5", body="hello"),
        "hello",
    ),
    "Connection naming Content-Length": (post("Connection: Content-Length", "Content-Length: 5", body="hello"), "hello"),
    "Connection naming Transfer-Encoding": (
        post("Connection: Transfer-Encoding", "Transfer-Encoding: chunked", body=CHUNK + END),
        "hello",
    ),
    "Connection naming Host": (get("GET /x HTTP/1.1", "Connection: Host"), ""),
    "an underscore in Content_Length": (post("Content_Length: 100"), ""),
    "an underscore in Transfer_Encoding": (post("Transfer_Encoding: chunked"), ""),
    "a length for another program": (post("X-Content-Length: 100", "Content-Length-X: 5"), ""),
    "TE": (post("TE: trailers, chunked", "Content-Length: 5", body="hello"), "hello"),
    "an empty field": (get("GET /x HTTP/1.1", "A:"), ""),
    "a byte above ASCII in a value": (get("GET /x HTTP/1.1", "A: \xe9"), ""),
    "a tab in a value": (get("GET /x HTTP/1.1", "A: b\tc"), ""),
    "every byte of a token in a name": (get("GET /x HTTP/1.1", "!#$%&'*+-.^_`|~09azAZ: b"), ""),
}


def ambiguous(head):
    """Whether a request that reached a server has anything that another program could parse differently."""
    lines = head.split(b"\r\n")
    names = [line.partition(b":")[0].lower().replace(b"_", b"-") for line in lines[1:] if line]
    lengths = names.count(b"content-length") + names.count(b"transfer-encoding")
    method, target, version = lines[0].split(b" ")
    return (
        lengths > 1
        or names.count(b"host") != 1
        or version != b"HTTP/1.1"
        or not target.startswith(b"/")
        or re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n", head) is not None
        or any(not re.fullmatch(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: .*", line, re.DOTALL) and line for line in lines[1:])
        and not all(re.match(rb"[^: ]+:", line) for line in lines[1:] if line)
        or b"upgrade" in names
        and b"h2c" in head
    )
