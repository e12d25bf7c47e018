"""Which objects there are, and which value takes each away."""

import collections
import json

import pytest

from chart import (
    CASES, CHART, NAMESPACE, PRODUCTION, RELEASE, boxes, case, every_case, objects, pod_of, profile,
    workloads,
)


@every_case
@pytest.mark.parametrize("upgrade", [False, True], ids=["install", "upgrade"])
def test_no_object_is_rendered_twice(file, upgrade):
    keys = [(it["kind"], it["metadata"]["name"]) for it in case(file, upgrade)]
    assert [key for key, count in collections.Counter(keys).items() if count > 1] == []


@every_case
def test_every_object_is_in_the_namespace_of_the_release_and_bears_its_name(file):
    for it in case(file):
        assert it["metadata"]["namespace"] == NAMESPACE, it["metadata"]["name"]
        assert it["metadata"]["labels"]["app.kubernetes.io/instance"] == RELEASE


def test_names_stay_short_enough_under_the_longest_name_of_a_release():
    longest = "r" * 53
    for it in (it for file in CASES for it in objects(file, release=longest)):
        limit = 52 if it["kind"] == "CronJob" else 63
        assert len(it["metadata"]["name"]) <= limit, it["metadata"]["name"]


@pytest.mark.parametrize(("change", "kinds"), [
    ({"verification": {"enabled": False}, "retention": {"contactsDays": 0}}, {"CronJob"}),
    ({"podDisruptionBudget": {"enabled": False}}, {"PodDisruptionBudget"}),
    ({"networkPolicy": {"enabled": False}}, {"NetworkPolicy"}),
    ({"gateway": {"enabled": False}, "ingress": {"enabled": True, "tlsSecret": "public"}},
     {"GRPCRoute", "BackendTLSPolicy"}),
    ({"grpcWeb": {"enabled": False}}, {"HTTPRoute"}),
    ({"publicTls": {"enabled": False}}, {"BackendTLSPolicy"}),
    ({"internalTls": {"certManager": {"enabled": False}}}, {"Certificate", "Issuer"}),
    ({"autoscaling": {"lag": {"enabled": False}}}, {"ScaledObject"}),
    ({"autoscaling": {"cpu": {"enabled": False}}}, {"HorizontalPodAutoscaler"}),
    ({"metrics": {"serviceMonitor": {"enabled": False}}}, {"ServiceMonitor"}),
    ({"metrics": {"prometheusRule": {"enabled": False}}}, {"PrometheusRule"}),
    ({"metrics": {"dashboards": {"enabled": False}}}, {"ConfigMap"}),
    ({"selftest": {"enabled": False}}, {"Pod"}),
    ({"database": {"cloudNativePG": {"backup": {"enabled": False}}}}, {"ScheduledBackup"}),
    ({"database": {"cloudNativePG": {"enabled": False}},
      "networkPolicy": {"postgres": {"peers": [{"podSelector": {}}]}}},
     {"Cluster", "Database", "ScheduledBackup"}),
], ids=lambda it: json.dumps(it) if isinstance(it, dict) else None)
def test_each_optional_object_goes_with_one_value(change, kinds):
    assert kinds <= {it["kind"] for it in profile("production")}
    assert not kinds & {it["kind"] for it in objects(PRODUCTION, changes=change)}


@pytest.mark.parametrize("file", ["ci/by-hand", "values-production"])
def test_nothing_migrates_where_migrations_are_off(file):
    def migrating(**changes):
        rendered = objects(CHART / f"{file}.yaml", changes=changes)
        return [box for it in workloads(rendered) for box in boxes(pod_of(it)[1])
                if box.get("args") == ["migrate"]]

    assert len(migrating()) == 4
    assert migrating(migrations={"enabled": False}) == []
