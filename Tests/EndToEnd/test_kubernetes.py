"""The files of deploy/kubernetes: what kustomize and Helm make of them, and what Kubernetes would say."""

import re

import cluster
import jsonschema
import pytest
import yaml

COMPLETE = ["certificate.enabled=true", "serviceMonitor.enabled=true"]
RENDERED = {
    "base": lambda: cluster.kustomize("base"),
    "complete": lambda: cluster.kustomize("overlays/complete"),
    "extensions": lambda: cluster.kustomize("overlays/extensions"),
    "chart": lambda: cluster.helm(*COMPLETE, name="edge"),
    "chart without options": lambda: cluster.helm(
        "autoscaling.enabled=false", "networkPolicy.enabled=false", 'service.type="ClusterIP"'
    ),
    "chart with more": lambda: cluster.helm(
        'imagePullSecrets=[{"name":"registry"}]',
        'nodeSelector={"edge":"yes"}',
        'tolerations=[{"key":"edge","operator":"Exists"}]',
        'affinity={"podAntiAffinity":{}}',
        'service.annotations={"a":"b"}',
        'extraVolumes=[{"name":"files","emptyDir":{}}]',
        'extraVolumeMounts=[{"name":"files","mountPath":"/srv"}]',
        'networkPolicy.extraEgress=[{"to":[{"ipBlock":{"cidr":"192.0.2.0/24"}}]}]',
    ),
}

# Of the custom resources, what is used here (cert-manager.io/v1, monitoring.coreos.com/v1).
TEXT = {"type": "string", "minLength": 1}
CUSTOM = {
    "Certificate": {
        "apiVersion": {"const": "cert-manager.io/v1"},
        "spec": {
            "type": "object",
            "required": ["secretName", "issuerRef"],
            "additionalProperties": False,
            "properties": {
                "secretName": TEXT,
                "dnsNames": {"type": "array", "minItems": 1, "items": TEXT},
                "usages": {"type": "array", "items": {"enum": ["digital signature", "key encipherment", "server auth"]}},
                "privateKey": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "algorithm": {"enum": ["RSA", "ECDSA", "Ed25519"]},
                        "size": {"type": "integer"},
                        "rotationPolicy": {"enum": ["Never", "Always"]},
                    },
                },
                "issuerRef": {
                    "type": "object",
                    "required": ["name"],
                    "additionalProperties": False,
                    "properties": {"group": TEXT, "kind": {"enum": ["Issuer", "ClusterIssuer"]}, "name": TEXT},
                },
            },
        },
    },
    "ServiceMonitor": {
        "apiVersion": {"const": "monitoring.coreos.com/v1"},
        "spec": {
            "type": "object",
            "required": ["selector", "endpoints"],
            "additionalProperties": False,
            "properties": {
                "jobLabel": TEXT,
                "selector": {"type": "object", "required": ["matchLabels"]},
                "endpoints": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {"port": TEXT, "path": TEXT, "interval": {"pattern": "^[0-9]+s$"}},
                    },
                },
            },
        },
    },
}


@pytest.fixture(scope="module", params=RENDERED)
def documents(request):
    return RENDERED[request.param]()


def test_kubernetes_knows_every_key_in_the_last_four_versions(documents):
    wrong, unknown = cluster.validate(documents)
    assert wrong == []
    assert unknown <= set(CUSTOM)
    for document in documents:
        if document["kind"] in CUSTOM:
            schema = {"type": "object", "properties": CUSTOM[document["kind"]]}
            jsonschema.validate(document, schema)


def test_the_check_finds_mistakes():
    """Of the tools themselves."""
    documents = cluster.kustomize("base")
    cluster.find(documents, "Deployment")["spec"]["template"]["spec"]["terminationGracePeriod"] = 1
    wrong, _ = cluster.validate(documents)
    assert len(wrong) == len(cluster.VERSIONS)


def test_every_pod_is_restricted(documents):
    """Pod Security Standards, restricted; and what they leave open."""
    for name, template in cluster.pods(documents):
        spec = template["spec"]
        for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
            assert not spec.get(forbidden), name
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for volume in spec["volumes"]:
            assert set(volume) - {"name"} <= {"configMap", "secret", "emptyDir"}, name
        for container in spec.get("initContainers", []) + spec["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["readOnlyRootFilesystem"] is True
            assert "privileged" not in context
            assert all("hostPort" not in port and port["containerPort"] >= 1024 for port in container.get("ports", []))
            assert set(container["resources"]) == {"requests", "limits"}
        needs_token = "CronJob" in name or "Job" in name
        assert spec["automountServiceAccountToken"] is needs_token


def test_a_pod_has_time_for_its_requests(documents):
    spec = cluster.find(documents, "Deployment")["spec"]["template"]["spec"]
    drain = yaml.safe_load(cluster.configuration(documents))["drain"]
    times = [int(re.fullmatch(r"(\d+)s", drain.get(key, "0s"))[1]) for key in ("delay", "grace")]
    sleep = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert sleep + sum(times) < spec["terminationGracePeriodSeconds"]


def test_selectors_and_references_lead_somewhere(documents):
    deployment = cluster.find(documents, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    others = [template["metadata"]["labels"] for name, template in cluster.pods(documents) if "Job" in name]
    selectors = [deployment["spec"]["selector"]["matchLabels"]]
    for document in documents:
        if document["kind"] == "Service":
            selectors.append(document["spec"]["selector"])
            assert {port["targetPort"] for port in document["spec"]["ports"]} <= ports
        if document["kind"] == "PodDisruptionBudget":
            selectors.append(document["spec"]["selector"]["matchLabels"])
        if document["kind"] == "NetworkPolicy":
            selectors.append(document["spec"]["podSelector"]["matchLabels"])
            assert {port["port"] for rule in document["spec"]["ingress"] for port in rule["ports"]} == ports
        if document["kind"] == "HorizontalPodAutoscaler":
            assert document["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
        if document["kind"] == "ServiceMonitor":
            admin = [one for one in documents if one["kind"] == "Service" and one["spec"].get("clusterIP") == "None"]
            wanted = document["spec"]["selector"]["matchLabels"].items()
            assert wanted <= admin[0]["metadata"]["labels"].items()
            assert document["spec"]["endpoints"][0]["port"] == admin[0]["spec"]["ports"][0]["name"]
    for selector in selectors:
        assert selector.items() <= labels.items()
        # The jobs that rotate keys are not part of the service.
        assert not any(selector.items() <= other.items() for other in others)
    kinds = {(document["kind"], document["metadata"]["name"]) for document in documents}
    for _, template in cluster.pods(documents):
        for volume in template["spec"]["volumes"]:
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in kinds
        if "serviceAccountName" in template["spec"]:
            assert ("ServiceAccount", template["spec"]["serviceAccountName"]) in kinds


def test_the_jobs_may_touch_one_secret_only(documents):
    role = cluster.find(documents, "Role")
    secret = cluster.find(documents, "Secret")["metadata"]["name"]
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret], "verbs": ["get", "patch"]}
    ]
    for name, template in cluster.pods(documents):
        if "Job" in name:
            assert template["spec"]["containers"][0]["env"] == [{"name": "SECRET", "value": secret}]
    # An object without data: applying it again leaves the keys alone.
    assert "data" not in cluster.find(documents, "Secret")


def test_the_chart_makes_the_same_objects_as_kustomize():
    def comparable(documents):
        return {
            (one["kind"], re.sub(r"-[0-9a-z]{10}$|-1$", "", one["metadata"]["name"])): plain(one)
            for one in documents
            if one["kind"] != "Namespace"
        }

    def plain(thing):
        """Without what tells who rendered it."""
        if isinstance(thing, dict):
            own = ("app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "helm.sh/chart", "annotations")
            return {
                key: plain(value) for key, value in thing.items() if key not in (*own, "namespace", "imagePullPolicy")
            }
        if isinstance(thing, list):
            return [plain(element) for element in thing]
        if isinstance(thing, str) and thing.startswith(("#", "version:", "admin:")):
            return yaml.safe_load(thing)
        return re.sub(r"-[0-9a-z]{10}$|-1$", "", thing) if isinstance(thing, str) else thing

    chart, files = comparable(cluster.helm(*COMPLETE)), comparable(cluster.kustomize("overlays/complete"))
    assert sorted(chart) == sorted(files)
    for key in files:
        assert chart[key] == files[key], key


def test_helm_finds_nothing_to_complain_about():
    outcome = cluster.run("helm", "lint", "--strict", cluster.FOLDER / "chart")
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.parametrize(
    "setting, message",
    [
        ("drain.grace=30", "grace"),
        ("drain.sleepSeconds=0", "sleepSeconds"),
        ('configuration.drain={"grace":"10s"}', "drain"),
        ('image.tag=""', "tag"),
        ('replica=3', "replica"),
    ],
)
def test_the_chart_refuses_mistaken_values(setting, message):
    outcome = cluster.template(setting)
    assert outcome.returncode != 0
    assert message in outcome.stderr


def test_every_value_is_described():
    values = yaml.safe_load((cluster.FOLDER / "chart" / "values.yaml").read_text())
    text = (cluster.FOLDER / "chart" / "README.md").read_text()

    def keys(mapping, prefix=""):
        for key, value in mapping.items():
            name = f"{prefix}{key}"
            yield name
            if isinstance(value, dict) and name in ("image", "drain", "service", "autoscaling", "networkPolicy"):
                yield from keys(value, f"{name}.")

    for name in keys(values):
        assert f"`{name}`" in text or f"`{name}." in text, name
