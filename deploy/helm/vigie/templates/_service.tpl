{{/* The variables of a service beside DATABASE_*. */}}
{{- define "vigie.serviceEnv" -}}
{{- $v := .root.Values }}
{{- $name := include "vigie.fullname" .root }}
{{- $ports := include "vigie.ports" . | fromYaml }}
{{- $fact := index (include "vigie.facts" . | fromYaml) .service }}
- {name: SERVER_LISTEN, value: "0.0.0.0:{{ $ports.public }}"}
- {name: SERVER_INTERNAL_LISTEN, value: "0.0.0.0:{{ $ports.internal }}"}
- {name: SERVER_METRICS_LISTEN, value: "0.0.0.0:{{ $ports.metrics }}"}
- {name: SERVER_DRAIN_SECONDS, value: {{ $v.drainSeconds | quote }}}
{{- if $v.publicTls.enabled }}
- {name: SERVER_TLS_CERT_FILE, value: /etc/vigie/public-tls/tls.crt}
- {name: SERVER_TLS_KEY_FILE, value: /etc/vigie/public-tls/tls.key}
{{- end }}
{{- if $v.grpcWeb.enabled }}
- {name: SERVER_ALLOWED_ORIGINS, value: {{ join "," $v.grpcWeb.allowedOrigins | quote }}}
{{- end }}
- {name: INTERNAL_TLS_CERT_FILE, value: /etc/vigie/internal-tls/tls.crt}
- {name: INTERNAL_TLS_KEY_FILE, value: /etc/vigie/internal-tls/tls.key}
- {name: INTERNAL_TLS_CA_FILE, value: /etc/vigie/internal-tls/ca.crt}
- {name: AUTH_ISSUER, value: {{ $v.auth.issuer | quote }}}
- {name: AUTH_AUDIENCE, value: {{ $v.auth.audience | quote }}}
{{- if $v.auth.caSecret }}
- {name: AUTH_CA_FILE, value: /etc/vigie/auth/ca.crt}
{{- end }}
{{- with $v.telemetry.otlpEndpoint }}
- {name: TELEMETRY_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- if $v.telemetry.caSecret }}
- {name: TELEMETRY_OTLP_CA_FILE, value: /etc/vigie/telemetry/ca.crt}
{{- end }}
{{- if $fact.masterKey }}
- {name: SEALING_MASTER_KEY_FILE, value: /etc/vigie/keys/master}
{{- end }}
- {name: SEALING_LOG_KEY_FILE, value: /etc/vigie/keys/log}
- {name: EVENTLOG_SHARDS, value: {{ $v.shards | quote }}}
{{- if $v.redis.enabled }}
- {name: EVENTLOG_REDIS_URL_FILE, value: /etc/vigie/redis/url}
- {name: EVENTLOG_REDIS_MODE, value: {{ $v.redis.mode }}}
{{- with $v.redis.masterName }}
- {name: EVENTLOG_REDIS_MASTER_NAME, value: {{ . | quote }}}
{{- end }}
{{- with $v.redis.sentinelUsername }}
- {name: EVENTLOG_REDIS_SENTINEL_USERNAME, value: {{ . | quote }}}
- {name: EVENTLOG_REDIS_SENTINEL_PASSWORD_FILE, value: /etc/vigie/redis/sentinel-password}
{{- end }}
{{- if $v.redis.caSecret }}
- {name: EVENTLOG_REDIS_CA_FILE, value: /etc/vigie/redis/ca.crt}
{{- end }}
{{- end }}
{{- range $fact.producers }}
- {name: PRODUCER_{{ upper . }}_URL, value: "https://{{ $name }}-{{ . }}-internal:{{ $ports.internal }}"}
{{- end }}
{{- if eq .service "intake" }}
- {name: INTAKE_REFERENCE_KEY_FILE, value: /etc/vigie/keys/reference}
{{- end }}
{{- if and (eq .service "qualification") $v.qualification.measureCatalogueSecret }}
- {name: QUALIFICATION_MEASURE_CATALOGUE_FILE, value: /etc/vigie/measures/measures.toml}
{{- end }}
{{- if eq .service "notification" }}
{{- with $v.notification }}
- {name: SMTP_HOST, value: {{ .smtp.host | quote }}}
- {name: SMTP_PORT, value: {{ .smtp.port | quote }}}
- {name: SMTP_TLS, value: {{ .smtp.tls | quote }}}
{{- if .smtp.caSecret }}
- {name: SMTP_CA_FILE, value: /etc/vigie/smtp/ca.crt}
{{- end }}
{{- if .smtp.username }}
- {name: SMTP_USERNAME, value: {{ .smtp.username | quote }}}
- {name: SMTP_PASSWORD_FILE, value: /etc/vigie/smtp/password}
{{- end }}
- {name: NOTIFICATION_FROM, value: {{ .from | quote }}}
- {name: NOTIFICATION_FSSI_MAILBOXES, value: {{ join "," .fssiMailboxes | quote }}}
- {name: NOTIFICATION_CELL_MAILBOXES, value: {{ join "," .cellMailboxes | quote }}}
{{- if .onCallSecret }}
- {name: NOTIFICATION_ON_CALL_FILE, value: /etc/vigie/on-call/on-call.json}
{{- end }}
{{- end }}
{{- end }}
{{- range $variable, $value := merge (dict) (index $v.services .service).env $v.env }}
{{- /* Helm reads a number as floating-point, and would write a large one as 2.6e+08. */}}
{{- if and (kindIs "float64" $value) (eq (floor $value) $value) }}{{ $value = int64 $value }}{{ end }}
- {name: {{ $variable }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{/* The files of a service, below /etc/vigie. */}}
{{- define "vigie.serviceFiles" -}}
{{- $v := .root.Values }}
{{- $own := index $v.services .service }}
{{- $name := include "vigie.fullname" .root }}
{{- $fact := index (include "vigie.facts" . | fromYaml) .service }}
- secret:
    name: {{ $name }}-{{ .service }}-internal-tls
    items:
      - {key: tls.crt, path: internal-tls/tls.crt}
      - {key: tls.key, path: internal-tls/tls.key}
      - {key: ca.crt, path: internal-tls/ca.crt}
{{- if $v.publicTls.enabled }}
- secret:
    name: {{ $name }}-{{ .service }}-public-tls
    items:
      - {key: tls.crt, path: public-tls/tls.crt}
      - {key: tls.key, path: public-tls/tls.key}
{{- end }}
{{- with $v.auth.caSecret }}
- secret:
    name: {{ . }}
    items: [{key: ca.crt, path: auth/ca.crt}]
{{- end }}
{{- with $v.telemetry.caSecret }}
- secret:
    name: {{ . }}
    items: [{key: ca.crt, path: telemetry/ca.crt}]
{{- end }}
{{- if $fact.masterKey }}
- secret:
    name: {{ $v.keys.masterSecret }}
    items: [{key: key, path: keys/master}]
{{- end }}
- secret:
    name: {{ $v.keys.logSecret }}
    items: [{key: key, path: keys/log}]
{{- if eq .service "intake" }}
- secret:
    name: {{ $v.keys.referenceSecret }}
    items: [{key: key, path: keys/reference}]
{{- end }}
{{ include "vigie.databaseFiles" (dict "root" .root "secret" $own.secrets.database) | trim }}
{{- if $v.redis.enabled }}
- secret:
    name: {{ $own.secrets.redis }}
    items: [{key: url, path: redis/url}]
{{- with $v.redis.caSecret }}
- secret:
    name: {{ . }}
    items: [{key: ca.crt, path: redis/ca.crt}]
{{- end }}
{{- with $v.redis.sentinelPasswordSecret }}
- secret:
    name: {{ . }}
    items: [{key: password, path: redis/sentinel-password}]
{{- end }}
{{- end }}
{{- if eq .service "qualification" }}
{{- with $v.qualification.measureCatalogueSecret }}
- secret:
    name: {{ . }}
    items: [{key: measures.toml, path: measures/measures.toml}]
{{- end }}
{{- end }}
{{- if eq .service "notification" }}
{{- with $v.notification.smtp.caSecret }}
- secret:
    name: {{ . }}
    items: [{key: ca.crt, path: smtp/ca.crt}]
{{- end }}
{{- with $v.notification.smtp.passwordSecret }}
- secret:
    name: {{ . }}
    items: [{key: password, path: smtp/password}]
{{- end }}
{{- with $v.notification.onCallSecret }}
- secret:
    name: {{ . }}
    items: [{key: on-call.json, path: on-call/on-call.json}]
{{- end }}
{{- end }}
{{- end }}
