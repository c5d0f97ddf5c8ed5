"""What deploy/kubernetes describes, as kustomize and Helm render it."""

import json
import os
import pathlib
import subprocess

import gateway
import yaml

FOLDER = pathlib.Path(gateway.ROOT) / "deploy" / "kubernetes"
TOOLS = pathlib.Path(os.environ.get("ISAGATE_KUBERNETES_TOOLS", pathlib.Path(gateway.ROOT) / ".build-kubernetes"))
VERSIONS = ["1.34", "1.35", "1.36", "1.37"]

VALIDATION = """
import json, sys, kubernetes_validate
asked = json.load(sys.stdin)
for document in asked["documents"]:
    for version in asked["versions"]:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            print(f"unknown {document['kind']}")
        except kubernetes_validate.ValidationError as error:
            print(f"wrong {version} {document['kind']} {document['metadata']['name']}: {error.message}")
"""


def run(program, *arguments):
    path = TOOLS / program
    assert path.exists(), f"{path} is missing; make test-requirements installs it"
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run([path, *arguments], capture_output=True, text=True, timeout=60, env=environment)


def kustomize(folder):
    """The objects of a base or an overlay."""
    outcome = run("kubectl", "kustomize", FOLDER / folder)
    assert outcome.returncode == 0, outcome.stderr
    return parse(outcome.stdout)


def helm(*settings, name="isagate"):
    """The objects of the chart with these values."""
    outcome = template(*settings, name=name)
    assert outcome.returncode == 0, outcome.stderr
    return parse(outcome.stdout)


def template(*settings, name="isagate"):
    options = [option for setting in settings for option in ("--set-json", setting)]
    return run("helm", "template", name, FOLDER / "chart", "--namespace", "isagate", *options)


def parse(text):
    return [document for document in yaml.safe_load_all(text) if document]


def validate(documents, versions=VERSIONS):
    """What is wrong with these objects, and the kinds that Kubernetes itself does not have."""
    outcome = subprocess.run(
        ["python3", "-c", VALIDATION],
        input=json.dumps({"documents": documents, "versions": versions}),
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(TOOLS / "python")},
    )
    assert outcome.returncode == 0, outcome.stderr
    lines = set(outcome.stdout.splitlines())
    return sorted(line for line in lines if line.startswith("wrong")), {
        line.split()[1] for line in lines if line.startswith("unknown")
    }


def find(documents, kind, name=None):
    """The object of this kind, and of this name."""
    (found,) = (
        document
        for document in documents
        if document["kind"] == kind and name in (None, document["metadata"]["name"])
    )
    return found


def pods(documents):
    """The template of every pod, by the kind and name of what makes it."""
    for document in documents:
        spec = document.get("spec", {})
        if document["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            yield f"{document['kind']} {document['metadata']['name']}", spec["template"]


def configuration(documents):
    """The text of the configuration file that the pods of the gateway get."""
    volumes = find(documents, "Deployment")["spec"]["template"]["spec"]["volumes"]
    (name,) = (volume["configMap"]["name"] for volume in volumes if volume["name"] == "configuration")
    return find(documents, "ConfigMap", name)["data"]["isagate.yaml"]
