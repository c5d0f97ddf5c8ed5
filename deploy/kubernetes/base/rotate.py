"""Rotates the keys of session tickets, which all pods share, in a Secret.

    rotate.py [--if-missing]

The file has three keys of 80 bytes. The first makes new tickets; the second makes them after the next rotation, when
every pod has long had it; the third is the first of before, for the tickets that are still in use.
"""

import base64
import json
import os
import secrets
import ssl
import sys
import urllib.error
import urllib.request

ACCOUNT = os.environ.get("SERVICE_ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount")
SIZE = 80


def main():
    secret = request("GET")
    keys = base64.b64decode(secret.get("data", {}).get("keys", ""))
    if keys and "--if-missing" in sys.argv[1:]:
        return print("there are keys already")
    data = {"keys": base64.b64encode(rotated(keys)).decode()}
    # Refused with 409 when another job was faster.
    version = secret["metadata"]["resourceVersion"]
    request("PATCH", {"metadata": {"resourceVersion": version}, "data": data})
    print("the keys are rotated" if keys else "the first keys are made")


def rotated(keys):
    """The file after a rotation; a file of another form is replaced."""
    if len(keys) != 3 * SIZE:
        return secrets.token_bytes(3 * SIZE)
    current, following = keys[:SIZE], keys[SIZE : 2 * SIZE]
    return following + secrets.token_bytes(SIZE) + current


def request(method, content=None):
    """Reads or changes the Secret, and returns it."""
    with open(f"{ACCOUNT}/token") as file:
        token = file.read().strip()
    with open(f"{ACCOUNT}/namespace") as file:
        namespace = file.read().strip()
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    host = f"[{host}]" if ":" in host else host
    asked = urllib.request.Request(
        f"https://{host}:{port}/api/v1/namespaces/{namespace}/secrets/{os.environ['SECRET']}",
        method=method,
        data=json.dumps(content).encode() if content else None,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"},
    )
    context = ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt")
    try:
        with urllib.request.urlopen(asked, context=context, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as failure:
        sys.exit(f"{method} of the Secret: {failure.code} {failure.read(2000).decode(errors='replace')}")
    except OSError as failure:
        sys.exit(f"{method} of the Secret: {failure}")


if __name__ == "__main__":
    main()
