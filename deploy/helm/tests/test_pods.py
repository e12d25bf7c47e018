"""What Pods may do, and which secrets they hold."""

import json
import re

import pytest

from chart import (
    CHART, PRODUCTION, RELEASE, SERVICES, boxes, case, every_case, named, of_kind, pod_of, profile,
    secret_files, told, variables, workloads,
)


@every_case
def test_every_pod_is_restricted_in_full(file):
    for it in workloads(case(file)):
        _, spec = pod_of(it)
        pod = spec["securityContext"]
        assert pod["runAsNonRoot"] is True and pod["runAsUser"] > 0 and pod["fsGroup"] > 0
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        for volume in spec.get("volumes", []):
            kind, = volume.keys() - {"name"}
            assert kind in {"projected", "secret", "configMap", "emptyDir"}
        for box in boxes(spec):
            security = box["securityContext"]
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert security["allowPrivilegeEscalation"] is False
            assert security["privileged"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["runAsNonRoot"] is True
            assert security["seccompProfile"] == {"type": "RuntimeDefault"}
            assert not any("hostPort" in port for port in box.get("ports", []))


@every_case
def test_every_container_has_requests_and_limits(file):
    for it in workloads(case(file)):
        for box in boxes(pod_of(it)[1]):
            assert {"cpu", "memory"} <= box["resources"]["requests"].keys()
            assert {"cpu", "memory"} <= box["resources"]["limits"].keys()


@every_case
def test_no_pod_gets_a_token_of_kubernetes_or_variables_of_services(file):
    for it in of_kind(case(file), "ServiceAccount"):
        assert it["automountServiceAccountToken"] is False
    for it in workloads(case(file)):
        _, spec = pod_of(it)
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False


@every_case
@pytest.mark.parametrize("upgrade", [False, True], ids=["install", "upgrade"])
def test_every_pod_has_an_account_of_its_own_that_exists(file, upgrade):
    rendered = case(file, upgrade)
    accounts = {it["metadata"]["name"] for it in of_kind(rendered, "ServiceAccount")}
    for it in workloads(rendered):
        assert pod_of(it)[1]["serviceAccountName"] in accounts, it["metadata"]["name"]


@every_case
def test_nothing_grants_rights_in_kubernetes(file):
    kinds = {it["kind"] for it in case(file)}
    assert not kinds & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}


@every_case
def test_secrets_are_made_in_a_trial_alone(file):
    trial = any(it["metadata"]["name"] == f"{RELEASE}-evaluation" for it in case(file))
    assert bool(of_kind(case(file), "Secret")) == trial


@every_case
def test_secrets_are_files_alone_which_can_change_while_a_program_runs(file):
    for it in workloads(case(file)):
        for box in boxes(pod_of(it)[1]):
            assert not [entry for entry in box.get("env", []) if "valueFrom" in entry]
            assert not box.get("envFrom")


@every_case
def test_statistics_gets_no_master_key(file):
    rendered = case(file)
    assert "SEALING_MASTER_KEY_FILE" not in variables(rendered, "statistics")
    for it in workloads(rendered):
        metadata, spec = pod_of(it)
        component = metadata["labels"]["app.kubernetes.io/component"]
        holds = any(secret == "vigie-master-key"
                    for box in boxes(spec) for secret, _ in secret_files(spec, box).values())
        assert holds == (component in {"intake", "qualification", "notification"}), component


@every_case
def test_the_key_of_references_is_with_intake_alone(file):
    for service in SERVICES:
        _, spec = pod_of(named(case(file), "Deployment", f"{RELEASE}-{service}"))
        assert ("keys/reference" in secret_files(spec)) == (service == "intake")


@every_case
def test_each_service_reads_the_secrets_of_no_other(file):
    for service in SERVICES:
        rendered = case(file)
        others = "|".join(set(SERVICES) - {service})
        _, spec = pod_of(named(rendered, "Deployment", f"{RELEASE}-{service}"))
        secrets = [name for box in boxes(spec) for name, _ in secret_files(spec, box).values()]
        assert secrets and not [name for name in secrets if re.search(others, name)]


@pytest.mark.parametrize("file", [PRODUCTION, CHART / "ci/ingress.yaml"], ids=lambda it: it.stem)
def test_what_migrates_alone_holds_the_credentials_that_migrate(file):
    schemas = set()
    for it in workloads(case(file)):
        spec = pod_of(it)[1]
        for box in boxes(spec):
            files = secret_files(spec, box)
            migrates = [name for name, _ in files.values() if name.endswith("-migration")]
            assert bool(migrates) == (box["name"] == "migrate")
            if schema := told(box).get("DATABASE_SCHEMA"):
                schemas.add((schema, box["name"] == "migrate"))
                assert told(box)["DATABASE_URL_FILE"] == "/etc/vigie/database/url"
                role = "migration" if migrates else "database"
                assert files["database/url"] == (f"vigie-{schema}-{role}", "url")
    assert schemas == {(service, migrates) for service in SERVICES for migrates in [True, False]}


def test_of_the_databases_authority_pods_get_the_certificate_and_not_the_key():
    for it in workloads(profile("production")):
        spec = pod_of(it)[1]
        for box in boxes(spec):
            keys = {key for name, key in secret_files(spec, box).values() if name.endswith("-ca")}
            assert keys <= {"ca.crt"}
