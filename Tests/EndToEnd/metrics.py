"""Collects the metrics of a gateway with an admin listener."""

import re

BIND = {"bind": "127.0.0.1:0", "socket": "admin.sock"}
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\.)*)"')


def collect(server, *fields):
    with server.raw("admin") as client:
        response = client.get("/metrics", *fields)
    assert response.status == 200
    return response


class Metrics:
    """The samples of one collection."""

    def __init__(self, server):
        self.samples = {}
        for line in collect(server).text.splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = SAMPLE.fullmatch(line).groups()
            key = (name, frozenset(LABEL.findall(labels or "")))
            assert key not in self.samples, f"a series is there twice: {line}"
            self.samples[key] = float(value)

    def sum(self, name, **labels):
        """The sum of the samples with these labels among theirs."""
        wanted = set(labels.items())
        return sum(value for (one, its), value in self.samples.items() if one == name and wanted <= its)

    def labels(self, name):
        return [dict(labels) for one, labels in self.samples if one == name]
