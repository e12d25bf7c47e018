"""Certificates, and the ways in from outside."""

import re

import pytest

from chart import (
    CHART, RELEASE, ROOT, SERVICES, case, every_case, named, of_kind, profile, secret_files,
)


def test_internal_certificates_name_their_service_alone_and_share_an_authority():
    rendered = profile("production")
    for service in SERVICES:
        spec = named(rendered, "Certificate", f"{RELEASE}-{service}-internal-tls")["spec"]
        assert spec["dnsNames"] == [f"{service}.vigie.internal"]
        assert {"server auth", "client auth"} <= set(spec["usages"])
        assert spec["issuerRef"]["name"] == f"{RELEASE}-internal-ca"
        assert spec["privateKey"]["rotationPolicy"] == "Always"
    authority = named(rendered, "Certificate", f"{RELEASE}-internal-ca")["spec"]
    assert authority["isCA"] and authority["privateKey"]["rotationPolicy"] == "Never"


def test_a_public_certificate_opens_no_internal_listener():
    for it in of_kind(profile("production"), "Certificate"):
        if it["metadata"]["name"].endswith("-public-tls"):
            assert "client auth" not in it["spec"]["usages"]
            assert not any("vigie.internal" in name for name in it["spec"]["dnsNames"])


def test_another_issuer_takes_the_place_of_the_own_authority():
    rendered = case(CHART / "ci/gateway.yaml")
    assert of_kind(rendered, "Issuer") == []
    for it in of_kind(rendered, "Certificate"):
        assert it["spec"]["issuerRef"]["name"] == "vault"


def test_the_gateway_verifies_a_name_that_the_certificate_has():
    rendered = profile("production")
    for service in SERVICES:
        policy = named(rendered, "BackendTLSPolicy", f"{RELEASE}-{service}")["spec"]
        certificate = named(rendered, "Certificate", f"{RELEASE}-{service}-public-tls")["spec"]
        assert policy["validation"]["hostname"] in certificate["dnsNames"]


def contracts():
    """The gRPC services of the contracts and the service that offers each."""
    found = {}
    for file in (ROOT / "proto/vigie").glob("*/v1/*.proto"):
        source = file.read_text()
        package = re.search(r"^package (\S+);", source, re.M)[1]
        for name in re.findall(r"^service (\w+)", source, re.M):
            found[f"{package}.{name}"] = package.split(".")[1]
    return found


def test_every_contract_of_a_service_is_routed_to_it_and_the_internal_one_is_not():
    consumers, log = "vigie.eventlog.v1.ConsumerService", "vigie.eventlog.v1.EventLogService"
    expected = {service: {consumers} for service in SERVICES}
    for contract, owner in contracts().items():
        if contract not in {consumers, log}:
            expected[owner].add(contract)
    by_gateway, by_ingress = {}, {}
    for it in of_kind(profile("production"), "GRPCRoute"):
        rule, = it["spec"]["rules"]
        service, = [ref["name"] for ref in rule["backendRefs"]]
        by_gateway[service] = {match["method"]["service"] for match in rule["matches"]}
    ingress = named(case(CHART / "ci/ingress.yaml"), "Ingress", f"{RELEASE}-grpc")
    for rule in ingress["spec"]["rules"]:
        service = f"{RELEASE}-{rule['host'].split('.')[0]}"
        by_ingress[service] = {path["path"][1:] for path in rule["http"]["paths"]}
        assert {path["backend"]["service"]["name"] for path in rule["http"]["paths"]} == {service}
    assert by_gateway == by_ingress == {f"{RELEASE}-{it}": expected[it] for it in SERVICES}


def test_browsers_find_every_contract_but_that_of_consumers_under_one_name():
    wanted = {it for it in contracts() if not it.startswith("vigie.eventlog.")}
    route = named(profile("production"), "HTTPRoute", f"{RELEASE}-grpc-web")["spec"]
    assert route["hostnames"] == ["web.vigie.example.org"]
    paths = {match["path"]["value"][1:] for rule in route["rules"] for match in rule["matches"]}
    assert paths == wanted
    ingress = named(case(CHART / "ci/ingress.yaml"), "Ingress", f"{RELEASE}-grpc-web")["spec"]
    assert {path["path"][1:] for path in ingress["rules"][0]["http"]["paths"]} == wanted


@every_case
def test_every_ingress_ends_tls_for_all_its_names(file):
    for it in of_kind(case(file), "Ingress"):
        encrypted = {host for tls in it["spec"]["tls"] for host in tls["hosts"]}
        assert {rule["host"] for rule in it["spec"]["rules"]} == encrypted


@every_case
def test_public_services_have_no_address_outside_the_cluster(file):
    for it in of_kind(case(file), "Service"):
        assert it["spec"].get("type", "ClusterIP") == "ClusterIP"


@pytest.mark.parametrize(("file", "address"), [
    ("values-production", "https://{}.vigie.example.org"),
    ("ci/ingress", "https://{}.vigie.example.org"),
    ("ci/by-hand", "https://vigie-{}:8080"),
])
def test_the_selftest_takes_the_public_way_where_there_is_one(file, address):
    pod = named(case(CHART / f"{file}.yaml"), "Pod", f"{RELEASE}-selftest")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert pod["spec"]["containers"][0]["args"] == [
        "selftest", "--intake-url", address.format("intake"),
        "--notification-url", address.format("notification"),
        "--token-file", "/etc/vigie/selftest/token"]
    assert "selftest/token" in secret_files(pod["spec"])
