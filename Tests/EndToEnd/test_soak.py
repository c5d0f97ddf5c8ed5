"""A short soak test: all kinds of requests at the same time, and no leaks in the end."""

import gateway
import soak


def test_mixed_clients_leave_nothing_behind(start_gateway, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"0123456789" * 100_000)
    server = start_gateway(sites=[gateway.site(soak.routes())], extensions=soak.EXTENSIONS, log={})
    soak.soak(server, file, 4)
