"""The chart, rendered by helm, as lists of objects."""

import functools
import json
import pathlib
import subprocess
import tempfile

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[3]
CHART = ROOT / "deploy/helm/vigie"
HELM = ROOT / "target/tools/bin/helm"
RELEASE, NAMESPACE = "vigie", "sante"
SERVICES = ["intake", "notification", "qualification", "statistics"]

EVALUATION, PRODUCTION = CHART / "values-evaluation.yaml", CHART / "values-production.yaml"
CASES = [EVALUATION, PRODUCTION, *sorted(CHART.glob("ci/*.yaml"))]

every_service = pytest.mark.parametrize("service", SERVICES)
every_case = pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
# All but the one without policies.
every_guarded_case = pytest.mark.parametrize(
    "file", [file for file in CASES if file.stem != "minimal"], ids=lambda file: file.stem)

# libyaml, where there is one, is ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Refused(Exception):
    """What helm says when it refuses values."""


def text(*values, upgrade=False, release=RELEASE, changes=None, kubernetes=None, cluster=None):
    """Renders with files of values and, above them, a dictionary of changes.

    Templates find what a cluster has when its kubeconfig is given.
    """
    command = [HELM, "template", release, CHART, "--namespace", NAMESPACE]
    command += ["--is-upgrade"] if upgrade else []
    command += ["--kube-version", kubernetes] if kubernetes else []
    if cluster:
        command += ["--dry-run=server", "--disable-openapi-validation", "--kubeconfig", cluster]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as more:
        json.dump(changes or {}, more)
        more.flush()
        for file in [*values, more.name]:
            command += ["--values", file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


def objects(*values, **options):
    """The objects of a rendering."""
    return [it for it in yaml.load_all(text(*values, **options), LOADER) if it]


@functools.cache
def case(file, upgrade=False):
    """The objects of one of the cases; not to be changed."""
    return objects(file, upgrade=upgrade)


@functools.cache
def profile(name):
    return case(CHART / f"values-{name}.yaml")


def of_kind(rendered, *kinds):
    return [it for it in rendered if it["kind"] in kinds]


def named(rendered, kind, name):
    found = [it for it in of_kind(rendered, kind) if it["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} of {kind} {name}"
    return found[0]


def pod_of(it):
    """What a workload says of its Pods: their metadata and their specification."""
    spec = it["spec"]
    if it["kind"] == "Pod":
        return it["metadata"], spec
    if it["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec["template"]["metadata"], spec["template"]["spec"]


def workloads(rendered):
    return of_kind(rendered, "Deployment", "StatefulSet", "Job", "CronJob", "Pod")


def container(rendered, service):
    """The container of a service."""
    _, spec = pod_of(named(rendered, "Deployment", f"{RELEASE}-{service}"))
    return spec["containers"][0]


def container_port(rendered, service, name):
    found, = [it for it in container(rendered, service)["ports"] if it["name"] == name]
    return found["containerPort"]


def variables(rendered, service):
    """The variables of a service."""
    found = {}
    for entry in container(rendered, service)["env"]:
        assert entry["name"] not in found, f"{entry['name']} twice"
        found[entry["name"]] = entry["value"]
    return found


def boxes(spec):
    """All containers of a Pod."""
    return spec.get("initContainers", []) + spec["containers"]


def secret_files(spec, box=None):
    """The files that a container, the main one unless said, gets from Secrets: path below the
    volume -> Secret and key."""
    mounted = {mount["name"] for mount in (box or spec["containers"][0]).get("volumeMounts", [])}
    found = {}
    for volume in spec.get("volumes", []):
        if volume["name"] in mounted:
            for source in volume.get("projected", {}).get("sources", []):
                for item in source["secret"]["items"]:
                    found[item["path"]] = (source["secret"]["name"], item["key"])
    return found


def told(box):
    """The variables of a container."""
    return {entry["name"]: entry["value"] for entry in box.get("env", [])}
