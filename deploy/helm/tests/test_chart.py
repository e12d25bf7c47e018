"""What the chart promises: each name would be a lie if a template broke."""

import base64
import collections
import ipaddress
import json
import re

import pytest

import chart
import cluster
from chart import (
    CASES, CHART, NAMESPACE, RELEASE, ROOT, SERVICES, Refused, case, container, named, objects,
    of_kind, pod_of, profile, secret_files, variables, workloads,
)

EVALUATION, PRODUCTION = CHART / "values-evaluation.yaml", CHART / "values-production.yaml"
every_case = pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
# All but the one without policies.
every_guarded_case = pytest.mark.parametrize(
    "file", [file for file in CASES if file.stem != "minimal"], ids=lambda file: file.stem)
every_service = pytest.mark.parametrize("service", SERVICES)


# Names, labels, objects.


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
    for it in objects(PRODUCTION, release=longest) + objects(EVALUATION, release=longest):
        limit = 52 if it["kind"] == "CronJob" else 63
        assert len(it["metadata"]["name"]) <= limit, it["metadata"]["name"]


@pytest.mark.parametrize(("change", "kinds"), [
    ({"migrations": {"enabled": False}}, {"Job"}),
    ({"recount": {"enabled": False}}, {"CronJob"}),
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


# Pod Security and secrets.


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
        for box in spec["containers"] + spec.get("initContainers", []):
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
        for box in pod_of(it)[1]["containers"]:
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
def test_only_addresses_with_passwords_are_taken_from_secrets_into_the_environment(file):
    for it in workloads(case(file)):
        for box in pod_of(it)[1]["containers"]:
            for entry in box.get("env", []):
                if "valueFrom" in entry:
                    assert entry["name"] in {"DATABASE_URL", "EVENTLOG_REDIS_URL"}
                    assert entry["valueFrom"]["secretKeyRef"]["key"] == "url"


@every_case
def test_statistics_gets_no_master_key(file):
    rendered = case(file)
    assert "SEALING_MASTER_KEY_FILE" not in variables(rendered, "statistics")
    for it in workloads(rendered):
        metadata, spec = pod_of(it)
        component = metadata["labels"]["app.kubernetes.io/component"]
        holds = any(secret == "vigie-master-key" for secret, _ in secret_files(spec).values())
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
        spec = json.dumps(named(rendered, "Deployment", f"{RELEASE}-{service}")["spec"])
        secrets = re.findall(r'"name": "(vigie-[a-z-]*)", "key"', spec)
        secrets += [name for name, _ in secret_files(json.loads(spec)["template"]["spec"]).values()]
        assert secrets and not [name for name in secrets if re.search(others, name)]


def test_services_do_not_hold_the_credentials_that_migrate():
    rendered = profile("production")
    for service in SERVICES:
        assert variables(rendered, service)["DATABASE_URL"] == f"vigie-{service}-database/url"
    for it in of_kind(rendered, "Job"):
        env = {entry["name"]: entry for entry in pod_of(it)[1]["containers"][0]["env"]}
        schema = env["DATABASE_SCHEMA"]["value"]
        source = env["DATABASE_URL"]["valueFrom"]["secretKeyRef"]
        assert source == {"name": f"vigie-{schema}-migration", "key": "url"}


def test_of_the_databases_authority_pods_get_the_certificate_and_not_the_key():
    for it in workloads(profile("production")):
        files = secret_files(pod_of(it)[1])
        of_authority = {path: key for path, (name, key) in files.items() if name.endswith("-ca")}
        assert set(of_authority.values()) <= {"ca.crt"}


# What services are told.


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


def container_port(rendered, service, name):
    found, = [it for it in container(rendered, service)["ports"] if it["name"] == name]
    return found["containerPort"]


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


# Starting and stopping.


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


# Scaling.


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
    # A pool of 16, 4 that read the log, and the one of the pulse.
    of_a_pod = 21
    pods = 0
    for it in of_kind(rendered, "HorizontalPodAutoscaler", "ScaledObject"):
        most = it["spec"].get("maxReplicas") or it["spec"]["maxReplicaCount"]
        # One more while a release is rolled out.
        pods += most + 1
    cluster, = of_kind(rendered, "Cluster")
    room = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
    assert pods * of_a_pod + 20 <= room


# Flows.


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
    """The labels of a peer that is a Pod of this namespace which the chart or its operator makes."""
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
    optional = {"migration": "Job", "recount": "CronJob"}
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
    assert outgoing(rendered, "migration") == outgoing(rendered, "recount") == [53, 53, 5432]


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


# Certificates.


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


# The way in.


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
        "selftest", "--intake", address.format("intake"),
        "--notification", address.format("notification"),
        "--token-file", "/etc/vigie/selftest/token"]
    assert "selftest/token" in secret_files(pod["spec"])


# Migrations and the database.


@pytest.mark.parametrize(("file", "upgrade", "hooked"), [
    ("ci/ingress", False, True), ("ci/ingress", True, True),
    ("values-production", False, False), ("values-production", True, True),
    ("values-evaluation", False, False), ("values-evaluation", True, True),
])
def test_migrations_run_before_everything_unless_the_chart_first_makes_the_database(
        file, upgrade, hooked):
    rendered = case(CHART / f"{file}.yaml", upgrade)
    jobs = of_kind(rendered, "Job")
    assert len(jobs) == 4
    policy = named(rendered, "NetworkPolicy", f"{RELEASE}-migration")
    account = named(rendered, "ServiceAccount", f"{RELEASE}-migration")
    for it in [*jobs, policy, account]:
        hook = it["metadata"].get("annotations", {}).get("helm.sh/hook")
        assert hook == ("pre-install,pre-upgrade" if hooked else None)
    if hooked:
        weight = "helm.sh/hook-weight"
        first = {int(it["metadata"]["annotations"][weight]) for it in [policy, account]}
        then = {int(it["metadata"]["annotations"][weight]) for it in jobs}
        assert max(first) < min(then)


def test_a_migration_of_another_image_is_another_job():
    def jobs(tag):
        rendered = objects(PRODUCTION, changes={"image": {"tag": tag}})
        return {it["metadata"]["name"] for it in of_kind(rendered, "Job")}

    assert jobs("1.0.0") == jobs("1.0.0") and not jobs("1.0.0") & jobs("1.0.1")


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


# A trial.


def test_a_trial_has_every_secret_that_its_pods_ask_for():
    rendered = profile("evaluation")
    made = {it["metadata"]["name"]: it["stringData"] for it in of_kind(rendered, "Secret")}
    for it in workloads(rendered):
        _, spec = pod_of(it)
        for name, key in secret_files(spec).values():
            assert made[name][key]
        for volume in spec.get("volumes", []):
            if "secret" in volume:
                assert volume["secret"]["secretName"] in made
        for box in spec["containers"]:
            for entry in box.get("env", []):
                if source := entry.get("valueFrom", {}).get("secretKeyRef"):
                    assert made[source["name"]][source["key"]]


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
    with cluster.knowing(there) as config:
        upgraded = secrets_of(objects(EVALUATION, upgrade=True, cluster=config))
    assert len(upgraded) == 21
    for name, it in upgraded.items():
        assert it["stringData"] == installed[name]["stringData"], name


def test_a_trial_whose_secrets_are_gone_gets_others():
    with cluster.knowing({}) as config:
        first, second = (secrets_of(objects(EVALUATION, cluster=config)) for _ in range(2))
    assert first["vigie-master-key"]["stringData"] != second["vigie-master-key"]["stringData"]


def test_redis_of_a_trial_lets_its_user_do_what_the_documentation_says():
    secret = named(profile("evaluation"), "Secret", f"{RELEASE}-evaluation-redis")
    rights = re.search(r"needs `(~vigie:\* [^`]*)`",
                       (ROOT / "docs/configuration.md").read_text())[1]
    assert rights in secret["stringData"]["users.acl"]
    assert "user default off" in secret["stringData"]["users.acl"]


# Alerts and dashboards.


def test_alerts_and_dashboards_are_those_of_the_files():
    rendered = profile("production")
    source = chart.yaml.safe_load((CHART / "files/alerts.yaml").read_text())
    rule, = of_kind(rendered, "PrometheusRule")
    assert rule["spec"] == source
    boards = {name: text for it in of_kind(rendered, "ConfigMap")
              for name, text in it["data"].items()}
    files = {file.name: file for file in (CHART / "files/dashboards").glob("*.json")}
    assert files and boards.keys() == files.keys()
    for name, file in files.items():
        assert json.loads(boards[name]) == json.loads(file.read_text())


def test_run_books_are_found_below_the_address_that_is_given():
    rule, = of_kind(case(CHART / "ci/gateway.yaml"), "PrometheusRule")
    urls = [it["annotations"]["runbook_url"] for group in rule["spec"]["groups"]
            for it in group["rules"] if "alert" in it]
    assert urls and all(url.startswith("https://code.example.org/vigie/docs/") for url in urls)


def test_prometheus_finds_the_metrics_of_every_service_once():
    rendered = profile("production")
    monitor, = of_kind(rendered, "ServiceMonitor")
    selected = [it for it in of_kind(rendered, "Service")
                if monitor["spec"]["selector"]["matchLabels"].items()
                <= it["metadata"]["labels"].items()]
    ports = [it["spec"]["selector"]["app.kubernetes.io/component"] for it in selected
             for port in it["spec"]["ports"] if port["name"] == "metrics"]
    assert sorted(ports) == SERVICES


# What is refused.


def walk(schema, path="values"):
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from walk(inner, f"{path}.{name}")
    for name, inner in schema.get("$defs", {}).items():
        yield from walk(inner, f"{path}:{name}")
    if isinstance(schema.get("items"), dict):
        yield from walk(schema["items"], f"{path}[]")


def test_the_schema_lets_no_unknown_value_in_anywhere():
    schema = json.loads((CHART / "values.schema.json").read_text())
    for path, inner in walk(schema):
        if inner.get("type") == "object":
            free = inner.get("additionalProperties")
            # Labels and annotations have names of their own.
            assert free is False or path == "values:labels", path


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
    ({"env": {"AUTH_ROLEMAP": "a=b"}}, "AUTH_ROLEMAP"),
    ({"auth": {"issuer": "http://login.example.org"}}, "issuer"),
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
