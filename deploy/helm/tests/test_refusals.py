"""What is refused."""

import ipaddress
import json
import re

import pytest

import chart
from chart import CHART, PRODUCTION, Refused, every_case, objects


def walk(schema, path="values"):
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from walk(inner, f"{path}.{name}")
    for name, inner in schema.get("$defs", {}).items():
        yield from walk(inner, f"{path}:{name}")
    if isinstance(schema.get("items"), dict):
        yield from walk(schema["items"], f"{path}[]")


FREE = ["values:labels", "values.database.cloudNativePG.parameters"]


def test_the_schema_lets_no_unknown_value_in_anywhere():
    schema = json.loads((CHART / "values.schema.json").read_text())
    for path, inner in walk(schema):
        if inner.get("type") == "object":
            free = inner.get("additionalProperties")
            # Labels, annotations and settings of PostgreSQL have names of their own.
            assert free is False or path in FREE, path


def test_the_schema_knows_every_value_and_no_other():
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = chart.yaml.safe_load((CHART / "values.yaml").read_text())

    def compare(value, inner, path):
        inner = schema["$defs"][inner["$ref"].split("/")[-1]] if "$ref" in inner else inner
        if isinstance(value, dict) and "properties" in inner and (value or path == "values"):
            assert value.keys() == inner["properties"].keys(), path
            for name in value:
                compare(value[name], inner["properties"][name], f"{path}.{name}")

    compare(values, schema, "values")


REFUSALS = [
    ({"replica": 3}, "replica"),
    ({"services": {"portal": {}}}, "portal"),
    ({"services": {"intake": {"replicas": 0}}}, "replicas"),
    ({"env": {"DATABASE_URL": "postgres://"}}, "DATABASE_URL"),
    ({"database": {"cloudNativePG": {"parameters": {"fsync": "off"}}}}, "'fsync'"),
    ({"database": {"cloudNativePG": {"parameters": {"shared_buffers": 512}}}}, "shared_buffers"),
    ({"env": {"AUTH_ROLEMAP": "a=b"}}, "AUTH_ROLEMAP"),
    ({"auth": {"issuer": "http://login.example.org"}}, "issuer"),
    ({"notification": {"from": "Vigie (essai) <vigie@example.org>"}}, "/notification/from"),
    ({"notification": {"cellMailboxes": ["cellule@localhost"]}}, "/notification/cellMailboxes"),
    ({"env": {"DATABASE_MAX_CONNECTIONS": "many"}}, "/env/DATABASE_MAX_CONNECTIONS"),
    ({"env": {"INTAKE_QUEUE": 0}}, "/env/INTAKE_QUEUE"),
    ({"env": {"TELEMETRY_SAMPLE_RATIO": 1.5}}, "/env/TELEMETRY_SAMPLE_RATIO"),
    ({"env": {"TELEMETRY_LOG_FORMAT": "xml"}}, "/env/TELEMETRY_LOG_FORMAT"),
    ({"env": {"AUTH_DISCOVERY_URL": "http://login.example.org"}}, "/env/AUTH_DISCOVERY_URL"),
    ({"env": {"SSL_CERT_FILE": "/etc/ca.crt"}}, "SSL_CERT_FILE"),
    ({"image": {"digests": {"intake": "latest"}}}, "digests"),
    ({"grpcWeb": {"allowedOrigins": ["*"]}}, "allowedOrigins"),
    ({"redis": {"mode": "replicated"}}, "mode"),
    ({"networkPolicy": {"smtp": {"peers": [{}]}}}, "peers"),
    ({"preStopSeconds": 5}, "preStopSeconds"),
    ({"image": {"registry": ""}}, "image.registry is needed"),
    ({"auth": {"issuer": ""}}, "auth.issuer is needed"),
    ({"auth": {"audience": ""}}, "auth.audience is needed"),
    ({"notification": {"fssiMailboxes": []}}, "notification.fssiMailboxes is needed"),
    ({"notification": {"cellMailboxes": []}}, "notification.cellMailboxes is needed"),
    ({"notification": {"from": ""}}, "notification.from is needed"),
    ({"notification": {"smtp": {"host": ""}}}, "notification.smtp.host is needed"),
    ({"notification": {"smtp": {"tls": "none"}}}, "plain text"),
    ({"notification": {"smtp": {"passwordSecret": ""}}}, "go together"),
    ({"evaluation": {"enabled": True}}, "both make a PostgreSQL"),
    ({"redis": {"masterName": ""}}, "redis.masterName is needed"),
    ({"redis": {"mode": "cluster"}}, "are for the mode sentinel"),
    ({"redis": {"sentinelPasswordSecret": ""}}, "go together"),
    ({"database": {"cloudNativePG": {"backup": {"objectStore": ""}}}}, "objectStore is needed"),
    ({"internalTls": {"certManager": {"enabled": False, "issuerRef": {"name": "x"}}}},
     "is for cert-manager"),
    ({"domain": ""}, "domain is needed"),
    ({"ingress": {"enabled": True}}, "ingress.tlsSecret is needed"),
    ({"gateway": {"parentRefs": []}}, "gateway.parentRefs is needed"),
    ({"gateway": {"backendCaConfigMap": ""}}, "gateway.backendCaConfigMap is needed"),
    ({"gateway": {"enabled": False}}, "grpcWeb needs ingress or gateway"),
    ({"grpcWeb": {"allowedOrigins": []}}, "grpcWeb.allowedOrigins is needed"),
    ({"autoscaling": {"lag": {"prometheusAddress": ""}}}, "prometheusAddress is needed"),
    ({"selftest": {"tokenSecret": ""}}, "selftest.tokenSecret is needed"),
    ({"services": {"intake": {"autoscaling": {"minReplicas": 9}}}}, "is above maxReplicas"),
    ({"shards": 1}, "is above the shards"),
    *(({"networkPolicy": {flow: {"peers": []}}}, f"networkPolicy.{flow}.peers is needed")
      for flow in ["dns", "issuer", "proxy", "prometheus", "redis", "smtp", "otlp"]),
    ({"database": {"cloudNativePG": {"enabled": False}}}, "networkPolicy.postgres.peers is needed"),
]


@pytest.mark.parametrize(("changes", "why"), REFUSALS, ids=[why for _, why in REFUSALS])
def test_what_does_not_fit_is_refused_and_named(changes, why):
    with pytest.raises(Refused, match=re.escape(why)):
        objects(PRODUCTION, changes=changes)


def test_a_kubernetes_without_sleep_before_the_stop_is_refused():
    with pytest.raises(Refused, match="kubeVersion"):
        objects(PRODUCTION, kubernetes="1.29.0")


def test_everything_that_does_not_fit_is_said_at_once():
    with pytest.raises(Refused) as refused:
        objects(PRODUCTION, changes={"domain": "", "image": {"registry": ""}})
    assert "domain is needed" in str(refused.value)
    assert "image.registry is needed" in str(refused.value)


def test_nothing_is_said_to_be_where_examples_are_by_default():
    assert "example.org" not in "".join(
        line for line in (CHART / "values.yaml").read_text().splitlines()
        if not line.lstrip().startswith("#"))


@every_case
def test_examples_are_of_networks_for_examples(file):
    documentation = [ipaddress.ip_network(it) for it in
                     ["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"]]
    for address in re.findall(r"cidr: \"?([0-9a-f.:]+/\d+)", file.read_text()):
        network = ipaddress.ip_network(address)
        assert network.prefixlen == 0 or network.is_link_local or any(
            network.version == it.version and network.subnet_of(it) for it in documentation)
