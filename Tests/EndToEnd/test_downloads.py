"""Many downloads of a large file at the same time take little memory each."""

import downloads
import gateway
import pytest

COUNT = 300


@pytest.mark.skipif("asan" in gateway.binary(), reason="AddressSanitizer keeps memory that was given back")
def test_downloads_at_the_same_time_take_little_memory(start_gateway, tmp_path):
    folder = tmp_path / "public"
    folder.mkdir()
    downloads.make_file(folder)
    server = start_gateway([{"path": "/*", "files": {"root": str(folder)}}], limits=downloads.LIMITS)
    before = downloads.most_memory(server)
    downloads.download(server, "/large.bin", COUNT)
    # A thousand of them stay below 200 MiB.
    assert downloads.most_memory(server) - before < COUNT * (180 << 20) // 1000
