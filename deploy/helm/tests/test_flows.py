"""Who may call whom."""

import pytest

from chart import (
    CHART, RELEASE, SERVICES, case, every_case, every_guarded_case, named, of_kind, pod_of, profile,
    variables, workloads,
)


def policies(rendered):
    return of_kind(rendered, "NetworkPolicy")


def peers(rendered, direction):
    """(Pod's component, peer, ports) of every flow in a direction."""
    side = {"ingress": "from", "egress": "to"}[direction]
    for policy in policies(rendered):
        me = policy["spec"]["podSelector"]["matchLabels"]
        for rule in policy["spec"].get(direction, []):
            ports = {(it["protocol"], it["port"]) for it in rule.get("ports", [])}
            for peer in rule.get(side, [{}]):
                yield me, peer, ports


def ours(peer):
    """The labels of a peer that is a Pod which the chart, or its operator, makes here."""
    labels = peer.get("podSelector", {}).get("matchLabels", {})
    known = {"app.kubernetes.io/component", "cnpg.io/cluster"}
    return labels if "namespaceSelector" not in peer and known & labels.keys() else None


@every_case
def test_every_flow_has_its_counterpart_on_the_other_side(file):
    rendered = case(file)

    def flows(direction):
        return {(frozenset(me.items()), frozenset(ours(peer).items()), port)
                for me, peer, ports in peers(rendered, direction) if ours(peer) for port in ports}

    outgoing = flows("egress")
    incoming = {(source, target, port) for target, source, port in flows("ingress")}
    if any(it["kind"] == "Cluster" for it in rendered):
        # Between themselves servers of the operator are free to call.
        incoming = {it for it in incoming if it[0] != it[1]}
    optional = {"migration": "Job", "nightly": "CronJob"}
    absent = {component for component, kind in optional.items() if not of_kind(rendered, kind)}
    incoming = {it for it in incoming
                if dict(it[0]).get("app.kubernetes.io/component") not in absent}
    assert outgoing == incoming


@every_guarded_case
@pytest.mark.parametrize("upgrade", [False, True], ids=["install", "upgrade"])
def test_every_pod_of_the_release_is_denied_everything_and_has_a_policy_of_its_own(file, upgrade):
    rendered = case(file, upgrade)
    deny = named(rendered, "NetworkPolicy", f"{RELEASE}-default-deny")["spec"]
    assert deny["policyTypes"] == ["Ingress", "Egress"] and not {"ingress", "egress"} & deny.keys()
    for it in workloads(rendered):
        labels = pod_of(it)[0]["labels"].items()
        assert deny["podSelector"]["matchLabels"].items() <= labels
        own = [policy for policy in policies(rendered)
               if policy["spec"]["podSelector"]["matchLabels"].items() <= labels]
        assert len(own) == 2, it["metadata"]["name"]


@every_case
def test_no_flow_is_open_to_any_peer_but_the_selftests_way_to_the_proxy(file):
    for me, peer, ports in [*peers(case(file), "ingress"), *peers(case(file), "egress")]:
        if not peer:
            assert me["app.kubernetes.io/component"] == "selftest" and ports == {("TCP", 443)}


def outgoing(rendered, component):
    policy = named(rendered, "NetworkPolicy", f"{RELEASE}-{component}")
    return sorted(port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"])


def test_services_reach_what_the_design_says_and_nothing_else():
    rendered = profile("production")
    #                53 53 DNS, 443 issuer, 4317 spans, 5432 database, 6379 26379 Redis, 8443 logs
    everywhere = [53, 53, 443, 4317, 5432, 6379, 8443, 26379]
    assert outgoing(rendered, "intake") == everywhere
    assert outgoing(rendered, "qualification") == everywhere
    assert outgoing(rendered, "statistics") == everywhere
    assert outgoing(rendered, "notification") == sorted([*everywhere, 587])
    assert outgoing(rendered, "nightly") == [53, 53, 5432]
    assert outgoing(case(CHART / "ci/gateway.yaml"), "migration") == [53, 53, 5432]


@every_guarded_case
def test_a_service_may_call_exactly_the_producers_whose_addresses_it_is_told(file):
    rendered = case(file)
    for service in SERVICES:
        told = {name.removeprefix("PRODUCER_").removesuffix("_URL").lower()
                for name in variables(rendered, service) if name.startswith("PRODUCER_")}
        allowed = {ours(peer)["app.kubernetes.io/component"]
                   for me, peer, ports in peers(rendered, "egress")
                   if me.get("app.kubernetes.io/component") == service
                   and ours(peer) and ("TCP", 8443) in ports}
        assert allowed == told


def test_metrics_and_internal_listeners_are_closed_to_the_proxy():
    for me, peer, ports in peers(profile("production"), "ingress"):
        namespace = peer.get("namespaceSelector", {}).get("matchLabels", {})
        if namespace.get("kubernetes.io/metadata.name") == "gateway":
            assert ports == {("TCP", 8080)}, me
