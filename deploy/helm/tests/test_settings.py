"""What services are told."""

import collections
import json
import re

from chart import (
    CASES, CHART, PRODUCTION, RELEASE, ROOT, SERVICES, case, container, container_port, every_case,
    every_service, named, objects, of_kind, pod_of, profile, secret_files, variables,
)


def documented():
    """The sections of docs/configuration.md: title -> variable -> whether it is required."""
    sections = collections.defaultdict(dict)
    for line in (ROOT / "docs/configuration.md").read_text().splitlines():
        if line.startswith("## "):
            title = line[3:]
        elif found := re.match(r"\| `([A-Z_]+)` \|.*\| (.*) \|$", line):
            sections[title][found[1]] = found[2] == "**required**"
    return sections


def expected_of(service):
    """The variables that a service reads, by docs/configuration.md."""
    read = {}
    for title, found in documented().items():
        if title.split(":")[0] in SERVICES and title.split(":")[0] != service:
            continue
        read |= found
    if service == "statistics":
        del read["SEALING_MASTER_KEY_FILE"]
    if service in {"intake", "qualification"}:
        del read[f"PRODUCER_{service.upper()}_URL"]
    return read


@every_case
@every_service
def test_each_service_is_told_what_it_requires_and_nothing_that_it_does_not_read(file, service):
    expected, told = expected_of(service), variables(case(file), service)
    assert {name for name, required in expected.items() if required} - told.keys() == set()
    assert told.keys() - expected.keys() == set()


def test_every_documented_variable_is_set_by_the_chart_or_may_be_by_the_values():
    schema = json.loads((CHART / "values.schema.json").read_text())
    free = set(schema["$defs"]["env"]["properties"])
    known = {name for section in documented().values() for name in section}
    # The chart gives the file of what may also be told directly.
    known -= {name for name in known if f"{name}_FILE" in known}
    set_by_chart = {
        name for file in CASES for service in SERVICES for name in variables(case(file), service)
    } - free
    assert free | set_by_chart == known


def test_a_variable_of_one_service_wins_over_that_of_all():
    rendered = case(CHART / "ci/ingress.yaml")
    assert variables(rendered, "intake")["TELEMETRY_SAMPLE_RATIO"] == "1"
    assert variables(rendered, "statistics")["TELEMETRY_SAMPLE_RATIO"] == "0.1"


@every_case
@every_service
def test_every_file_that_a_service_is_told_of_is_mounted(file, service):
    rendered = case(file)
    _, spec = pod_of(named(rendered, "Deployment", f"{RELEASE}-{service}"))
    mounted = {f"/etc/vigie/{path}" for path in secret_files(spec)}
    told = {value for name, value in variables(rendered, service).items() if name.endswith("_FILE")}
    # That of the database is named in its address, which only the Secret knows.
    assert told == mounted - {"/etc/vigie/database/ca.crt"}


@every_case
@every_service
def test_files_are_readable_by_the_user_that_runs_and_by_nobody_else(file, service):
    _, spec = pod_of(named(case(file), "Deployment", f"{RELEASE}-{service}"))
    volume, = [it for it in spec["volumes"] if it["name"] == "files"]
    assert volume["projected"]["defaultMode"] == 0o440
    assert spec["securityContext"]["fsGroup"] == 65532


@every_case
@every_service
def test_the_address_of_a_producer_is_a_service_whose_port_is_its_internal_listener(file, service):
    rendered = case(file)
    for name, url in variables(rendered, service).items():
        if name.startswith("PRODUCER_"):
            producer = name.removeprefix("PRODUCER_").removesuffix("_URL").lower()
            host, port = re.fullmatch(r"https://([^:/]+):(\d+)", url).groups()
            target = named(rendered, "Service", host)
            assert target["spec"]["clusterIP"] == "None"
            selected = target["spec"]["selector"]["app.kubernetes.io/component"]
            assert selected == producer
            entry, = [it for it in target["spec"]["ports"] if it["name"] == "internal"]
            assert entry["port"] == int(port)
            listens = variables(rendered, producer)["SERVER_INTERNAL_LISTEN"]
            assert listens.endswith(f":{container_port(rendered, producer, 'internal')}")


@every_case
@every_service
def test_listeners_and_ports_agree(file, service):
    rendered, told = case(file), variables(case(file), service)
    for name, variable in [("grpc", "SERVER_LISTEN"), ("internal", "SERVER_INTERNAL_LISTEN"),
                           ("metrics", "SERVER_METRICS_LISTEN")]:
        assert told[variable] == f"0.0.0.0:{container_port(rendered, service, name)}"


@every_case
def test_every_service_selects_pods_that_have_its_ports(file):
    rendered = case(file)
    for it in of_kind(rendered, "Service"):
        selected = [pod_of(w)[1] for w in of_kind(rendered, "Deployment", "StatefulSet")
                    if it["spec"]["selector"].items() <= pod_of(w)[0]["labels"].items()]
        assert len(selected) == 1, it["metadata"]["name"]
        ports = {port["name"] for port in selected[0]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in it["spec"]["ports"]} <= ports


@every_service
def test_the_audit_trail_of_each_service_is_verified_with_the_key_of_its_seals_and_no_other(service):
    rendered = profile("production")
    metadata = named(rendered, "CronJob", f"{RELEASE}-audit-{service}")
    _, spec = pod_of(metadata)
    box = spec["containers"][0]
    assert box["args"] == ["verify-audit"]
    assert box["image"] == container(rendered, service)["image"]
    told = {it["name"]: it["value"] for it in box["env"]}
    assert told.keys() == {"DATABASE_URL_FILE", "DATABASE_SCHEMA", "SEALING_LOG_KEY_FILE"}
    assert told.items() <= variables(rendered, service).items()
    files = secret_files(spec)
    serving = secret_files(pod_of(named(rendered, "Deployment", f"{RELEASE}-{service}"))[1])
    assert files.items() <= serving.items()
    assert {path for path in files if path.startswith("keys/")} == {"keys/log"}


def test_a_checkpoint_is_asked_of_the_audit_trail_that_it_is_of():
    checkpoint = "17:AAEC"
    rendered = objects(PRODUCTION, changes={"verification": {"checkpoints": {"intake": checkpoint}}})
    args = {it["metadata"]["name"].removeprefix(f"{RELEASE}-"): pod_of(it)[1]["containers"][0]["args"]
            for it in of_kind(rendered, "CronJob")}
    assert args["audit-intake"] == ["verify-audit", checkpoint]
    assert args["audit-statistics"] == ["verify-audit"]


def test_contacts_are_erased_when_it_is_said_after_how_long_and_not_before():
    def erasing(days):
        rendered = objects(PRODUCTION, changes={"retention": {"contactsDays": days}})
        return [it for it in of_kind(rendered, "CronJob")
                if it["metadata"]["name"] == f"{RELEASE}-erase-contacts"], rendered

    assert erasing(0)[0] == []
    (job,), rendered = erasing(2190)
    _, spec = pod_of(job)
    box = spec["containers"][0]
    assert box["args"] == ["erase-contacts", "--ended-days-ago", "2190"]
    assert box["image"] == container(rendered, "intake")["image"]
    told = {it["name"]: it["value"] for it in box["env"]}
    assert told.keys() == {"DATABASE_URL_FILE", "DATABASE_SCHEMA", "EVENTLOG_SHARDS"}
    assert told.items() <= variables(rendered, "intake").items()
    assert secret_files(spec).keys() == {"database/url", "database/ca.crt"}
