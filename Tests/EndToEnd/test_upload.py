"""A large upload is streamed without being buffered in memory."""

import hashlib
import os
import random
import subprocess

import patience

MEBIBYTE = 1 << 20

# AddressSanitizer keeps freed memory for a while; here that would look like growth.
SMALL_QUARANTINE = ":quarantine_size_mb=4:thread_local_quarantine_size_kb=64"
ENVIRONMENT = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + SMALL_QUARANTINE}


def test_a_hundred_megabytes_come_back_intact_in_little_memory(start_gateway, tmp_path):
    server = start_gateway(extensions=["echo"], environment=ENVIRONMENT)
    original, copy = tmp_path / "original", tmp_path / "copy"
    original.write_bytes(random.Random(1).randbytes(100_000_000))
    upload(server, original, copy, "Content-Type: application/octet-stream")
    assert digest(copy) == digest(original)


def test_a_hundred_megabytes_come_back_chunked(start_gateway, tmp_path):
    server = start_gateway(extensions=["echo"], environment=ENVIRONMENT)
    original, copy = tmp_path / "original", tmp_path / "copy"
    original.write_bytes(random.Random(2).randbytes(100_000_000))
    upload(server, original, copy, "Transfer-Encoding: chunked")
    assert digest(copy) == digest(original)


def upload(server, original, copy, field):
    """Sends the file with curl and expects the gateway to have needed little memory for it."""
    curl = ["curl", "--silent", "--show-error", "--fail", "--http1.1", "--cacert", server.authority]
    # The first request includes one-time allocations.
    subprocess.run([*curl, "--data", "warm", server.url("/echo"), "--output", copy], check=True)
    before = server.resident_size
    largest = 0
    process = subprocess.Popen(
        [*curl, "--header", field, "--data-binary", f"@{original}", server.url("/echo"), "--output", copy]
    )
    while True:
        largest = max(largest, server.resident_size)
        try:
            assert process.wait(0.05) == 0
            break
        except subprocess.TimeoutExpired:
            continue
    largest = max(largest, server.resident_size)
    assert largest - before < 16 * MEBIBYTE * patience.FACTOR


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
