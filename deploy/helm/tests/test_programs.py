"""What the programs themselves say of the values.

Each is given what its container is given, and reads it as at a start (`check-config`).
"""

import functools
import json
import pathlib
import subprocess

import pytest

from chart import (
    EVALUATION, RELEASE, ROOT, SERVICES, Refused, boxes, case, container, every_case,
    every_service, named, objects, pod_of, profile, secret_files, told, variables, workloads,
)

LARGE = {
    "env": {"SERVER_MAX_MESSAGE_BYTES": 4194304, "TELEMETRY_SAMPLE_RATIO": 0.5},
    "services": {"intake": {"env": {"INTAKE_IMPORT_MAX_BYTES": 268435456}}},
}

CATALOGUE = ROOT / "services/qualification/src/measures/catalogue.toml"


@functools.cache
def certificates():
    """A certificate, its key and its authority, as a trial makes them."""
    secret = named(profile("evaluation"), "Secret", f"{RELEASE}-intake-internal-tls")
    return secret["stringData"]


def sample(path, variables_of_it):
    """What a file of a Secret may hold; the path tells what it is of."""
    name = path.rpartition("/")[2]
    if name in certificates():
        return certificates()[name]
    if path.startswith("keys/"):
        return "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU=\n"
    return {
        "database/url": "postgres://vigie:password@postgres:5432/vigie?sslmode=require",
        "redis/url": "{}://vigie:password@redis:6379".format(
            "rediss" if "EVENTLOG_REDIS_CA_FILE" in variables_of_it else "redis"),
        "redis/sentinel-password": "password",
        "smtp/password": "password",
        "measures/measures.toml": CATALOGUE.read_text(),
        "on-call/on-call.json": json.dumps([{
            "from": "2026-01-01T08:00:00+01:00", "to": "2026-01-08T08:00:00+01:00",
            "addresses": ["astreinte@example.org"]}]),
    }[path]


def check(rendered, service, folder, **changes):
    """Has the program of a service read what its container is told, but for some changes."""
    _, spec = pod_of(named(rendered, "Deployment", f"{RELEASE}-{service}"))
    environment = variables(rendered, service) | changes
    for path in secret_files(spec):
        file = pathlib.Path(folder, path)
        file.parent.mkdir(exist_ok=True)
        file.write_text(sample(path, environment))
    environment = {name: value.replace("/etc/vigie/", f"{folder}/")
                   for name, value in environment.items()}
    program = ROOT / f"target/debug/vigie-{service}"
    return subprocess.run(
        [program, "check-config"], env=environment, capture_output=True, text=True, check=False)


@every_case
@every_service
def test_each_service_can_use_what_it_is_told(file, service, tmp_path):
    done = check(case(file), service, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@every_service
def test_a_large_number_arrives_as_it_was_written(service, tmp_path):
    rendered = objects(EVALUATION, changes=LARGE)
    assert variables(rendered, service)["SERVER_MAX_MESSAGE_BYTES"] == "4194304"
    done = check(rendered, service, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@every_case
def test_commands_are_told_what_their_service_is_told(file):
    rendered = case(file)
    for it in workloads(rendered):
        for box in boxes(pod_of(it)[1]):
            if schema := told(box).get("DATABASE_SCHEMA"):
                assert told(box).items() <= variables(rendered, schema).items()
                assert box["image"] == container(rendered, schema)["image"]


@pytest.mark.parametrize(("service", "variable", "value"), [
    ("notification", "NOTIFICATION_FROM", "Vigie (essai) <vigie@example.org>"),
    ("notification", "NOTIFICATION_FSSI_MAILBOXES", "fssi"),
    ("notification", "NOTIFICATION_AGENCY_MAIL_DOMAIN", "not a domain"),
    ("notification", "NOTIFICATION_CLAIM_MS", "1000"),
    ("notification", "EVENTLOG_RETENTION_DAYS", "7"),
    ("notification", "SMTP_USERNAME", "vigie"),
    ("intake", "INTAKE_REFERENCE_KEY_FILE", "/etc/vigie/internal-tls/tls.crt"),
    ("intake", "INTAKE_IMPORT_MAX_BYTES", "2.68435456e+08"),
    *((service, variable, value) for service in SERVICES for variable, value in [
        ("DATABASE_SCHEMA", "In-take"),
        ("DATABASE_URL_FILE", "/etc/vigie/keys/log"),
        ("DATABASE_MAX_CONNECTIONS", "many"),
        ("SERVER_LISTEN", "8080"),
        ("SERVER_ALLOWED_ORIGINS", "*"),
        ("SERVER_TLS_CERT_FILE", "/etc/vigie/internal-tls/tls.crt"),
        ("INTERNAL_TLS_KEY_FILE", "/etc/vigie/keys/log"),
        ("AUTH_ISSUER", "http://login.example.org"),
        ("AUTH_ALGORITHMS", "HS256"),
        ("AUTH_ROLE_MAP", "cert-analyst=wizard"),
        ("AUTH_DISCOVERY_URL", "login"),
        ("TELEMETRY_SAMPLE_RATIO", "2"),
        ("TELEMETRY_LOG_FORMAT", "xml"),
        ("SEALING_LOG_KEY_FILE", "/etc/vigie/database/url"),
        ("EVENTLOG_REDIS_MASTER_NAME", "vigie"),
        ("EVENTLOG_REDIS_URL_FILE", "/etc/vigie/keys/log"),
    ]),
])
def test_what_a_service_cannot_use_is_refused_in_one_line_that_names_the_variable(
        service, variable, value, tmp_path):
    done = check(profile("evaluation"), service, tmp_path, **{variable: value})
    assert done.returncode == 1
    line, = done.stderr.splitlines()
    # Of a pair the one that is missing may be named.
    stem = variable.replace("_CERT_FILE", "").replace("_KEY_FILE", "")
    assert line.startswith(f"vigie-{service}: {stem}"), line


@every_service
def test_a_producer_without_https_is_refused(service, tmp_path):
    rendered = profile("evaluation")
    name = next(name for name in variables(rendered, service) if name.startswith("PRODUCER_"))
    done = check(rendered, service, tmp_path, **{name: "http://intake:8443"})
    assert done.returncode == 1 and "https is required" in done.stderr


@pytest.mark.parametrize("sender", [
    "vigie@example.org", "Vigie <vigie@example.org>", "Vigie essai <vigie@example.org>",
    "Cellule d'alerte n.1 <vigie@example.org>", "Ministère de la Santé <vigie@sante.example.org>",
    '"Vigie (essai)" <vigie@example.org>', '"Santé, cellule"<vigie@example.org>',
    "<vigie@example.org>", "vigie+essai@example.org",
    "Vigie (essai) <vigie@example.org>", "Vigie [essai] <vigie@example.org>",
    "Vigie, essai <vigie@example.org>", "Vigie: essai <vigie@example.org>",
    'Vigie "essai <vigie@example.org>', "Vigie <vigie@example.org", "Vigie vigie@example.org",
    "Vigie <vigie>", "vigie", "@example.org", "vigie@", "vigie@example.org, b@example.org",
    ".Vigie <vigie@example.org>", "Vigie <vigie@example.org> essai", "vigie@@example.org",
])
def test_the_schema_takes_the_senders_that_the_program_takes(sender, tmp_path):
    done = check(profile("evaluation"), "notification", tmp_path, NOTIFICATION_FROM=sender)
    try:
        objects(EVALUATION, changes={"notification": {"from": sender}})
        taken = True
    except Refused as refused:
        assert "/notification/from" in str(refused)
        taken = False
    assert taken == (done.returncode == 0), done.stderr
