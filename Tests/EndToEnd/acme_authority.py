"""A small authority that speaks ACME, for what pebble does not have: windows for renewals, profiles, dns-persist-01, and
faults."""

import base64
import datetime
import hashlib
import http.server
import json
import ssl
import threading
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authority:
    """Serves on a port of its own; `fault` names what it does wrong, `validate_at` the port of the host it asks."""

    def __init__(self, certificates, validate_at):
        self.validate_at = validate_at
        self.fault = None
        self.window = None
        self.orders = []
        self.nonces = 0
        self.date_offset = datetime.timedelta()
        self.thumbprint = None
        # What it looks at for dns-persist-01: lists of texts by the name of the record; nil for http-01.
        self.texts = None
        self.identity = "small.test"
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Small Root")])
        self.certificate = self.sign(name, name, self.key.public_key(), [x509.BasicConstraints(True, None)])
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                authority.answer(self, None)

            def do_HEAD(self):
                authority.answer(self, None)

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                authority.answer(self, body)

            def date_time_string(self, timestamp=None):
                moment = datetime.datetime.now(datetime.timezone.utc) + authority.date_offset
                return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "localhost.pem", certificates / "localhost.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = f"https://localhost:{self.server.server_address[1]}"
        self.directory = self.base + "/dir"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def root(self, folder):
        file = folder / "small-root.pem"
        file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return file

    def sign(self, subject, issuer, key, extensions, begin=-DAY, end=90 * DAY):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now + begin)
        builder = builder.not_valid_after(now + end)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())

    # Requests

    def answer(self, handler, body):
        path = handler.path
        self.nonces += 1
        fields = {"Replay-Nonce": f"nonce-{self.nonces}", "Connection": "close"}
        payload = None
        if body is not None:
            protected = json.loads(decode(body["protected"]))
            if "jwk" in protected:
                canonical = json.dumps(protected["jwk"], separators=(",", ":"), sort_keys=True)
                self.thumbprint = encode(hashlib.sha256(canonical.encode()).digest())
            if body["payload"]:
                payload = json.loads(decode(body["payload"]))
        status, document = self.document(path, payload, fields)
        if isinstance(document, dict):
            fields.setdefault("Content-Type", "application/json")
            document = json.dumps(document).encode()
        handler.send_response(status)
        for name, value in fields.items():
            handler.send_header(name, value)
        if document is None:
            # Bytes without an end.
            handler.end_headers()
            try:
                while True:
                    handler.wfile.write(b" " * 65536)
            except OSError:
                return
        handler.send_header("Content-Length", str(len(document)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(document)

    def document(self, path, payload, fields):
        base = self.base
        if path == "/dir":
            names = {"newNonce": "/nonce", "newAccount": "/account", "newOrder": "/order", "renewalInfo": "/renewal"}
            found = {key: base + value for key, value in names.items()}
            return 200, found if self.texts is None else {**found, "meta": {"caaIdentities": [self.identity]}}
        if path == "/nonce":
            return 200, b""
        if path == "/account":
            fields["Location"] = base + "/account/1"
            return 201, {"status": "valid"}
        if path.startswith("/renewal/"):
            if self.window is None:
                return 404, b""
            start, end = self.window
            return 200, {"suggestedWindow": {"start": start, "end": end}}
        if path == "/order":
            return self.new_order(payload, fields)
        return self.of_order(path, payload)

    def new_order(self, payload, fields):
        if self.fault == "rate limit":
            fields.update({"Retry-After": "7200", "Content-Type": "application/problem+json"})
            return 429, {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many orders"}
        if self.fault == "nonsense":
            return 201, b"<html>"
        if self.fault == "endless":
            return 201, None
        if self.fault == "error":
            return 500, b""
        self.orders.append({"payload": payload, "status": "pending"})
        number = len(self.orders) - 1
        fields["Location"] = f"{self.base}/order/{number}"
        return 201, self.order(number)

    def order(self, number):
        order = self.orders[number]
        found = {
            "status": order["status"],
            "identifiers": order["payload"]["identifiers"],
            "authorizations": [
                f"{self.base}/authorization/{number}/{index}" for index in range(len(order["payload"]["identifiers"]))
            ],
            "finalize": f"{self.base}/finalize/{number}",
        }
        if order["status"] == "valid":
            found["certificate"] = f"{self.base}/certificate/{number}"
        return found

    def of_order(self, path, payload):
        kind, number, *rest = path.strip("/").split("/")
        order = self.orders[int(number)]
        if kind == "order":
            return 200, self.order(int(number))
        if kind == "authorization":
            proved = order.setdefault("proved", set())
            index = int(rest[0])
            status = "valid" if index in proved else order.get("failed", "pending")
            challenge = {"url": f"{self.base}/challenge/{number}/{index}", "status": status}
            if self.texts is None:
                challenge.update({"type": "http-01", "token": f"token-{number}-{index}"})
            else:
                challenge.update({"type": "dns-persist-01", "issuer-domain-names": [self.identity]})
            if status == "invalid":
                challenge["error"] = {"type": "urn:ietf:params:acme:error:unauthorized", "detail": "no such record"}
            identifier = dict(order["payload"]["identifiers"][index])
            found = {"status": status, "identifier": identifier, "challenges": [challenge]}
            if identifier["value"].startswith("*."):
                identifier["value"] = identifier["value"][2:]
                found["wildcard"] = True
            return 200, found
        if kind == "challenge":
            if self.texts is not None:
                return self.look(order, int(rest[0]))
            token = f"token-{number}-{rest[0]}"
            url = f"http://127.0.0.1:{self.validate_at}/.well-known/acme-challenge/{token}"
            with urllib.request.urlopen(url) as response:
                assert response.read().decode() == f"{token}.{self.thumbprint}"
            order["proved"].add(int(rest[0]))
            if len(order["proved"]) == len(order["payload"]["identifiers"]):
                order["status"] = "ready"
            return 200, {"status": "valid"}
        if kind == "finalize":
            order["request"] = x509.load_der_x509_csr(decode(payload["csr"]))
            order["status"] = "valid"
            return 200, self.order(int(number))
        return 200, self.issue(order)

    def look(self, order, index):
        """Validates a name by its record that stays (draft-ietf-acme-dns-persist)."""
        name = order["payload"]["identifiers"][index]["value"]
        domain = name.removeprefix("*.")
        for text in self.texts.get(f"_validation-persist.{domain}", []):
            issuer, *parameters = [part.strip() for part in text.split(";")]
            values = dict(each.split("=", 1) for each in parameters)
            is_known = issuer == self.identity and values["accounturi"] == self.base + "/account/1"
            if is_known and (domain == name or values.get("policy") == "wildcard"):
                order["proved"].add(index)
        if index not in order["proved"]:
            order["status"] = order["failed"] = "invalid"
        elif len(order["proved"]) == len(order["payload"]["identifiers"]):
            order["status"] = "ready"
        return 200, {"status": "processing"}

    def issue(self, order):
        names = [each["value"] for each in order["payload"]["identifiers"]]
        key = order["request"].public_key()
        begin = -DAY
        if self.fault == "other names":
            names = ["other.test"]
        if self.fault == "other key":
            key = ec.generate_private_key(ec.SECP256R1()).public_key()
        if self.fault == "future":
            begin = DAY
        extensions = [
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
        ]
        made = self.sign(x509.Name([]), self.certificate.subject, key, extensions, begin)
        return made.public_bytes(serialization.Encoding.PEM)
