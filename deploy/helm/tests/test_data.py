"""The database, its migrations, and what a trial brings."""

import base64
import re

import pytest

import chart
import cluster
from chart import (
    CHART, EVALUATION, NAMESPACE, PRODUCTION, RELEASE, ROOT, SERVICES, boxes, case, every_service, named,
    objects, of_kind, pod_of, profile, secret_files, workloads,
)


OWN = ["values-production", "values-evaluation", "ci/small-cluster", "ci/trial"]
upgraded = pytest.mark.parametrize("upgrade", [False, True], ids=["install", "upgrade"])


@upgraded
@pytest.mark.parametrize("file", ["ci/ingress", "ci/gateway", "ci/by-hand"])
def test_migrations_run_before_everything_where_the_database_is_there(file, upgrade):
    rendered = case(CHART / f"{file}.yaml", upgrade)
    jobs = of_kind(rendered, "Job")
    assert len(jobs) == 4
    policy = named(rendered, "NetworkPolicy", f"{RELEASE}-migration")
    account = named(rendered, "ServiceAccount", f"{RELEASE}-migration")
    for it in [*jobs, policy, account]:
        assert it["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    weight = "helm.sh/hook-weight"
    first = {int(it["metadata"]["annotations"][weight]) for it in [policy, account]}
    then = {int(it["metadata"]["annotations"][weight]) for it in jobs}
    assert max(first) < min(then)


@upgraded
@pytest.mark.parametrize("file", OWN)
@every_service
def test_a_pod_migrates_before_it_serves_where_the_chart_makes_the_database(file, upgrade, service):
    rendered = case(CHART / f"{file}.yaml", upgrade)
    # Nothing that an upgrade would delete with its log, or a rollback would meet again.
    assert not of_kind(rendered, "Job")
    _, spec = pod_of(named(rendered, "Deployment", f"{RELEASE}-{service}"))
    migrates, = spec["initContainers"]
    assert migrates["args"] == ["migrate"]
    assert migrates["image"] == spec["containers"][0]["image"]


@pytest.mark.parametrize("file", OWN)
def test_an_upgrade_that_changes_nothing_starts_no_pod_anew(file):
    def pods(upgrade):
        return {it["metadata"]["name"]: pod_of(it)
                for it in workloads(case(CHART / f"{file}.yaml", upgrade))}

    assert pods(True) == pods(False)


def test_jobs_of_another_image_have_other_names_and_keep_their_logs_for_a_day():
    def jobs(tag):
        rendered = objects(CHART / "ci/by-hand.yaml", changes={"image": {"tag": tag}})
        return {it["metadata"]["name"]: it for it in of_kind(rendered, "Job")}

    assert jobs("1.0.0") == jobs("1.0.0") and not jobs("1.0.0").keys() & jobs("1.0.1").keys()
    for it in jobs("1.0.0").values():
        assert it["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation"
        assert it["spec"]["ttlSecondsAfterFinished"] == 86400
        assert it["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_nothing_kills_the_database_of_a_trial_while_it_sets_itself_up():
    _, spec = pod_of(named(profile("evaluation"), "StatefulSet", f"{RELEASE}-postgres"))
    box, = spec["containers"]
    startup = box["startupProbe"]
    assert startup["tcpSocket"] == box["livenessProbe"]["tcpSocket"] == {"port": "postgres"}
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 300
    assert "initialDelaySeconds" not in box["livenessProbe"]


def test_each_schema_has_an_owner_and_one_who_migrates_as_the_owner():
    rendered = profile("production")
    cluster, = of_kind(rendered, "Cluster")
    roles = {it["name"]: it for it in cluster["spec"]["managed"]["roles"]}
    database, = of_kind(rendered, "Database")
    assert {it["name"]: it["owner"] for it in database["spec"]["schemas"]} == {
        it: it for it in SERVICES}
    for service in SERVICES:
        assert roles[service]["passwordSecret"] == {"name": f"vigie-{service}-database"}
        migration = roles[f"{service}_migration"]
        assert migration["inRoles"] == [service] and migration["inherit"] is False
        assert migration["passwordSecret"] == {"name": f"vigie-{service}-migration"}
    assert not any(role.get("superuser") or role.get("createrole") for role in roles.values())


def test_postgresql_has_the_settings_of_the_chart_and_over_them_those_of_the_operator():
    def settings(**parameters):
        changes = {"database": {"cloudNativePG": {"parameters": parameters, "maxConnections": 800}}}
        cluster, = of_kind(objects(PRODUCTION, changes=changes), "Cluster")
        return cluster["spec"]["postgresql"]["parameters"]

    own = chart.yaml.safe_load((CHART / "files/postgresql.yaml").read_text())
    assert settings() == own | {"max_connections": "800"}
    assert settings(work_mem="8MB", shared_buffers="2GB") == own | {
        "max_connections": "800", "work_mem": "8MB", "shared_buffers": "2GB"}


def test_what_is_acknowledged_is_on_two_servers_and_in_backups():
    rendered = profile("production")
    spec = of_kind(rendered, "Cluster")[0]["spec"]
    assert spec["instances"] >= 3
    assert spec["postgresql"]["synchronous"]["dataDurability"] == "required"
    assert spec["plugins"][0]["isWALArchiver"] is True
    assert len(of_kind(rendered, "ScheduledBackup")) == 1


@pytest.mark.parametrize("kind", ["Cluster", "Database"])
def test_the_data_outlive_the_release(kind):
    it, = of_kind(profile("production"), kind)
    assert it["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_a_trial_has_every_secret_that_its_pods_ask_for():
    rendered = profile("evaluation")
    made = {it["metadata"]["name"]: it["stringData"] for it in of_kind(rendered, "Secret")}
    for it in workloads(rendered):
        _, spec = pod_of(it)
        for box in boxes(spec):
            for name, key in secret_files(spec, box).values():
                assert made[name][key]
        for volume in spec.get("volumes", []):
            if "secret" in volume:
                assert volume["secret"]["secretName"] in made


def test_generated_keys_have_32_bytes_and_passwords_are_those_of_the_servers():
    rendered = profile("evaluation")
    made = {it["metadata"]["name"]: it["stringData"] for it in of_kind(rendered, "Secret")}
    for name in ["vigie-master-key", "vigie-log-key", "vigie-reference-key"]:
        assert len(base64.b64decode(made[name]["key"], validate=True)) == 32
    passwords = made[f"{RELEASE}-evaluation-postgres"]
    assert len(set(passwords.values())) == 5
    for service in SERVICES:
        url = made[f"vigie-{service}-database"]["url"]
        assert f"//{service}:{passwords[service]}@{RELEASE}-postgres:5432/vigie" in url
        redis = made[f"vigie-{service}-redis"]["url"]
        password = re.search(r"vigie:(\w+)@", redis)[1]
        assert f"user vigie on >{password} " in made[f"{RELEASE}-evaluation-redis"]["users.acl"]


def secrets_of(rendered):
    return {it["metadata"]["name"]: it for it in of_kind(rendered, "Secret")}


def test_an_upgrade_keeps_every_key_password_and_certificate_of_a_trial():
    installed = secrets_of(profile("evaluation"))
    owner = {"meta.helm.sh/release-name": RELEASE, "meta.helm.sh/release-namespace": NAMESPACE}
    there = {name: it | {
        "metadata": it["metadata"] | {"annotations": owner},
        "data": {key: base64.b64encode(value.encode()).decode()
                 for key, value in it["stringData"].items()},
    } for name, it in installed.items()}
    with cluster.knowing(there.values()) as config:
        upgraded = secrets_of(objects(EVALUATION, upgrade=True, cluster=config))
    assert len(upgraded) == 21
    for name, it in upgraded.items():
        assert it["stringData"] == installed[name]["stringData"], name


def test_a_trial_whose_secrets_are_gone_gets_others():
    with cluster.knowing([]) as config:
        first, second = (secrets_of(objects(EVALUATION, cluster=config)) for _ in range(2))
    assert first["vigie-master-key"]["stringData"] != second["vigie-master-key"]["stringData"]


def test_redis_of_a_trial_lets_its_user_do_what_the_documentation_says():
    secret = named(profile("evaluation"), "Secret", f"{RELEASE}-evaluation-redis")
    rights = re.search(r"needs `(~vigie:\* [^`]*)`",
                       (ROOT / "docs/configuration.md").read_text())[1]
    assert rights in secret["stringData"]["users.acl"]
    assert "user default off" in secret["stringData"]["users.acl"]
