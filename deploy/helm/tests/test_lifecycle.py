"""How Pods start, stop, are spread and scale."""

import collections

import pytest

import cluster
from chart import (
    EVALUATION, NAMESPACE, PRODUCTION, RELEASE, ROOT, SERVICES, case, container, container_port, every_case,
    every_service, named, objects, of_kind, pod_of, profile, variables, workloads,
)


@every_case
@every_service
def test_a_pod_leaves_before_it_stops_and_drains_before_it_is_killed(file, service):
    rendered = case(file)
    _, spec = pod_of(named(rendered, "Deployment", f"{RELEASE}-{service}"))
    box = spec["containers"][0]
    wait = box["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = int(variables(rendered, service)["SERVER_DRAIN_SECONDS"])
    # Tasks have 5 s, the monitor 5 s, the last spans 5 s, the runtime 1 s.
    assert spec["terminationGracePeriodSeconds"] > wait + drain + 16
    readiness = box["readinessProbe"]
    delay = readiness["periodSeconds"] * readiness["failureThreshold"]
    assert wait > delay and drain > delay


@pytest.mark.parametrize("encrypted", [True, False])
@every_service
def test_readiness_asks_grpc_health_wherever_the_kubelet_can(service, encrypted):
    rendered = objects(PRODUCTION, changes={"publicTls": {"enabled": encrypted}})
    box = container(rendered, service)
    if encrypted:
        assert box["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
    else:
        port = container_port(rendered, service, "grpc")
        assert box["readinessProbe"]["grpc"] == {"port": port, "service": service}


@every_case
@every_service
def test_liveness_does_not_ask_what_a_restart_cannot_mend(file, service):
    box = container(case(file), service)
    for probe in ["livenessProbe", "startupProbe"]:
        assert box[probe]["httpGet"] == {"path": "/livez", "port": "metrics"}


@every_case
@every_service
def test_a_new_pod_serves_before_an_old_one_leaves(file, service):
    strategy = named(case(file), "Deployment", f"{RELEASE}-{service}")["spec"]["strategy"]
    assert strategy["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


@every_case
def test_pods_do_not_start_anew_for_a_version_of_the_chart(file):
    for it in workloads(case(file)):
        if it["kind"] in {"Deployment", "StatefulSet"}:
            metadata, _ = pod_of(it)
            assert metadata == {"labels": it["spec"]["selector"]["matchLabels"]}


@every_case
def test_disruption_budgets_leave_one_pod_and_block_no_drain(file):
    rendered = case(file)
    for it in of_kind(rendered, "PodDisruptionBudget"):
        assert it["spec"]["maxUnavailable"] == 1
        assert fewest(rendered, it["metadata"]["name"]) >= 2


def fewest(rendered, deployment):
    for it in of_kind(rendered, "HorizontalPodAutoscaler", "ScaledObject"):
        if it["spec"]["scaleTargetRef"]["name"] == deployment:
            return it["spec"].get("minReplicas") or it["spec"]["minReplicaCount"]
    return named(rendered, "Deployment", deployment)["spec"]["replicas"]


@every_service
def test_every_service_of_several_pods_has_a_budget_that_selects_them(service):
    rendered = profile("production")
    budget = named(rendered, "PodDisruptionBudget", f"{RELEASE}-{service}")
    metadata, _ = pod_of(named(rendered, "Deployment", f"{RELEASE}-{service}"))
    assert budget["spec"]["selector"]["matchLabels"].items() <= metadata["labels"].items()


def test_pods_of_a_service_are_spread_over_nodes_and_zones():
    for service in SERVICES:
        _, spec = pod_of(named(profile("production"), "Deployment", f"{RELEASE}-{service}"))
        spread = {it["topologyKey"]: it for it in spec["topologySpreadConstraints"]}
        assert spread["kubernetes.io/hostname"]["whenUnsatisfiable"] == "DoNotSchedule"
        assert spread["topology.kubernetes.io/zone"]["whenUnsatisfiable"] == "ScheduleAnyway"
        for it in spread.values():
            selected = it["labelSelector"]["matchLabels"]["app.kubernetes.io/component"]
            assert selected == service


@pytest.mark.parametrize("shards", [1, 2, 3, 8, 64])
def test_scaling_on_lag_stops_at_the_shards_and_never_reaches_zero(shards):
    scaling = {"autoscaling": {"minReplicas": 1, "maxReplicas": 50}}
    rendered = objects(PRODUCTION, changes={
        "shards": shards, "services": {service: scaling for service in SERVICES}})
    found = of_kind(rendered, "ScaledObject")
    assert len(found) == 3
    for it in found:
        assert 1 <= it["spec"]["minReplicaCount"]
        assert it["spec"]["maxReplicaCount"] == min(50, shards)


@every_case
def test_a_deployment_has_one_scaler_or_a_number_of_pods(file):
    rendered = case(file)
    scalers = collections.Counter(
        it["spec"]["scaleTargetRef"]["name"]
        for it in of_kind(rendered, "HorizontalPodAutoscaler", "ScaledObject"))
    for service in SERVICES:
        deployment = named(rendered, "Deployment", f"{RELEASE}-{service}")
        fixed = "replicas" in deployment["spec"]
        assert scalers[deployment["metadata"]["name"]] + fixed == 1


def test_a_scaler_that_is_turned_on_finds_as_many_pods_as_ran_before():
    def running(service, *managers):
        it = named(profile("evaluation"), "Deployment", f"{RELEASE}-{service}")
        return it | {"metadata": it["metadata"] | {"managedFields": list(managers)},
                     "spec": it["spec"] | {"replicas": 5}}

    helm = {"manager": "helm", "operation": "Apply"}
    scaler = {"manager": "kube-controller-manager", "operation": "Update", "subresource": "scale"}
    there = [running("intake", helm), running("notification", helm, scaler)]

    def pods(service, **changes):
        with cluster.knowing(there) as config:
            upgraded = objects(EVALUATION, changes=changes, upgrade=True, cluster=config)
        return named(upgraded, "Deployment", f"{RELEASE}-{service}")["spec"].get("replicas")

    scaled = {"cpu": {"enabled": True}}
    assert pods("intake", autoscaling=scaled) == 5
    assert pods("intake") == 1
    # Once the scaler has said a number, and where nothing runs yet, it alone does.
    assert pods("notification", autoscaling=scaled) is None
    assert pods("statistics", autoscaling=scaled) is None


@every_case
def test_the_lag_is_asked_of_the_metric_that_services_tell(file):
    source = (ROOT / "crates/eventlog/src/metrics.rs").read_text()
    assert '"eventlog_consumer_lag_events"' in source
    for it in of_kind(case(file), "ScaledObject"):
        query = it["spec"]["triggers"][0]["metadata"]["query"]
        service = it["metadata"]["labels"]["app.kubernetes.io/component"]
        assert "eventlog_consumer_lag_events{" in query
        assert f'consumer="{service}"' in query and f'namespace="{NAMESPACE}"' in query


def test_without_an_answer_about_the_lag_what_runs_goes_on():
    for it in of_kind(profile("production"), "ScaledObject"):
        assert it["spec"]["triggers"][0]["metadata"]["ignoreNullValues"] == "false"
        assert it["spec"]["fallback"]["behavior"] == "currentReplicasIfHigher"


def test_the_database_has_a_connection_for_every_pod_that_may_be():
    rendered = profile("production")
    # A pool of 16, 8 that search, 4 that read the log, and the one of the probe.
    of_a_pod = 29
    pods = 0
    for it in of_kind(rendered, "HorizontalPodAutoscaler", "ScaledObject"):
        most = it["spec"].get("maxReplicas") or it["spec"]["maxReplicaCount"]
        # One more while a release is rolled out.
        pods += most + 1
    cluster, = of_kind(rendered, "Cluster")
    room = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
    assert pods * of_a_pod + 20 <= room
