"""Clients that send requests continuously while a test changes the gateway."""

import threading

import wire


class Load:
    """Some kept connections and one client that opens a new connection for each request; counts failures."""

    def __init__(self, server, kept=4, name="localhost", path="/ping"):
        self.server = server
        self.name = name
        self.path = path
        self.failures = []
        self.answers = 0
        self.changed = threading.Condition()
        self.is_ending = False
        targets = [self.ask_anew] + [self.keep_asking] * kept
        self.threads = [threading.Thread(target=target, daemon=True) for target in targets]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_for_answers(20)
        return self

    def __exit__(self, *_):
        self.is_ending = True
        for thread in self.threads:
            thread.join()

    def wait_for_answers(self, count):
        """Waits until `count` more requests were answered."""
        with self.changed:
            goal = self.answers + count
            assert self.changed.wait_for(lambda: self.answers >= goal, 60), f"no answers; {self.failures[:3]}"

    def ask_anew(self):
        while not self.is_ending:
            self.attempt(self.connect, lambda client: False)

    def keep_asking(self):
        while not self.is_ending:
            # The gateway announces the end of a connection.
            self.attempt(self.connect, lambda response: response["Connection"] != "close")

    def connect(self):
        sock = wire.connect(self.server.ports["secure"])
        return wire.Client(wire.start_tls(sock, self.server.context(), self.name))

    def attempt(self, connect, goes_on):
        try:
            client = connect()
        except OSError as failure:
            self.failures.append(("connect", failure))
            return
        with client:
            while True:
                try:
                    response = client.get(self.path, f"Host: {self.name}")
                    assert response.status == 200
                except Exception as failure:  # noqa: BLE001
                    self.failures.append(("request", failure))
                    return
                with self.changed:
                    self.answers += 1
                    self.changed.notify_all()
                if self.is_ending or not goes_on(response):
                    return
